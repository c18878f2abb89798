"""The JSON API over HTTP, used by a typed client; mypy checks the client and its types."""

import json
import socket
import threading

import pytest
import uvicorn
from api_client import ApiError, Client
from browsing import HOSTILE, KEY
from full_log import end, full_log
from typed_dicts import DOCUMENT, module

from stackfold.web import create_app


@pytest.fixture(scope="module")
def ws():
    with full_log() as workspace:
        yield workspace
        end(workspace)


@pytest.fixture(scope="module")
def address(ws):
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(ws, key=KEY), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=[[listener]])
    thread.start()
    host, port = listener.getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def api(address):
    with Client(address, KEY) as client:
        yield client


def test_the_types_of_the_client_are_current():
    """`python tests/support/typed_dicts.py > tests/support/api_types.py` writes them."""
    current = module(json.loads(DOCUMENT.read_text()))
    assert DOCUMENT.parents[1].joinpath("tests/support/api_types.py").read_text() == current


@pytest.mark.slow
def test_lists_are_read_page_by_page(ws, api):
    assert [stack["name"] for stack in api.stacks(limit=1)] == [s.name for s in ws.stacks.list()]
    assert [run["id"] for run in api.runs(limit=2)] == [run.id for run in ws.runs.list()]
    assert [entry["position"] for entry in api.log(limit=7)] == [
        entry.position for entry in ws.log.entries()
    ]
    assert [each["status"] for each in api.deployments()] == ["started"] * 2 + ["failed"]


def test_a_stack_is_as_it_was(ws, api):
    assert "tier" not in api.stack("prod")["labels"]
    changed = next(each for each in api.log(kind="stack", name="prod") if each["why"])
    before = api.stack("prod", as_of=f"#{changed['position'] - 1}")
    assert before["labels"] == {"tier": HOSTILE}


def test_a_run_has_steps_metrics_logs_and_differences(api):
    run = api.run("failed")
    (failed,) = [step for step in run["steps"] if step["status"] == "failed"]
    assert failed["error"] == f"ValueError: {HOSTILE}"
    first = next(run for run in api.runs(tag="best"))
    assert ("accuracy", 0.75) in [
        (each["name"], each["value"]) for each in api.metrics(first["id"])
    ]
    assert HOSTILE in api.logs(first["id"])
    diff = api.diff(first["id"], run["id"])
    assert "the disk is full" in [change["why"] for change in diff["changes"]]
    assert "fail" in [each["field"] for each in diff["differences"]]


def test_an_error_is_an_exception_with_the_problem(address, api):
    with pytest.raises(ApiError, match="there is no stack 'nothing'") as error:
        api.stack("nothing")
    assert error.value.problem["kind"] == "NotFound"
    with (
        Client(address, "wrong-key-of-many-characters") as stranger,
        pytest.raises(ApiError, match="the key is missing"),
    ):
        stranger.stack("prod")
