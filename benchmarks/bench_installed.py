"""What `stack list` costs with few and with many packages installed.

For the interpreter that runs this and those of the flavors' environments (`make test-flavors` and
`make slow-flavors` create them), or those given as arguments: the CPU time of `stack list`, as a
multiple of `python -c pass` of the same interpreter, which itself becomes slower with each package
that has a `.pth` file. The interpreters take turns; the times are medians of 15.
"""

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TIMES = 15
RUN = "from stackfold.cli.main import main; main()"
COUNT = "from importlib.metadata import distributions; print(len([*distributions()]))"
MODULES = (
    f"import atexit, sys; atexit.register(lambda: sys.stderr.write(f'{{len(sys.modules)}}')); {RUN}"
)
COMMANDS = {"pass": ("pass",), "stack list": (RUN, "stack", "list")}


def seconds(python: str, program: str, *words: str) -> float:
    """The CPU time of one process, whose output is discarded."""
    nowhere = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    command = [python, "-c", program, *words]
    process = os.posix_spawn(python, command, os.environ, file_actions=nowhere)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{python}: {' '.join(words)} failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    root = Path(__file__).parents[1]
    found = sorted(map(str, root.glob(".venv-flavors/*/bin/python")))
    pythons = [sys.executable, *(sys.argv[1:] or found)]
    home = tempfile.mkdtemp(prefix="stackfold-bench-")
    os.environ.update(STACKFOLD_HOME=home, STACKFOLD_ACTOR="bench@example.com")
    try:
        measure(pythons)
    finally:
        shutil.rmtree(home)


def measure(pythons: list[str]) -> None:
    taken: dict[tuple[str, str], list[float]] = {}
    for _, python in itertools.product(range(TIMES + 1), pythons):
        for name, command in COMMANDS.items():
            taken.setdefault((python, name), []).append(seconds(python, *command))
    times = {key: statistics.median(each[1:]) for key, each in taken.items()}
    print(f"{'packages':>8}{'modules':>9}{'pass':>9}{'stack list':>13}{'ratio':>8}  environment")
    for python in pythons:
        bare, listed = times[python, "pass"], times[python, "stack list"]
        packages = subprocess.run([python, "-c", COUNT], capture_output=True, check=True, text=True)
        modules = subprocess.run(
            [python, "-c", MODULES, "stack", "list"], capture_output=True, check=True, text=True
        )
        print(
            f"{packages.stdout.strip():>8}{modules.stderr.strip():>9}{bare * 1000:>6.1f} ms"
            f"{listed * 1000:>10.1f} ms{listed / bare:>7.1f}x  {Path(python).parents[1].name}"
        )


if __name__ == "__main__":
    main()
