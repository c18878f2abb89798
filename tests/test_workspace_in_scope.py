"""Calling a pipeline runs it in the workspace of the enclosing `with` block."""

import asyncio
import contextvars
import os
import pickle
import threading

import pytest

from stackfold import Workspace, pipeline, save_artifact, step
from stackfold.errors import LogUnavailable, NoWorkspace


@step
def double(x: int) -> int:
    return 2 * x


@pipeline
def doubling(x: int = 1):
    double(x)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STACKFOLD_STORE", raising=False)
    return tmp_path / "home"


def runs(workspace):
    return len(workspace.runs.list())


def in_a_thread(function):
    answers = []

    def work():
        try:
            answers.append(function())
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return answers[0]


def test_a_call_in_a_block_runs_there_and_nowhere_else(home):
    with Workspace.in_memory() as ws:
        run = doubling(3)
        assert run.load("double") == 6
        assert doubling.run(x=4).load("double") == 8
        assert runs(ws) == 2
    assert not home.exists()


def test_the_innermost_of_nested_blocks_is_in_scope(home):
    with Workspace.in_memory() as outer:
        with Workspace.in_memory() as inner:
            doubling()
            assert (runs(outer), runs(inner)) == (0, 1)
        doubling()
        assert runs(outer) == 1
    doubling()
    with Workspace.open() as ws:
        assert (runs(ws), ws.home) == (1, home)


def test_blocks_may_end_out_of_order(home):
    first, second = Workspace.in_memory(), Workspace.in_memory()
    first.__enter__()
    second.__enter__()
    first.__exit__()
    doubling()
    assert runs(second) == 1
    second.__exit__()
    doubling()
    assert home.exists()


def test_a_workspace_that_was_closed_in_its_block_is_out_of_scope(home):
    with Workspace.in_memory() as ws:
        ws.close()
        doubling()
    assert home.exists()


def test_a_workspace_without_a_block_is_not_in_scope(home):
    ws = Workspace.in_memory()
    doubling()
    assert (runs(ws), home.exists()) == (0, True)
    ws.close()


def test_a_generator_keeps_its_workspace_in_scope_until_it_ends(home):
    def opened():
        with Workspace.in_memory() as ws:
            yield ws

    generator = opened()
    ws = next(generator)
    doubling()
    assert runs(ws) == 1
    generator.close()
    doubling()
    assert home.exists()


def test_tasks_inherit_the_workspace_of_their_creator(home):
    async def with_its_own():
        with Workspace.in_memory() as ws:
            await asyncio.sleep(0)
            doubling()
            await asyncio.to_thread(doubling)
            return runs(ws)

    async def all_of_them():
        with Workspace.in_memory() as ws:
            inner = await asyncio.gather(with_its_own(), with_its_own())
            doubling()
            return [*inner, runs(ws)]

    assert asyncio.run(all_of_them()) == [2, 2, 1]
    assert not home.exists()


def test_a_thread_without_its_context_has_no_workspace_in_scope(home):
    with Workspace.in_memory() as ws:
        refused = in_a_thread(doubling)
        assert isinstance(refused, NoWorkspace)
        assert "\n" not in str(refused)
        in_a_thread(lambda: ws.run(doubling))
        context = contextvars.copy_context()
        in_a_thread(lambda: context.run(doubling))
        assert runs(ws) == 2
    assert not home.exists()


def test_a_thread_uses_the_default_if_that_was_entered(home):
    with Workspace.open() as ws:
        in_a_thread(doubling)
        assert runs(ws) == 1


def test_run_takes_the_parameters_of_the_pipeline(home):
    with Workspace.in_memory() as ws, Workspace.in_memory():
        assert ws.run(doubling, 3).load("double") == 6
        assert ws.run(doubling, x=4).load("double") == 8
        assert runs(ws) == 2


def test_a_run_remembers_its_workspace_after_that_was_closed(home, tmp_path):
    with Workspace.open(tmp_path / "other") as ws:
        run = ws.run(doubling, 3)
    for each in (run, pickle.loads(pickle.dumps(run))):
        assert each.load("double") == 6
        assert [step.status for step in each.describe().steps] == ["completed"]
        assert [reason.step for reason in each.why()] == ["double"]
    assert not home.exists()


def test_a_run_in_memory_ends_with_its_workspace(home):
    with Workspace.in_memory() as ws:
        run = ws.run(doubling)
    with pytest.raises(LogUnavailable, match="the log at memory was closed"):
        run.load("double")


def test_a_run_remembers_its_shared_log(postgres, home, tmp_path):
    with postgres.lent() as url:
        with Workspace.open(tmp_path / "mine", url) as ws:
            run = doubling(3)
            assert runs(ws) == 1
        assert run.load("double") == 6
        assert [each.status for each in run.describe().steps] == ["completed"]
        assert [each.step for each in run.why()] == ["double"]
    assert not home.exists()
    assert "log.sqlite" not in os.listdir(run.home)


@step
def save(elsewhere: str = "") -> str:
    if not elsewhere:
        return save_artifact(1, "number").reference
    with Workspace.open(elsewhere):
        return save_artifact(1, "number").reference


@pipeline
def saving(elsewhere: str = ""):
    save(elsewhere)


@pytest.mark.parametrize("isolation", ["inline", "thread", "process"])
def test_a_step_is_in_the_workspace_of_its_run(home, tmp_path, isolation):
    with Workspace.open(tmp_path / "ours") as ws, Workspace.in_memory() as other:
        settings = {"isolation": isolation, "max_parallel": 1}
        ws.components.register("orchestrator", isolation, "local", settings)
        ws.stacks.register("ours", orchestrator=isolation, artifact_store="default")
        ws.runs.start(saving, stack="ours")
        assert ws.artifacts.load("number") == 1
        assert other.artifacts.list() == []
    assert not home.exists()


def test_a_step_may_enter_another_workspace(home, tmp_path):
    with Workspace.in_memory() as ws:
        saving(str(tmp_path / "other"))
        assert [each.reference for each in ws.artifacts.list()] == ["saving/save/output@1"]
    with Workspace.open(tmp_path / "other") as other:
        assert other.artifacts.load("number") == 1
    assert not home.exists()
