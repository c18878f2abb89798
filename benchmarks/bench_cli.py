"""What a command costs: the CPU time of its process, as a multiple of `python -c pass`.

User and system time of the child, the median of 15 after one to warm up, with compiled bytecode,
and output to /dev/null. Commands that the fast path answers are measured through typer as well.
"""

import compileall
import itertools
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

TIMES = 15
PACKAGE = Path(__file__).parents[1] / "src" / "stackfold"
RUN = "from stackfold.cli.main import main; main()"
THROUGH_TYPER = "from stackfold.cli import fast_path as f; f.try_fast_path = lambda words: False; "

QUESTIONS = {
    "stack list --output json": 8,
    "stack get": 8,
    "stack list": 10,
    "stack describe": 10,
    "orchestrator list": 10,
    "orchestrator flavor list": 10,
    "run list": 10,
    "status": 10,
    "version": 10,
}
"""Command → the most that it may cost."""


def seconds(program: str, words: Sequence[str] = ()) -> float:
    """The CPU time of one process."""
    nowhere = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    command = [sys.executable, "-c", program, *words]
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=nowhere)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return usage.ru_utime + usage.ru_stime


def median(program: str, words: Callable[[], Sequence[str]] = tuple) -> float:
    return statistics.median([seconds(program, words()) for _ in range(TIMES + 1)][1:])


def main() -> None:
    for folder in (PACKAGE, *(each.resolve() for each in PACKAGE.iterdir() if each.is_symlink())):
        compileall.compile_dir(folder, quiet=2)
    home = tempfile.mkdtemp(prefix="stackfold-bench-")
    os.environ.update(STACKFOLD_HOME=home, STACKFOLD_ACTOR="bench@example.com")
    try:
        seconds(RUN, ["stack", "register", "other", "-o", "default", "-a", "default"])
        measure()
    finally:
        shutil.rmtree(home)


def measure() -> None:
    nothing = median("pass")
    print(f"python -c pass: {nothing * 1000:.1f} ms of CPU")
    print(f"{'command':<28}{'ms':>8}{'ratio':>8}{'at most':>9}{'through typer':>21}")

    def show(name: str, most: int, took: float, past: float | None = None) -> None:
        slowly = f"{past / nothing:>20.1f}x" if past else ""
        print(f"{name:<28}{took * 1000:>8.1f}{took / nothing:>7.1f}x{most:>8}x{slowly}")

    for question, most in QUESTIONS.items():
        words = question.split()
        past = median(THROUGH_TYPER + RUN, lambda words=words: words)
        show(question, most, median(RUN, lambda words=words: words), past)
    names = itertools.cycle(["other", "default"])
    show("stack set", 25, median(RUN, lambda: ["stack", "set", next(names)]))
    numbers = itertools.count()
    show(
        "orchestrator register",
        25,
        median(RUN, lambda: ["orchestrator", "register", f"o{next(numbers)}", "-f", "local"]),
    )


if __name__ == "__main__":
    main()
