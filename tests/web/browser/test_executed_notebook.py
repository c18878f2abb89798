"""A notebook that is executed shows runs, stacks, diffs and histories, and a failure briefly."""

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

CELLS = {
    "define": '''\
from stackfold import Workspace, get_context, pipeline, step
from stackfold.application.listing.listing import Listing

ws = Workspace.in_memory(actor="ada")

@step
def load(rows: int) -> list[int]:
    return list(range(rows))

@step
def train(rows: list[int]) -> float:
    get_context().log_metadata({"auc": len(rows) / 10})
    return len(rows) / 10

@step
def fail(rows: list[int]) -> float:
    return compute(rows)

def compute(rows):
    raise ValueError("no luck")

@pipeline
def training(length: int = 5):
    train(load(length))

@pipeline
def failing():
    fail(load(3))
''',
    "workspace": "ws",
    "run": "run = ws.run(training)\nrun",
    "run in text": "print(repr(run))",
    "runs": "ws.run(training, 7)\nws.runs.list()",
    "described": 'ws.runs.describe("latest")',
    "diff": 'ws.runs.diff("latest~1", "latest")',
    "stack": '''\
ws.stacks.register(
    "prod", orchestrator="default", artifact_store="default", why="to try"
)
''',
    "stacks": "ws.stacks.list()",
    "history": 'ws.stacks.history("prod")',
    "stack diff": 'ws.stacks.update("prod", description="for all")\nws.stacks.diff("prod")',
    "artifact": "ws.artifacts.list()[0]",
    "artifacts": "ws.artifacts.list()",
    "value": 'run.load("train")',
    "failure": "ws.run(failing)",
}  # fmt: skip
"""Name → source of a cell."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Name of a cell → its last output."""
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    )
    folder: Path = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    outputs = zip(CELLS, notebook.cells, strict=True)
    return {name: cell.outputs[-1] if cell.outputs else None for name, cell in outputs}


def html(shown: dict[str, Any], name: str) -> str:
    return str(shown[name]["data"]["text/html"])


def plain(shown: dict[str, Any], name: str) -> str:
    return str(shown[name]["data"]["text/plain"])


def test_a_run_is_drawn_with_its_steps_and_metrics(shown):
    for name in ("run", "described"):
        assert "<svg" in html(shown, name)
        assert "train" in html(shown, name)
        assert "auc" in html(shown, name)
        assert "completed" in html(shown, name)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("workspace", "Active stack: default"),
        ("runs", "training-"),
        ("diff", "length"),
        ("stack", "Stack prod"),
        ("stacks", "prod"),
        ("history", "to try"),
        ("stack diff", "for all"),
        ("artifact", "digest"),
        ("artifacts", "training/train/output@2"),
    ],
)
def test_each_kind_of_object_is_a_table(shown, name, word):
    assert word in html(shown, name)
    assert "<script" not in html(shown, name)


@pytest.mark.parametrize("name", [name for name in CELLS if name not in {"define", "failure"}])
def test_the_plain_text_of_an_object_is_short(shown, name):
    output = shown[name]
    text = output["text"] if "text" in output else output["data"]["text/plain"]
    assert len(text) < 4000, text


def test_a_run_as_text_is_one_line(shown):
    assert shown["run in text"]["text"].count("\n") == 1
    assert "training-" in shown["run in text"]["text"]


def test_a_failing_pipeline_shows_the_frames_of_its_step_only(shown):
    text = _COLOUR.sub("", "\n".join(shown["failure"]["traceback"]))
    assert "compute(rows)" in text
    assert "ValueError: no luck" in text
    assert "failed in step 'fail'" in text
    assert "stackfold/application" not in text
    assert "site-packages" not in text
    assert len(text.splitlines()) < 40, text
