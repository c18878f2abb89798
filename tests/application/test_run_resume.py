"""A run that did not complete goes on where it ended, on the stack that it was pinned to."""

import threading

import pytest
from runnable import STORE, single

from stackfold.domain.errors import NotResumable, RunBusy, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step

executed = []
failing = set()


@pytest.fixture(autouse=True)
def fresh():
    executed.clear()
    failing.clear()


def note(name):
    executed.append(name)
    if name in failing:
        raise ValueError(f"{name} fails")


@step
def load(rows: int = 3) -> list[int]:
    note("load")
    return list(range(rows))


@step
def train(data: list[int]) -> int:
    note("train")
    return sum(data)


@step
def check(model: int) -> int:
    note("check")
    return model * 10


@step
def report(data: list[int], score: int) -> str:
    note("report")
    return f"{len(data)} rows, score {score}"


@Pipeline
def training(rows: int = 3):
    data = load(rows)
    report(data, check(train(data)))


def failed(runs, *names, **how):
    """The name of a run in which these steps failed."""
    failing.update(names)
    with pytest.raises(RunFailed) as caught:
        runs.start(training, {"rows": 4}, **how)
    failing.clear()
    executed.clear()
    return caught.value.run


def statuses(runs, run):
    return [each.status for each in runs.steps(run)]


def test_only_what_is_missing_is_executed(runs):
    name = failed(runs, "check")
    run = runs.resume(name, training, why="the disk is free again")
    assert run.status == "completed"
    assert executed == ["check", "report"]
    assert runs.load(run.id, "report") == "4 rows, score 60"  # with the parameters of then
    assert statuses(runs, name) == ["completed"] * 4
    assert (run.ended is not None, runs.describe(name).error) == (True, "")


def test_that_it_went_on_is_in_the_log(runs, workspace):
    name = failed(runs, "check")
    runs.resume(name, training, why="again")
    rows = workspace._database.read(
        "SELECT topic, state FROM events WHERE originator_id = ? ORDER BY position",
        (runs.get(name).id,),
    )
    topics = [topic for topic, _ in rows]
    assert topics[3:] == [
        "run.step_failed", "run.steps_skipped", "run.failed",
        "run.resumed",
        "run.step_completed", "run.step_completed", "run.completed",
    ]  # fmt: skip
    assert b'"why":"again"' in rows[topics.index("run.resumed")][1]
    workspace.log.verify()


def test_it_may_fail_and_go_on_many_times(runs):
    name = failed(runs, "train")
    for broken in ("train", "check", "report"):
        failing.add(broken)
        with pytest.raises(RunFailed, match=f"in step '{broken}'"):
            runs.resume(name, training)
        failing.clear()
    executed.clear()
    assert runs.resume(name, training).status == "completed"
    assert executed == ["report"]


def test_a_cancelled_run_goes_on(runs):
    def interrupt():
        if not executed:
            executed.append("once")
            raise KeyboardInterrupt

    pipeline = single(interrupt)
    with pytest.raises(KeyboardInterrupt):
        runs.start(pipeline)
    (run,) = runs.list()
    assert run.status == "cancelled"
    assert runs.resume(run.id, pipeline).status == "completed"


def test_it_goes_on_on_the_stack_that_it_began_with(runs, workspace, other_stack, tmp_path):
    name = failed(runs, "check", stack="other")
    workspace.components.update(STORE, "other", configuration={"path": str(tmp_path / "moved")})
    run = runs.resume(name, training)
    assert executed == ["check", "report"]
    assert (run.stack, run.stack_revision) == ("other", 1)
    assert not (tmp_path / "moved").exists()
    assert all("/other/" in each.uri for each in runs.artifacts(run.id))


def test_what_is_gone_from_the_store_is_made_again(runs, workspace):
    name = failed(runs, "report")
    gone = runs.load(name, "train")
    (artifact,) = (each for each in runs.artifacts(name) if each.step == "train")
    for path in (workspace.home / "artifacts").glob(f"??/{artifact.digest[2:]}"):
        path.write_text("12345678")  # of another size
    run = runs.resume(name, training)
    assert executed == ["train", "report"]
    assert runs.load(run.id, "train") == gone
    assert [each.step for each in runs.artifacts(name)].count("train") == 1


def test_a_step_that_is_kept_hands_its_output_on(runs):
    name = failed(runs, "report")
    runs.resume(name, training)
    steps = {each.name: each for each in runs.steps(name)}
    assert steps["report"].inputs == {
        "data": steps["load"].outputs[0].id,
        "score": steps["check"].outputs[0].id,
    }


def test_a_completed_run_has_nothing_to_go_on_with(runs):
    run = runs.start(training)
    with pytest.raises(NotResumable) as caught:
        runs.resume(run.id, training)
    assert str(caught.value) == f"run {run.name!r} has completed: there is nothing left to do"


def test_a_pipeline_that_has_changed_is_refused(runs):
    def changed(rows: int = 3):
        train(load(rows))

    name = failed(runs, "check")
    with pytest.raises(NotResumable, match="its pipeline has changed since, in check, report"):
        runs.resume(name, Pipeline(changed, name="training"))
    assert runs.get(name).status == "failed"


def test_a_pipeline_that_is_gone_is_refused(runs):
    failing.add("train")

    def local(rows: int = 3):
        train(load(rows))

    with pytest.raises(RunFailed) as caught:
        runs.start(Pipeline(local))
    with pytest.raises(NotResumable, match=r"cannot go on: .*has no pipeline 'local'"):
        runs.resume(caught.value.run)


def test_its_pipeline_is_found_where_it_was(workspace, tmp_path):
    file = tmp_path / "churn.py"
    text = """
from stackfold import step, pipeline

@step
def load() -> int:
    return 1

@step
def train(data: int) -> int:
    {body}

@pipeline
def churn():
    train(load())
"""
    file.write_text(text.format(body="raise ValueError('a mistake')"))
    with pytest.raises(RunFailed) as caught:
        workspace.runs.start(workspace.pipelines.load(f"{file}:churn"))
    file.write_text(text.format(body="return data + 1"))  # as one does
    run = workspace.runs.resume(caught.value.run)
    assert workspace.runs.load(run.id, "train") == 2


# -- one at a time


def test_of_two_who_go_on_one_wins_and_the_other_is_told(runs):
    name = failed(runs, "check")
    outcomes, begun, refused = [], threading.Event(), threading.Event()

    class Waiting:
        def __getattr__(self, _):
            return lambda *args: (begun.set(), refused.wait(60))

    def first():
        outcomes.append(runs.resume(name, training, listener=Waiting()).status)

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(60)
    with pytest.raises(RunBusy) as caught:
        runs.resume(name, training)
    refused.set()
    assert str(caught.value) == (f"run {name!r} is being executed already: wait until it has ended")
    thread.join()
    assert outcomes == ["completed"]
    assert executed == ["check", "report"]


def test_a_run_that_is_being_executed_is_running_and_no_one_elses(runs):
    seen = []

    def look():
        (run,) = runs.list()
        seen.append(run.status)
        with pytest.raises(RunBusy):
            runs.resume(run.id, single(look))

    runs.start(single(look))
    assert seen == ["running"]
