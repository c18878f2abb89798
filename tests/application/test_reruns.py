"""A run is repeated as it was, and forgotten when it is no longer wanted."""

import warnings
from pathlib import Path

import pytest
from replay import assert_consistent
from runnable import STORE, load, single, total, training

from stackfold.domain.errors import CodeChanged, InvalidFile, NotFound, RunBusy
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def written(tmp_path):
    """A pipeline in a file: (its source, what its code is written by)."""
    path = tmp_path / "work.py"

    def write(factor=1):
        path.write_text(
            "from stackfold import pipeline, step\n\n\n"
            "@step\ndef make(rows: int) -> list[int]:\n"
            f"    return [{factor}] * rows\n\n\n"
            "@pipeline\ndef work(rows: int = 1):\n    make(rows)\n"
        )

    write()
    return f"{path}:work", write


# -- again


def test_a_run_is_repeated_with_its_parameters(workspace, runs, written):
    source, _ = written
    first = runs.start(workspace.pipelines.load(source), {"rows": 3})
    again = runs.rerun(first.name, why="to be sure")
    assert again.id != first.id
    assert runs.load(again.id, "make") == [1, 1, 1]
    described = runs.describe(again.id)
    assert (described.rerun_of, described.parameters, described.why) == (
        first.id, {"rows": 3}, "to be sure",
    )  # fmt: skip
    assert runs.describe(first.id).rerun_of is None


def test_a_run_is_repeated_on_the_configuration_of_then(workspace, runs, other_stack, tmp_path):
    first = runs.start(training, stack="other")
    pin = runs.describe(first.id).pin
    workspace.components.update(STORE, "other", {"path": str(tmp_path / "moved")})
    workspace.components.rename(STORE, "other", "another")
    workspace.stacks.update("other", step_operator=["second"])
    workspace.stacks.rename("other", "renamed")
    again = runs.rerun(first.id, training)
    assert runs.describe(again.id).pin == pin
    assert (again.stack, again.stack_revision, again.fingerprint) == (
        "other", 1, first.fingerprint,
    )  # fmt: skip
    assert all(str(other_stack) in each.uri for each in runs.artifacts(again.id))
    workspace.stacks.delete("renamed")
    workspace.components.delete(STORE, "another")
    again = runs.rerun(first.id, training)
    assert runs.describe(again.id).pin == pin
    assert not (tmp_path / "moved").exists()


def test_a_flavor_of_ones_own_is_found_though_it_was_deleted(
    workspace, runs, tmp_path, monkeypatch
):
    (tmp_path / "own_stores.py").write_text(
        "from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore\n"
        "class Own(LocalArtifactStore):\n    flavor = 'own'\n"
        "class Other(LocalArtifactStore):\n    flavor = 'own'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    workspace.flavors.register(STORE, "own_stores.Own")
    workspace.components.register(STORE, "mine", "own", {"path": str(tmp_path / "mine")})
    workspace.stacks.register("mine", orchestrator="default", artifact_store="mine")
    first = runs.start(training, stack="mine")
    workspace.stacks.delete("mine")
    workspace.components.delete(STORE, "mine")
    workspace.flavors.delete(STORE, "own")
    assert runs.load(first.id, "total") == 2.0
    again = runs.rerun(first.id, training)
    workspace.flavors.register(STORE, "own_stores.Other")
    assert runs.load(again.id, "total") == 2.0
    pin = runs.describe(runs.rerun(first.id, training).id).pin
    assert pin["components"]["artifact_store"][0]["source"] == "own_stores.Own"


def test_a_rerun_of_a_rerun_names_the_one_it_repeats(runs):
    first = runs.start(training)
    second = runs.rerun(first.id, training)
    assert runs.describe(runs.rerun(second.id, training).id).rerun_of == second.id


def test_changed_code_is_reported_and_executed(workspace, runs, written):
    source, write = written
    first = runs.start(workspace.pipelines.load(source))
    write(factor=7)
    with pytest.warns(
        CodeChanged, match=f"the code of step 'make' changed since run '{first.name}'"
    ):
        again = runs.rerun(first.id)
    assert runs.load(again.id, "make") == [7]


def test_added_and_removed_steps_are_reported(runs):
    def before():
        total(load(2))

    def after():
        load(2)
        step(name="other")(lambda: 1)()

    first = runs.start(Pipeline(before))
    with pytest.warns(CodeChanged, match="code of steps 'total', 'other' changed"):
        runs.rerun(first.id, Pipeline(after))


def test_unchanged_code_is_not_reported(workspace, runs, written):
    first = runs.start(workspace.pipelines.load(written[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs.rerun(first.id)


def test_a_pipeline_that_is_no_longer_there_is_refused(workspace, runs, written):
    source, _ = written
    first = runs.start(workspace.pipelines.load(source))
    Path(source.rpartition(":")[0]).unlink()
    with pytest.raises(InvalidFile, match="does not exist"):
        runs.rerun(first.id)
    assert len(runs.list()) == 1


def test_what_a_description_shows_of_the_stack_is_what_the_run_had(workspace, runs, other_stack):
    first = runs.start(training, stack="other")
    workspace.stacks.rename("other", "renamed")
    workspace.components.rename(STORE, "other", "another")
    described = runs.describe(first.id)
    assert (described.stack, described.pin["stack"]) == ("other", "other")
    assert described.pin["components"]["artifact_store"][0]["name"] == "other"
    assert described.environment["python"]


# -- gone


def test_a_deleted_run_is_gone_with_its_steps_and_stays_in_the_log(workspace, runs):
    kept, gone = runs.start(training), runs.start(training)
    assert runs.delete(gone.name, why="by mistake") == gone
    assert list(runs.list()) == [kept]
    for ask in (runs.get, runs.describe, runs.delete, runs.artifacts):
        with pytest.raises(NotFound):
            ask(gone.id)
    assert workspace._database.read("SELECT count(*) FROM steps") == [(5,)]
    entry, *before = workspace._services.history.of(gone.id)
    assert (entry.action, entry.why) == ("deleted", "by mistake")
    assert [each.action for each in before][-1] == "started"
    assert_consistent(workspace)


def test_a_failed_run_is_deleted_like_any_other(workspace, runs):
    with pytest.raises(Exception, match="division"):
        runs.start(single(lambda: 1 / 0))
    runs.delete(runs.list()[0].id)
    assert list(runs.list()) == []
    assert_consistent(workspace)


def test_a_run_that_is_being_executed_is_not_deleted(tmp_path):
    refused = []

    def attempt() -> int:
        with Workspace.open(tmp_path) as workspace, pytest.raises(RunBusy) as caught:
            workspace.runs.delete(workspace.runs.list()[0].id)
        refused.append(caught.value)
        return 1

    with Workspace.open(tmp_path) as workspace:
        run = workspace.runs.start(single(attempt))
        assert run.status == "completed"
    assert len(refused) == 1
