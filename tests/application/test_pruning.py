"""Pruning removes what no run refers to, and nothing else."""

import os
import shutil
import time
from datetime import timedelta

import pytest
from runnable import STORE, single, training

from stackfold.domain.errors import NotFound, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.workspace import Workspace

NO_GRACE = timedelta()


@step
def speak(text: str) -> str:
    print(text)
    return text


@Pipeline
def speaking(text: str = "a"):
    speak(text)


@pytest.fixture
def folder(workspace):
    return workspace.home / "artifacts"


def stored(folder):
    return {path for path in folder.rglob("*") if path.is_file() and ".incoming" not in path.parts}


def pruned(workspace, *names, **options):
    (told,) = workspace.artifacts.prune(names, **{"grace": NO_GRACE, **options})
    return told


def test_what_runs_refer_to_stays(workspace, runs, folder):
    runs.start(training)
    runs.start(speaking)  # its log is in the store, too
    before = stored(folder)
    told = pruned(workspace)
    assert (told.store, told.removed, told.referenced, told.problem) == (
        "default",
        [],
        len(before),
        "",
    )
    assert stored(folder) == before
    assert runs.load(runs.list()[1].id, "total") == 2.0


def test_what_only_a_deleted_run_referred_to_goes(workspace, runs, folder):
    runs.start(training)
    kept = stored(folder)
    gone = runs.start(speaking, {"text": "something of its own"})
    runs.delete(gone.id)
    expected = stored(folder) - kept
    told = pruned(workspace, dry_run=True)
    assert len(told.removed) == len(expected) == 2  # the text, and what was printed
    assert stored(folder) == kept | expected
    assert pruned(workspace) == told
    assert stored(folder) == kept
    assert told.size == sum(
        len(text) for text in ('"something of its own"', "something of its own\n")
    )


def test_bytes_that_another_run_refers_to_stay(workspace, runs, folder):
    first, second = (runs.start(single(lambda: [1, 2])) for _ in range(2))
    runs.delete(first.id)
    assert pruned(workspace).removed == []
    assert runs.load(second.id, "only") == [1, 2]


def test_an_artifact_from_the_cache_stays_though_its_maker_is_deleted(workspace, runs):
    made, shared = runs.start(training), runs.start(training)
    runs.delete(made.id)
    assert pruned(workspace).removed == []
    assert runs.load(shared.id, "total") == 2.0


def test_what_a_failed_run_left_goes_unless_it_is_recorded(workspace, runs, folder):
    @step
    def broken(text: str) -> str:
        raise ValueError

    @Pipeline
    def breaking():
        broken(speak("whole"))

    with pytest.raises(RunFailed):
        runs.start(breaking)
    assert pruned(workspace).removed == []
    orphan = folder / "ab" / ("0" * 62)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"never recorded")
    assert [*pruned(workspace).removed] == [orphan.resolve().as_uri()]


def test_what_is_young_is_left_to_the_run_that_may_be_writing_it(workspace, runs, folder):
    runs.delete(runs.start(speaking).id)
    told = pruned(workspace, grace=timedelta(hours=1))
    assert (told.removed, told.young) == ([], len(stored(folder)))
    for path in stored(folder):
        os.utime(path, (time.time() - 7200,) * 2)
    assert pruned(workspace, grace=timedelta(hours=1)).young == 0
    assert stored(folder) == set()


def test_the_grace_is_a_day_unless_another_is_given(workspace, runs, folder):
    runs.delete(runs.start(speaking).id)
    for path in stored(folder):
        os.utime(path, (time.time() - 23 * 3600,) * 2)
    assert workspace.artifacts.prune()[0].young == len(stored(folder))
    for path in stored(folder):
        os.utime(path, (time.time() - 25 * 3600,) * 2)
    assert workspace.artifacts.prune()[0].young == 0


