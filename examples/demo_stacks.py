"""One pipeline file, unchanged, on five stacks, with real servers behind them: `make demo-stacks`.

Everything happens in a temporary folder, and all servers listen on loopback only; both are gone at
the end. Each stack's Python is the one of its environment: .venv, or .venv-flavors/NAME. A stack
whose environment is not there is left out, and said so.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The servers are those that the flavors are tested on.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "support")]

from mlflow_server import MlflowServer  # noqa: E402
from mlflow_server import program as mlflow_program  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from s3_server import KEY, SECRET, S3Server, weed  # noqa: E402

from stackfold import Workspace  # noqa: E402

BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


@dataclass
class Demo:
    """The folder, and the servers that have been started."""

    home: Path
    block: ExitStack
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
        return {
            **os.environ,
            "PATH": path,
            "STACKFOLD_HOME": str(self.home),
            "STACKFOLD_SECRET_STORE": "file",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def run(self, typed: str, python: Path | None = None) -> int:
        """Print a command as one could type it, and do it."""
        print(f"{BOLD}$ {typed}{PLAIN}", flush=True)
        words = shlex.split(typed)
        if words[0] == "python" and python:
            words[0] = str(python)
        return subprocess.run(words, env=self.environment, cwd=self.home, check=False).returncode

    def must(self, typed: str) -> None:
        if self.run(typed):
            sys.exit(f"{typed} failed")


def say(text: str) -> None:
    print(f"\n{BOLD}# {text}{PLAIN}", flush=True)


# -- servers, each started when a stack needs it


def s3(demo: Demo) -> str:
    server = S3Server(Path(demo.block.enter_context(tempfile.TemporaryDirectory())))
    demo.block.callback(server.kill)
    server.start()
    server.bucket("stackfold")
    demo.must(f"stackfold secret create s3 --key={KEY} --secret={SECRET}")
    demo.must(
        "stackfold artifact-store register lake --flavor s3 --path=s3://stackfold/demo "
        f"--endpoint-url={server.url} --key={{{{s3.key}}}} --secret={{{{s3.secret}}}}"
    )
    return server.url


def mlflow(demo: Demo) -> str:
    server = MlflowServer(Path(demo.block.enter_context(tempfile.TemporaryDirectory())))
    demo.block.callback(server.kill)
    server.start()
    demo.must(
        "stackfold experiment-tracker register tracking --flavor mlflow "
        f"--tracking-uri={server.url}"
    )
    return server.url


def ray(demo: Demo) -> str:
    demo.must("stackfold orchestrator register cluster --flavor ray")
    return "local"


def kubeflow(demo: Demo) -> str:
    url = demo.block.enter_context(_kubeflow_server(demo))
    demo.must(f"stackfold orchestrator register kf --flavor kubeflow --kubeflow-hostname={url}")
    return url


@contextmanager
def _kubeflow_server(demo: Demo) -> Iterator[str]:
    """It executes what it is handed by `kfp.local`, hence in the environment that has it."""
    program = (
        "import sys, time; from kfp_api_server import KfpApiServer\n"
        "with KfpApiServer(sys.argv[1]) as server:\n"
        "    print(server.url, flush=True); sys.stdin.read()"
    )
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [python_of("kubeflow"), "-c", program, folder],
            env={**demo.environment, "PYTHONPATH": os.pathsep.join(sys.path[:2])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(30)


# -- stacks


@dataclass(frozen=True)
class Variant:
    """A stack, and what must be there for it."""

    name: str
    title: str
    components: str
    needs: tuple[Callable[[Demo], str], ...] = ()
    environment: str = ""


VARIANTS = (
    Variant("default", "The default stack", ""),
    Variant("s3", "Artifacts in S3", "-o default -a lake", (s3,)),
    Variant(
        "ray", "Steps on a Ray cluster, artifacts in S3", "-o cluster -a lake", (s3, ray), "ray"
    ),
    Variant(
        "mlflow", "Tracked by MLflow", "-o default -a default -e tracking", (mlflow,), "mlflow"
    ),
    Variant(
        "kubeflow",
        "Handed to Kubeflow's API, executed by kfp.local, artifacts in S3",
        "-o kf -a lake",
        (s3, kubeflow),
        "kubeflow",
    ),
)


def python_of(environment: str) -> Path:
    folder = ROOT / ".venv-flavors" / environment if environment else ROOT / ".venv"
    return folder / "bin" / "python"


def missing(variant: Variant) -> str:
    """What keeps a stack from being shown here; empty if nothing does."""
    if not python_of(variant.environment).exists():
        return f"there is no .venv-flavors/{variant.environment}: `make test-flavors` makes it"
    if s3 in variant.needs and weed() is None:
        return "no S3 server is installed: `make test-flavors` installs it"
    if mlflow in variant.needs and mlflow_program() is None:
        return "no MLflow server is installed: `make test-flavors` installs it"
    return ""


def show(demo: Demo, variant: Variant) -> bool:
    """Register the stack, activate it, and run the file; return whether that worked."""
    say(variant.title)
    for server in variant.needs:
        if server.__name__ not in demo.urls:
            demo.urls[server.__name__] = server(demo)
    if variant.components:
        demo.must(f"stackfold stack register {variant.name} {variant.components}")
    demo.must(f"stackfold stack set {variant.name}")
    return demo.run("python stacks.py", python_of(variant.environment)) == 0


def table(demo: Demo, left_out: dict[str, str]) -> Table:
    """What is recorded of the runs."""
    columns = ("stack", "revision", "orchestrator", "store", "outcome", "metrics", "artifacts")
    found = Table(*columns, title="The same file on each stack", show_lines=True)
    with Workspace.open(demo.home) as workspace:
        for view in reversed(workspace.runs.list()):
            run = workspace.runs.describe(view.id)
            found.add_row(
                f"{run.stack}",
                str(run.stack_revision),
                *(pinned(run, type) for type in ("orchestrator", "artifact_store")),
                run.status,
                "\n".join(metrics(run)),
                "\n".join(short(each.uri, demo) for each in workspace.runs.artifacts(run.id)),
            )
    for name, reason in left_out.items():
        found.add_row(name, "", "", "", "left out", "", reason)
    return found


def pinned(run, type: str) -> str:
    (component,) = run.pin["components"][type]
    return f"{component['name']} ({component['flavor']})"


def metrics(run) -> Iterator[str]:
    for each in run.steps:
        for name, value in each.metadata.get("metrics", {}).items():
            yield f"{name} {value:.4f}"


def short(uri: str, demo: Demo) -> str:
    """An address without most of its digest."""
    start, _, digest = uri.replace(str(demo.home), "~").rpartition("/")
    return f"{start}/{digest[:10]}…"


def main() -> None:
    left_out = {each.name: missing(each) for each in VARIANTS if missing(each)}
    with tempfile.TemporaryDirectory(prefix="stackfold-demo-") as folder, ExitStack() as block:
        demo = Demo(Path(folder), block)
        shutil.copy(Path(__file__).with_name("stacks.py"), folder)
        began = time.monotonic()
        worked = [show(demo, each) for each in VARIANTS if each.name not in left_out]
        say("All runs, as recorded")
        Console(width=120).print(table(demo, left_out))
        if "mlflow" in demo.urls:
            say("The same run in MLflow")
            tell_mlflow(demo.urls["mlflow"])
        print(f"\n{time.monotonic() - began:.0f} seconds, servers included")
    sys.exit(0 if all(worked) else 1)


def tell_mlflow(url: str) -> None:
    def ask(path: str, about: dict) -> dict:
        request = urllib.request.Request(
            f"{url}/api/2.0/mlflow/{path}",
            json.dumps(about).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    experiments = ask("experiments/search", {"max_results": 10})["experiments"]
    ids = [each["experiment_id"] for each in experiments]
    for run in reversed(ask("runs/search", {"experiment_ids": ids})["runs"]):
        told = [
            f"{each['key']}={each['value']}"
            for kind in ("params", "metrics")
            for each in run["data"].get(kind, [])
        ]
        print(f"{run['info']['run_name']:20} {run['info']['status']:9} {' '.join(told)}")


if __name__ == "__main__":
    main()
