"""Steps, hooks and programs post alerts; whatever an alerter does, the run goes on."""

import json
import threading
from pathlib import Path

import pytest
from runnable import single
from webhook_server import webhook_receiver

from stackfold import Workspace, alert_on_failure, alert_on_success, get_context
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.errors import AlertUnanswered, RunFailed

PASSWORD = "hunter2-the-password"


@pytest.fixture
def receiver():
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def workspace(tmp_path, monkeypatch, receiver):
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_KEY", "0123456789abcdef")
    monkeypatch.setenv("STACKFOLD_SECRET_DB_PASSWORD", PASSWORD)
    with Workspace.open(tmp_path / "home") as workspace:
        for name in ("hook", "oncall"):
            configuration = {
                "url": f"{receiver.url}{name}",
                "signing_key": "{{hook.key}}",
                "timeout": 2,
            }
            workspace.components.register("alerter", name, "webhook", configuration)
        for isolation in ("inline", "thread", "process"):
            settings = {"isolation": isolation, "max_parallel": 1}
            workspace.components.register("orchestrator", isolation, "local", settings)
            workspace.stacks.register(
                isolation,
                orchestrator=isolation,
                artifact_store="default",
                alerter=["hook", "oncall"],
            )
        yield workspace


def seen(receiver):
    return [(each.path, json.loads(each.body)) for each in receiver.received]


def posting() -> bool:
    return get_context().alerter.post("accuracy fell", level="warning", facts={"accuracy": 0.7})


def posting_to_another() -> bool:
    return get_context().component("alerter", "oncall").post("wake up")


def failing() -> None:
    raise ValueError(f"no such column\nin the table of {PASSWORD}")


def asking() -> None:
    get_context().alerter.ask("go on?", timeout=600)


# -- steps


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["inline", "thread", "process"])
def test_a_step_posts_from_where_it_runs(workspace, receiver, isolation):
    run = workspace.runs.start(single(posting), stack=isolation)
    assert workspace.runs.load(run.id, "only") is True
    ((path, content),) = seen(receiver)
    assert path == "/hook"
    assert content["text"] == "accuracy fell"
    assert content["thread"] == run.name
    workspace.runs.start(single(posting_to_another), stack=isolation)
    assert seen(receiver)[-1][0] == "/oncall"


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_an_outage_does_not_fail_the_step(workspace, receiver, isolation):
    receiver.answers = [401]
    run = workspace.runs.start(single(posting), stack=isolation)
    assert workspace.runs.load(run.id, "only") is False
    log = "".join(workspace.runs.logs(run.id, "only"))
    assert log.count("an alert was not sent") == 1
    assert "0123456789abcdef" not in log


def test_an_outage_fails_the_step_if_the_alerter_is_strict(workspace, receiver):
    workspace.components.update("alerter", "hook", {"strict": True})
    receiver.answers = [401]
    with pytest.raises(RunFailed, match="answers 401"):
        workspace.runs.start(single(posting), stack="inline")


# -- hooks


def test_a_failure_is_posted_to_every_alerter_of_the_stack(workspace, receiver):
    pipeline = single(failing).with_options(on_failure=alert_on_failure)
    with pytest.raises(RunFailed) as failed:
        workspace.runs.start(pipeline, stack="inline")
    first, second = seen(receiver)
    assert [first[0], second[0]] == ["/hook", "/oncall"]
    content = first[1]
    assert content["title"] == "pipeline 'alone' failed"
    assert content["level"] == "error"
    assert content["text"] == (
        "ValueError: no such column\n`stackfold run describe " + failed.value.run + "`"
    )
    assert content["facts"] == {
        "pipeline": "alone",
        "run": failed.value.run,
        "step": "only",
        "stack": "inline, revision 1",
    }
    assert content["thread"] == failed.value.run


@pytest.mark.parametrize("isolation", ["inline", "thread", "process"])
def test_a_hook_of_a_step_posts_to_the_alerters_that_it_names(workspace, receiver, isolation):
    pipeline = single(failing, on_failure=alert_on_failure("oncall"))
    with pytest.raises(RunFailed):
        workspace.runs.start(pipeline, stack=isolation)
    ((path, content),) = seen(receiver)
    assert path == "/oncall"
    assert content["title"] == "step 'only' of pipeline 'alone' failed"


