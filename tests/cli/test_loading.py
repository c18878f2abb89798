"""Read commands load only what reading needs."""

import time
from importlib.metadata import requires

import pytest
from command_line import in_a_process

from stackfold.cli.fast_path import commands

REPOSITORY = "stackfold.application.eventsourcing.repository"
WRITING = {"eventsourcing", "pydantic", "orjson", "httpx", REPOSITORY}
LOADED_BY_TYPER = {"pydantic"} if "pydantic" in str(requires("typer")) else set()
THROUGH_TYPER = "from stackfold.cli import fast_path as f; f.try_fast_path = lambda words: False"
TELL = "import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"


def loaded_by(*words, before=""):
    answer = in_a_process(*words, before=f"{TELL}\n{before}")
    assert answer.code == 0, answer
    return set(answer.err.split())


@pytest.fixture
def used(cli):
    cli.ok("stack", "list")
    return cli


@pytest.mark.parametrize(
    "words",
    [
        ["stack", "list"],
        ["stack", "get"],
        ["stack", "describe"],
        ["orchestrator", "list"],
        ["orchestrator", "get"],
        ["orchestrator", "describe", "default"],
        ["orchestrator", "flavor", "list"],
        ["run", "list"],
        ["artifact", "list"],
        ["deployment", "list"],
        ["status"],
        ["version"],
        ["stack", "history"],
        ["stack", "history", "default"],
        ["orchestrator", "history", "default"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("path", ["fast path", "typer"])
def test_read_commands_load_nothing_that_only_writes_need(used, words, path):
    loaded = loaded_by(*words, before=THROUGH_TYPER if path == "typer" else "")
    assert not loaded & (WRITING - LOADED_BY_TYPER if path == "typer" else WRITING)
    assert ("typer" in loaded) == ("uuid" in loaded) == (path == "typer")


@pytest.mark.parametrize(
    "words",
    [
        ["stack", "list", "--as-of", "#4"],
        ["stack", "describe", "default", "--as-of", "1s"],
        ["orchestrator", "get", "--as-of", "#4"],
        ["status", "--as-of", "#4"],
        ["stack", "history", "--limit", "1"],
        ["log", "--type", "stack"],
        ["log", "--output", "jsonl"],
        ["log", "head"],
        ["log", "export", "log.jsonl"],
    ],
    ids=" ".join,
)
def test_queries_of_the_past_load_no_framework(used, words):
    time.sleep(1.1 if "1s" in words else 0)
    assert not loaded_by(*words) & (WRITING - {"orjson"} - LOADED_BY_TYPER)


@pytest.mark.parametrize("words", [["secret", "list"], ["integration", "list"]], ids=" ".join)
def test_lists_outside_of_the_log_load_no_framework(used, words):
    assert not loaded_by(*words) & (WRITING - {"orjson"} - LOADED_BY_TYPER)


def test_the_fast_path_answers_each_of_them():
    assert {("stack", "list"), ("version",)} <= {words for words, _ in commands()}


def test_a_command_loads_no_other_noun(used):
    loaded = loaded_by("stack", "list", "--name", "x")
    assert not loaded & {"stackfold.cli.component", "stackfold.cli.run", "stackfold.cli.pipeline"}


def test_json_and_tables_need_no_library(used):
    for form in ("json", "csv", "table"):
        loaded = loaded_by("stack", "list", "--output", form)
        assert not loaded & {"yaml", "rich", "typer"}


@pytest.mark.parametrize(
    "words",
    [
        ["run", "list", "--metric", "auc"],
        ["run", "describe"],
        ["run", "list", "--where", "auc > 1"],
    ],
    ids=" ".join,
)
def test_queries_of_runs_load_no_framework(used, words, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "from stackfold import pipeline, step\n\n\n"
        "@step\ndef train() -> int:\n    return 1\n\n\n"
        "@pipeline\ndef training():\n    train()\n"
    )
    assert used("pipeline", "run", f"{script}:training").code == 0
    assert not loaded_by(*words) & (WRITING - {"orjson"} - LOADED_BY_TYPER)
