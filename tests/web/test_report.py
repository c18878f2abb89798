"""`stackfold report`: one file that needs nothing else."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from browsing import HOSTILE, history

from stackfold import Workspace, get_context, pipeline, step
from stackfold.cli.main import run
from stackfold.errors import RunFailed
from stackfold.web.report import report_on_run, report_on_stack

VOID = {"meta", "link", "img", "br", "hr", "input", "rect", "path", "circle", "line"}


class Document(HTMLParser):
    """A parsed report: its elements, its text, and whether each element is closed."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.words, self.open = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    def values(self, name):
        return [attributes[name] for _, attributes in self.elements if name in attributes]


@step
def load(rows: int) -> int:
    print(f"read {rows} rows")
    return rows


@step
def train(rows: int, trees: int) -> float:
    if trees > 100:
        raise MemoryError(HOSTILE)
    return 0.5


@step
def check(score: float) -> bool:
    return True


@pipeline
def credit(trees: int = 10):
    check(train(load(3), trees))


@pytest.fixture(scope="module")
def ws():
    with history() as workspace:
        workspace.runs.start(credit, why=HOSTILE)
        with pytest.raises(RunFailed):
            workspace.runs.start(credit, {"trees": 800})
        yield workspace


@pytest.fixture(params=["run", "stack"])
def html(ws, request):
    return report_on_run(ws, "latest") if request.param == "run" else report_on_stack(ws, "prod")


def test_a_report_is_one_document_without_script_and_references_to_elsewhere(html):
    document = Document(html)
    assert document.open == []
    assert html.startswith("<!doctype html>")
    tags = [tag for tag, _ in document.elements]
    assert {"script", "link", "img", "iframe", "base", "form"}.isdisjoint(tags)
    assert tags.count("style") == 1
    assert all(each.startswith("#step-") for each in document.values("href"))
    assert document.values("src") == []
    assert not re.search(r"url\(|@import", html)
    assert not [name for _, found in document.elements for name in found if name.startswith("on")]
    assert "default-src 'none'" in html


def test_recorded_texts_are_never_markup(html):
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert ">49" not in html


def test_a_report_has_dates_and_no_relative_times(html):
    text = Document(html).text
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", text)
    assert "just now" not in html
    assert " ago" not in html


def test_the_report_of_a_run_shows_why_it_failed_and_every_step(ws):
    html = report_on_run(ws, "failed")
    document = Document(html)
    bad = ws.runs.get("failed").name
    good = ws.runs.get("credit~1").name
    assert f"{bad} ✕ failed" in document.text
    assert f"The last completed run of credit on this stack was {good}" in document.text
    assert "parameters trees 10 800" in document.text
    assert "Traceback (most recent call last)" in document.text
    assert f"From the cache: run {good} produced its outputs." in document.text
    assert f"stackfold run diff {good} {bad}" in document.text


def test_every_link_leads_to_a_place_in_the_document(ws):
    document = Document(report_on_run(ws, "failed"))
    anchors = {each.removeprefix("#") for each in document.values("href")}
    assert anchors == {"step-load", "step-train", "step-check"}
    ids = document.values("id")
    assert anchors <= {*ids}
    assert len(ids) == len({*ids})


def test_the_report_of_a_stack_shows_its_composition_its_runs_and_its_history(ws):
    text = Document(report_on_stack(ws, "prod")).text
    assert "artifact store lake local" in text
    assert "updated artifact store lake" in text
    assert "the lake is full" in text
    for each in ws.runs.list():
        assert each.name in text
    assert "Failing since" in text


def test_a_stack_without_runs_has_a_report(ws):
    ws.stacks.register("idle", orchestrator="default", artifact_store="default")
    assert "No run yet." in report_on_stack(ws, "idle")


# -- the command


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with Workspace.open() as ws:
        ws.stacks.register("prod", orchestrator="default", artifact_store="default", activate=True)
        ws.runs.start(credit)
    return tmp_path


def test_a_report_is_written_to_a_file(home, capsys):
    assert run(["report", "latest", "-o", "report.html"]) == 0
    assert re.fullmatch(
        r"report of run 'credit-\w+' written to report\.html\n", capsys.readouterr().out
    )
    document = Document((home / "report.html").read_text(encoding="utf-8"))
    assert "Run of credit" in document.text
    assert [path.name for path in home.iterdir() if path.name.startswith(".rep")] == []


def test_a_file_is_only_replaced_on_request(home, capsys):
    (home / "report.html").write_text("mine")
    assert run(["report", "-o", "report.html"]) == 1
    assert "already exists" in capsys.readouterr().err
    assert (home / "report.html").read_text() == "mine"
    assert run(["report", "-o", "report.html", "--overwrite"]) == 0
    assert "Run of credit" in Document((home / "report.html").read_text()).text


def test_without_a_file_the_report_is_printed(home):
    printed = subprocess.run(
        [sys.executable, "-m", "stackfold", "report", "prod"], capture_output=True, check=True
    )
    assert printed.stdout.startswith(b"<!doctype html>")
    assert b"<bdi>prod</bdi>" in printed.stdout


def test_a_name_of_both_means_the_run_and_says_so(home, capsys):
    with Workspace.open() as ws:
        ws.stacks.register("credit", orchestrator="default", artifact_store="default")
        name = ws.runs.get("latest").name
    assert run(["report", "credit", "-o", "run.html"]) == 0
    out, err = capsys.readouterr()
    assert f"report of run {name!r}" in out
    assert f"'credit' is run {name!r} and also a stack: --stack reports on the stack" in err
    assert run(["report", "credit", "--stack", "-o", "stack.html"]) == 0
    assert "report of stack 'credit'" in capsys.readouterr().out
    assert run(["report", "--stack", "-o", "active.html"]) == 0
    assert "report of stack 'prod'" in capsys.readouterr().out


def test_a_name_of_neither_is_an_error_of_one_line(home, capsys):
    assert run(["report", "nothing"]) == 1
    assert capsys.readouterr().err == "error: there is no run or stack 'nothing'\n"


def test_without_the_extra_the_error_says_what_to_install(home):
    program = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from stackfold.cli.main import run; sys.exit(run(['report']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "it needs the package jinja2: pip install 'stackfold[ui]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_report_needs_no_package_of_the_server():
    program = "import sys, stackfold.web.report; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"starlette", "uvicorn"} & {*loaded}


def test_reports_have_the_model_version_its_aliases_and_what_gates_found():
    with Workspace.in_memory(actor="ada@example.com") as ws:

        @step
        def measure(auc: float) -> float:
            get_context().log_metadata({"auc": auc})
            return auc

        @pipeline(model="fraud")
        def judged(auc: float = 0.9):
            measure(auc)

        first = ws.runs.start(judged)
        ws.models.set_gate("fraud", "auc >= 0.8")
        ws.models.promote("fraud", 1, why=HOSTILE)
        html = report_on_run(ws, first.name)
        text = Document(html).text
        assert "Model version fraud@1" in text
        assert "Model version fraud @1 ✓ completed production" in text
        assert "met: auc >= 0.8: 0.9 >= 0.8 is true" in text
        assert "<script>alert" not in html
        stack = Document(report_on_stack(ws)).text
        assert f"fraud @1 production auc=0.9 {first.name}" in stack