def test_a_success_is_posted(workspace, receiver):
    pipeline = single(posting, on_success=alert_on_success("oncall"))
    pipeline = pipeline.with_options(on_success=alert_on_success("hook"))
    run = workspace.runs.start(pipeline, stack="inline")
    contents = [content for _, content in seen(receiver)]
    assert [each["title"] for each in contents] == [
        "",
        "step 'only' of pipeline 'alone' completed",
        "pipeline 'alone' completed",
    ]
    assert {each["thread"] for each in contents} == {run.name}
    assert contents[-1]["level"] == "info"


def test_a_hook_uses_the_pinned_stack_and_not_the_active_one(workspace, receiver):
    workspace.stacks.activate("inline")
    pipeline = single(failing).with_options(on_failure=alert_on_failure)
    with pytest.raises(RunFailed) as failed:
        workspace.runs.start(pipeline, stack="default")
    assert seen(receiver) == []
    # A rerun has the pin of its run, also after the alerter was changed.
    workspace.components.update("alerter", "hook", {"url": f"{receiver.url}new"})
    with pytest.raises(RunFailed):
        workspace.runs.rerun(failed.value.run, pipeline)
    assert seen(receiver) == []


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("answer", [401, "closes", "is huge", "redirects"])
def test_no_fault_of_an_alerter_changes_the_outcome(workspace, receiver, caplog, strict, answer):
    workspace.components.update("alerter", "hook", {"strict": strict})
    receiver.respond = lambda request: answer if request.path == "/hook" else 204
    done = single(posting_to_another).with_options(on_success=alert_on_success)
    run = workspace.runs.start(done, stack="inline")
    assert run.status == "completed"
    assert seen(receiver)[-1][0] == "/oncall"
    lines = [each.getMessage() for each in caplog.records if each.name == "stackfold.alerters"]
    assert len(lines) == 1
    assert "hunter2" not in caplog.text


def test_an_alerter_that_the_stack_has_not_is_a_line(workspace, caplog):
    pipeline = single(failing).with_options(on_failure=alert_on_failure("pager"))
    with pytest.raises(RunFailed):
        workspace.runs.start(pipeline, stack="inline")
    assert "alerter 'pager' was not used: stack 'inline' has no alerter 'pager'" in caplog.text
    assert "Traceback" not in caplog.text.partition("alerter 'pager'")[2]


def test_the_alerters_of_others_are_used_too(workspace, caplog, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    workspace.flavors.register("alerter", "own_alerters.Noisy")
    workspace.components.register("alerter", "noisy", "noisy")
    workspace.stacks.register(
        "noisy", orchestrator="inline", artifact_store="default", alerter=["noisy"]
    )
    pipeline = single(failing).with_options(on_failure=alert_on_failure)
    with pytest.raises(RunFailed, match="no such column"):
        workspace.runs.start(pipeline, stack="noisy")
    assert "an alert was not sent: ZeroDivisionError('over\\ntwo lines')" in caplog.text


# -- questions


def test_stopping_the_run_ends_the_question(workspace, receiver):
    workspace.components.update("alerter", "hook", {"answers_url": f"{receiver.url}answers"})
    receiver.respond = lambda request: 204

    def asking_and_failing():
        @step
        def ask_first() -> None:
            asking()

        @step
        def fail_later() -> None:
            asked.wait(30)
            raise ValueError("stop it")

        @Pipeline
        def both() -> None:
            ask_first()
            fail_later()

        return both

    asked = threading.Event()
    receiver.respond = lambda request: (asked.set(), 204)[1]
    settings = {"isolation": "thread", "max_parallel": 2}
    workspace.components.register("orchestrator", "two", "local", settings)
    workspace.stacks.register("two", orchestrator="two", artifact_store="default", alerter=["hook"])
    with pytest.raises(RunFailed, match="stop it"):
        workspace.runs.start(asking_and_failing(), stack="two")
    run = workspace.runs.describe("latest")
    assert {each.name: each.status for each in run.steps} == {
        "ask_first": "cancelled",
        "fail_later": "failed",
    }


def test_a_question_without_an_answer_fails_the_step(workspace, receiver):
    workspace.components.update("alerter", "hook", {"answers_url": f"{receiver.url}answers"})

    def briefly() -> None:
        get_context().alerter.ask("go on?", timeout=0.2)

    with pytest.raises(RunFailed) as failed:
        workspace.runs.start(single(briefly), stack="inline")
    assert isinstance(failed.value.__cause__, AlertUnanswered)
