"""What notebooks show: HTML of runs, stacks, histories, diffs, artifacts and workspaces."""

import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

import stackfold
from stackfold import Workspace, get_context, pipeline, step
from stackfold.errors import RunFailed
from stackfold.flavors import Check, ValidationReport
from stackfold.web import notebook
from stackfold.web.notebook import RENDERERS, enable, list_html

HOSTILE = '<script>alert("1")</script>'


@step
def load(rows: int) -> list[int]:
    return list(range(rows))


@step
def train(rows: list[int]) -> float:
    get_context().log_metadata({"auc": 0.9844, "note": HOSTILE})
    return len(rows) / 10


@pipeline
def training(length: int = 5):
    train(load(length))


@pipeline
def failing():
    fail(load(3))


@step
def fail(rows: list[int]) -> float:
    raise ValueError(HOSTILE)


@pytest.fixture
def ws():
    with Workspace.in_memory(actor="ada") as workspace:
        yield workspace


class Shell:
    """IPython's registry of formatters, as far as `enable` uses it."""

    def __init__(self):
        self.shown = {}
        self.display_formatter = SimpleNamespace(formatters={"text/html": self})

    def for_type(self, shown, render):
        self.shown[shown] = render

    def html(self, value):
        kind = next(each for each in type(value).__mro__ if each in self.shown)
        return self.shown[kind](value)


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    enable()
    return shell


class Elements(HTMLParser):
    """The names of all elements, and all text."""

    def __init__(self, html):
        super().__init__()
        self.names, self.words = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        assert not [name for name, _ in attributes if name.startswith("on") or name == "style"]

    def handle_data(self, data):
        self.words += data


def elements(html):
    parsed = Elements(html)
    assert "script" not in parsed.names
    return parsed


def test_a_finished_run_shows_its_graph_steps_and_metrics(ws, shell):
    run = ws.run(training, length=7)
    shown = elements(shell.html(run))
    assert shown.names.count("rect") == 2
    for words in (run.name, "completed", "auc 0.9844", "length", "7", "by ada"):
        assert words in shown.words


def test_a_failed_run_shows_its_error_escaped(ws, shell):
    with pytest.raises(RunFailed):
        ws.run(failing)
    shown = elements(shell.html(ws.runs.describe("latest")))
    assert HOSTILE in shown.words
    assert "failed" in shown.words


def test_a_run_in_one_line_and_a_list_of_runs(ws, shell):
    run = ws.run(training)
    assert run.name in elements(shell.html(ws.runs.get(run.id))).words
    assert elements(shell.html(ws.runs.list())).names.count("tr") == 2


def test_a_stack_shows_its_components(ws, shell):
    shown = elements(shell.html(ws.stacks.get()))
    assert "Stack default revision 1 · active" in shown.words
    assert "artifact_store" in shown.words


def test_a_history_shows_who_changed_what_and_why(ws, shell):
    ws.stacks.register("prod", orchestrator="default", artifact_store="default")
    ws.stacks.update("prod", description=HOSTILE, why="for <reasons>")
    shown = elements(shell.html(ws.stacks.history("prod")))
    for words in ("updated stack prod", HOSTILE, "for <reasons>", "ada"):
        assert words in shown.words


def test_a_diff_of_runs_shows_what_differs(ws, shell):
    before, after = ws.run(training, length=5), ws.run(training, length=6)
    shown = elements(shell.html(ws.runs.diff(before.id, after.id)))
    assert f"{before.name} → {after.name}" in shown.words
    assert "parameters" in shown.words


def test_an_artifact_shows_where_it_came_from(ws, shell):
    run = ws.run(training)
    artifact = ws.runs.artifacts(run.id)[-1]
    shown = elements(shell.html(artifact))
    assert artifact.reference in shown.words
    assert run.id in shown.words


def test_models_and_versions_are_shown_with_metrics_and_promotions(ws, shell):
    run = ws.runs.start(training, configuration={"model": "churn"})
    ws.models.set_gate("churn", "auc >= 0", why=HOSTILE)
    ws.models.promote("churn", 1, "champion", why="first one")
    model = elements(shell.html(ws.models.get("churn"))).words
    assert "champion" in model
    assert "auc >= 0" in model
    described = elements(shell.html(ws.models.describe("churn"))).words
    assert "first one" in described
    version = elements(shell.html(ws.models.describe_version("churn", 1))).words
    assert run.name in version
    assert "output" in version
    for shown in (
        ws.models.version("churn", 1),
        [*ws.models.list()],
        [*ws.models.versions("churn")],
    ):
        assert "champion" in elements(shell.html(shown)).words


def test_a_workspace_shows_its_active_stack_and_latest_runs(ws, shell):
    assert "No runs yet." in elements(shell.html(ws)).words
    run = ws.run(training)
    shown = elements(shell.html(ws))
    assert "Active stack: default" in shown.words
    assert run.name in shown.words


def test_what_cannot_be_read_any_more_is_shown_as_text(shell):
    with Workspace.in_memory() as ws:
        run = ws.run(training)
    assert shell.html(run) is None
    assert repr(run) == f"<FinishedRun {run.name}: completed>"
    assert repr(ws) == "<Workspace in memory (closed)>"


def test_views_have_short_reprs(ws):
    run = ws.run(training)
    assert repr(ws.stacks.get()) == "<StackView default, revision 1>"
    (store,) = ws.components.list("artifact_store")
    assert repr(store) == "<ComponentView artifact_store default, revision 1>"
    view = ws.runs.artifacts(run.name)[0]
    assert repr(view) == f"<ArtifactView {view.reference}>"
    found = ws.artifacts.list()[-1]
    assert repr(found) == f"<NamedArtifact {found.reference}>"


def test_a_workspace_is_shown_by_its_home(tmp_path):
    with Workspace.open(tmp_path / "home") as ws:
        assert repr(ws) == f"<Workspace {tmp_path / 'home'}>"


@pytest.mark.parametrize("values", [[], [1], ["a", None], [()]])
def test_other_lists_are_left_to_ipython(values):
    assert list_html(values) is None


def test_a_long_list_is_cut(ws):
    [entry] = ws.stacks.history("default")[:1]
    html = notebook.history_html([entry] * 150)
    assert "… and 50 more" in html
    assert elements(html).names.count("tr") == 101


def test_without_ipython_nothing_is_registered(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    enable()


def test_the_first_use_of_the_package_registers_with_ipython(shell, monkeypatch):
    shell.shown.clear()
    monkeypatch.delitem(vars(stackfold), "Workspace", raising=False)
    assert stackfold.Workspace in shell.shown


def test_a_validation_report_is_its_checks():
    check = Check("in_range(0, 9)", "<b>age</b>", False, 2, 0, "2 of 3 rows", ("<i>12</i>",))
    report = ValidationReport.of("check", [check, Check("unique")], tool="pandera", version="1")
    shown = RENDERERS[ValidationReport](report)
    assert "1 of 2 checks failed" in shown
    assert "&lt;b&gt;age&lt;/b&gt;" in shown
    assert "&lt;i&gt;12&lt;/i&gt;" in shown
    assert "<script" not in shown