def test_what_killed_writers_left_goes_too(workspace, runs, folder):
    runs.start(speaking)
    half = folder / ".incoming" / "half"
    half.write_bytes(b"12345")
    assert pruned(workspace, dry_run=True).size == 0
    assert pruned(workspace).size == 5
    assert not half.exists()


# -- several stores


def test_a_store_elsewhere_is_pruned_only_by_name(workspace, runs, other_stack):
    run = runs.start(training, stack="other")
    runs.delete(run.id)
    here, elsewhere = workspace.artifacts.prune(grace=NO_GRACE)
    assert (here.store, here.problem) == ("default", "")
    assert elsewhere.store == "other"
    assert elsewhere.problem.startswith("lies outside this home")
    assert stored(other_stack)
    assert pruned(workspace, "other").removed
    assert stored(other_stack) == set()


def test_a_store_is_pruned_where_it_was_too(workspace, runs, other_stack, tmp_path):
    run = runs.start(training, stack="other")
    workspace.components.update(STORE, "other", {"path": str(tmp_path / "moved")})
    workspace.stacks.delete("other")
    workspace.components.delete(STORE, "other")
    runs.delete(run.id)
    then, now = workspace.artifacts.prune(["other"], grace=NO_GRACE)
    assert stored(other_stack) == set()
    assert then.removed
    assert (now.removed, now.referenced) == ([], 0)


def test_one_place_under_several_names_is_pruned_once(workspace, runs):
    workspace.components.register(STORE, "alias", "local", {"path": "artifacts"})
    runs.delete(runs.start(training).id)
    (told,) = workspace.artifacts.prune(grace=NO_GRACE)
    assert told.store == "default, alias"
    assert told.removed


def test_a_store_that_cannot_be_reached_does_not_hinder_the_others(workspace, runs, tmp_path):
    (tmp_path / "file").write_text("")
    workspace.components.register(STORE, "a", "local", {"path": str(tmp_path / "file" / "deep")})
    runs.delete(runs.start(training).id)
    here, broken = workspace.artifacts.prune(grace=NO_GRACE)
    assert here.removed
    assert "it is not a folder" in broken.problem


def test_an_unknown_store_is_refused(workspace):
    with pytest.raises(NotFound, match="there is no artifact store 'nowhere': there is default"):
        workspace.artifacts.prune(["nowhere"])


# -- while runs go on


def test_pruning_again_and_again_takes_nothing_from_a_run(tmp_path):
    """A run that writes what an earlier, deleted one has written long ago."""
    with Workspace.open(tmp_path) as ws:
        for number in range(15):
            old = ws.runs.start(speaking, {"text": "the same"})
            ws.runs.delete(old.id)
            for path in stored(tmp_path / "artifacts"):
                os.utime(path, (time.time() - 90_000,) * 2)

            @step(name="speak", enable_cache=False)
            def speak_again(number: int) -> str:
                with Workspace.open(tmp_path) as other:
                    other.artifacts.prune()
                return "the same"

            @Pipeline
            def meanwhile():
                speak_again(number)  # noqa: B023  # called at once

            run = ws.runs.start(meanwhile)
            ws.artifacts.prune()
            assert ws.runs.load(run.id, "speak") == "the same"
            ws.runs.delete(run.id)


@pytest.mark.parametrize("kept_as", ["moved", "copied"])
def test_in_a_home_that_was_moved_what_is_referred_to_stays(tmp_path, kept_as):
    with Workspace.open(tmp_path / "old") as ws:
        run = ws.runs.start(speaking)
    (shutil.copytree if kept_as == "copied" else os.rename)(tmp_path / "old", tmp_path / "new")
    with Workspace.open(tmp_path / "new") as ws:
        assert pruned(ws).removed == []
        assert ws.runs.load(run.id, "speak") == "a"
        assert "".join(ws.runs.logs(run.id, "speak")) == "a\n"
        again = ws.runs.start(speaking)
        assert [each.status for each in ws.runs.steps(again.id)] == ["cached"]
