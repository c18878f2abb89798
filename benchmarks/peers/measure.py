"""What a trivial step costs elsewhere: CPU per step of a chain, each tool in its own environment.

    python benchmarks/peers/measure.py [NAME…]

For each tool a virtual environment is made under `.peers/` (nothing else is touched, and it may be
deleted), the pinned release is installed, and a chain of trivial steps is run twice, with few and
with many steps. The difference, by the number of steps between the two, is what a step costs: user
and system time of the process and of all that it starts. Starting up and importing are not counted.
A tool that cannot be installed or run is told, with the last line of what it said.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ENVIRONMENTS = Path(".peers")
TIMES = 3


class Peer(NamedTuple):
    """A tool, and how much of it is measured."""

    packages: tuple[str, ...]
    script: str
    few: int
    many: int


PEERS = {
    "stackfold": Peer((str(HERE.parents[1]),), "stackfold_chain.py", 10, 210),
    "kedro": Peer(("kedro~=1.7.0", "kedro-datasets[pickle]>=9"), "kedro_chain.py", 10, 210),
    "dagster": Peer(("dagster~=1.13.0",), "dagster_chain.py", 5, 45),
    "metaflow": Peer(("metaflow~=2.19.0",), "metaflow_chain.py", 2, 12),
    "zenml": Peer(("zenml[local]==0.98.0",), "zenml_chain.py", 5, 25),
}


def installed(name: str, peer: Peer) -> str:
    """The environment's interpreter."""
    python = ENVIRONMENTS / name / "bin" / "python"
    done = ENVIRONMENTS / name / "installed"
    if not done.exists():
        command("python3", "-m", "venv", "--clear", str(ENVIRONMENTS / name), python=sys.executable)
        command("pip", "install", "--quiet", *peer.packages, python=str(python))
        done.touch()
    return str(python.absolute())


def command(*words: str, python: str) -> None:
    line = [python, *words[1:]] if words[0] == "python3" else [python, "-m", *words]
    done = subprocess.run(["nice", *line], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(last_line(done.stderr or done.stdout))


def seconds(python: str, script: str, steps: int) -> float:
    """CPU of one run, with all the processes that it starts, in a home of its own."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        environment = {
            **os.environ, "HOME": folder, "STACKFOLD_HOME": f"{folder}/stackfold",
            "ZENML_CONFIG_PATH": f"{folder}/zenml", "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_LOGGING_VERBOSITY": "ERROR", "DAGSTER_HOME": f"{folder}",
            "DAGSTER_DISABLE_TELEMETRY": "1", "KEDRO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1",
            "METAFLOW_HOME": f"{folder}/metaflow", "USERNAME": "bench",
        }  # fmt: skip
        environment = {
            name: str(Path(value).absolute()) if value.startswith(folder) else value
            for name, value in environment.items()
        }
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [python, str((HERE / script).absolute()), str(steps)],
            env=environment, cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(last_line(done.stderr or done.stdout))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "it said nothing"


def measured(name: str, peer: Peer) -> tuple[float, float]:
    """Seconds of CPU per step, and of a run of the few steps from start to end."""
    python = installed(name, peer)
    few = statistics.median(seconds(python, peer.script, peer.few) for _ in range(TIMES))
    many = statistics.median(seconds(python, peer.script, peer.many) for _ in range(TIMES))
    return (many - few) / (peer.many - peer.few), few


def version(name: str) -> str:
    line = [str(ENVIRONMENTS / name / "bin" / "python"), "-m", "pip", "list", "--format", "json"]
    packages = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)
    return next(each["version"] for each in packages if each["name"] == name)


def main() -> None:
    print(f"Python {sys.version.split()[0]}\n")
    print("| tool | CPU per step | CPU of a whole run |\n| --- | ---: | ---: |")
    for name in sys.argv[1:] or PEERS:
        peer = PEERS[name]
        try:
            per_step, whole = measured(name, peer)
        except RuntimeError as error:
            print(f"| {name} | not measured: {error} | |", flush=True)
            continue
        told = f"{per_step * 1e3:.1f} ms | {whole:.1f} s ({peer.few} steps)"
        print(f"| {name} {version(name)} | {told} |", flush=True)


if __name__ == "__main__":
    main()
