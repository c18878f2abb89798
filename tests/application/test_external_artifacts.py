"""A value or file from outside of any run is a version of an artifact."""

import os

import numpy as np
import pytest

from stackfold import artifact, save_artifact
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.errors import (
    ArtifactInUse,
    Conflict,
    Invalid,
    InvalidFile,
    InvalidName,
    NameTaken,
    NotFound,
    TooLarge,
)


@step
def total(data: np.ndarray) -> int:
    return int(data.sum())


@Pipeline
def summing():
    total(artifact("dataset"))


@pytest.fixture
def artifacts(workspace):
    return workspace.artifacts


def test_a_saved_value_is_a_version_with_its_own_name(artifacts):
    first = artifacts.save(np.arange(3), "dataset", label="spring", tags=["team:a"], why="by hand")
    second = artifacts.save(np.arange(4), "dataset", metadata={"rows": 4})
    assert (first.reference, second.reference) == ("dataset@1", "dataset@2")
    assert artifacts.load("dataset@spring").tolist() == [0, 1, 2]
    assert artifacts.load("dataset").tolist() == [0, 1, 2, 3]
    described = artifacts.describe("dataset@1")
    assert (described.run, described.output, described.why) == ("", "", "by hand")
    assert (described.versions, described.stack, described.store) == (2, "default", "default")
    assert described.tags == ["team:a"]
    assert artifacts.describe("dataset").metadata["rows"] == 4


def test_it_is_listed_with_others(artifacts):
    artifacts.save(1, "one")
    artifacts.save(2, "one")
    artifacts.save(3, "other")
    assert [each.reference for each in artifacts.list()] == ["other@1", "one@2", "one@1"]
    latest = artifacts.list(only_latest=True)
    assert [each.reference for each in latest] == ["other@1", "one@2"]


def test_a_run_takes_it_and_lineage_shows_it_without_a_maker(artifacts, workspace):
    artifacts.save(np.arange(3), "dataset")
    run = workspace.runs.start(summing)
    assert workspace.runs.load(run.id, "total") == 3
    (upstream,) = artifacts.lineage("summing/total").upstream
    assert upstream.inputs == {"data": "dataset@1"}
    lineage = artifacts.lineage("dataset")
    assert lineage.upstream == []
    assert [each.step for each in lineage.downstream] == ["total"]


def test_an_equal_value_is_another_version_and_the_step_is_cached(artifacts, workspace):
    for _ in range(2):
        artifacts.save(np.arange(3), "dataset")
        run = workspace.runs.start(summing)
    (executed,) = workspace.runs.describe(run.id).steps
    assert executed.status == "cached"
    assert artifacts.get("dataset").version == 2


def test_one_that_is_used_is_not_deleted(artifacts, workspace):
    artifacts.save(np.arange(3), "dataset")
    run = workspace.runs.start(summing)
    with pytest.raises(ArtifactInUse, match=f"artifact 'dataset@1' is used by run '{run.name}'"):
        artifacts.delete("dataset")
    workspace.runs.delete(run.id)
    artifacts.alias("dataset", "approved")
    with pytest.raises(ArtifactInUse) as raised:
        artifacts.delete("dataset")
    assert raised.value.uses == ("alias 'dataset@approved'",)
    artifacts.remove_alias("dataset@approved")
    artifacts.delete("dataset", "a mistake")
    with pytest.raises(NotFound):
        artifacts.get("dataset")


def test_one_that_a_version_of_a_model_was_made_of_is_not_deleted(artifacts, workspace):
    artifacts.save(np.arange(3), "dataset")
    workspace.runs.start(summing, configuration={"model": "fraud"})
    workspace.models.promote("fraud", 1)
    with pytest.raises(ArtifactInUse):
        artifacts.delete("dataset@1")
    assert workspace.models.describe("fraud").promotions[0].inputs == {"dataset": "dataset@1"}


def test_a_number_is_not_used_again_and_undo_restores_the_version(artifacts, workspace):
    artifacts.save(1, "one")
    artifacts.save(2, "one")
    artifacts.delete("one@2")
    assert artifacts.get("one").version == 1
    assert artifacts.save(3, "one").version == 3
    workspace.undo()
    workspace.undo()
    assert [each.reference for each in artifacts.versions("one")] == ["one@2", "one@1"]
    assert artifacts.load("one") == 2


def test_what_a_run_made_is_deleted_with_the_run(artifacts, workspace):
    artifacts.save(np.arange(3), "dataset")
    workspace.runs.start(summing)
    with pytest.raises(Conflict, match="delete run"):
        artifacts.delete("summing/total")


def test_a_file_is_copied_and_loaded_as_bytes(artifacts, tmp_path):
    file = tmp_path / "größe 1.bin"
    file.write_bytes(b"\0\1" * 2**20)
    seen = []
    view = artifacts.register(file, "raw", copied=lambda done, size: seen.append((done, size)))
    file.unlink()
    assert (view.size, view.reference) == (2**21, "raw@1")
    assert artifacts.load("raw") == b"\0\1" * 2**20
    assert artifacts.describe("raw").source == str(file)
    assert seen == [(2**20, 2**21), (2**21, 2**21)]


def test_a_folder_is_copied_and_loaded_as_a_directory(artifacts, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    view = artifacts.register(folder, "images")
    assert view.files == 1
    assert (artifacts.load("images") / "a.txt").read_text() == "a"


@pytest.mark.parametrize("kind", ["link", "pipe", "missing", "nul"])
def test_what_is_no_file_is_rejected(artifacts, tmp_path, kind):
    path = tmp_path / "it"
    if kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(InvalidFile):
        artifacts.register("a\0b" if kind == "nul" else path, "raw")
    assert artifacts.list() == []


@pytest.mark.parametrize("name", ["", "a/b", "0123456789ab", "a" * 1000, "a\nb", "../x"])
def test_a_name_follows_the_rule(artifacts, name):
    with pytest.raises(InvalidName):
        artifacts.save(1, name)
    assert artifacts.list() == []


def test_metadata_that_json_cannot_represent_or_that_is_too_large_is_rejected(artifacts):
    with pytest.raises(Invalid, match="metadata of artifact 'one'"):
        artifacts.save(1, "one", metadata={"a": object()})
    with pytest.raises(TooLarge):
        artifacts.save(1, "one", metadata={"a": "a" * 2**22})


def test_a_value_that_cannot_be_stored_is_rejected_in_one_line(artifacts):
    class Fails:
        def __reduce__(self):
            raise ValueError("never")

    with pytest.raises(Invalid, match="cannot be stored as artifact 'one'"):
        artifacts.save(Fails(), "one")


def test_the_module_function_uses_the_workspace_of_the_block(workspace):
    with workspace:
        view = save_artifact([1, 2], "numbers", why="first")
        assert view.reference == "numbers@1"
        assert workspace.artifacts.load("numbers") == [1, 2]


def test_it_is_in_the_store_of_another_stack(artifacts, workspace, other_stack):
    artifacts.save(np.arange(3), "dataset", stack="other")
    described = artifacts.describe("dataset")
    assert described.uri.startswith(other_stack.as_uri())
    assert (described.stack, described.store) == ("other", "other")
    run = workspace.runs.start(summing)
    assert workspace.runs.load(run.id, "total") == 3


def test_a_rebuild_keeps_it(artifacts, workspace):
    artifacts.save(1, "one")
    artifacts.save(2, "one", label="kept")
    artifacts.delete("one@1")
    before = [*artifacts.list(), artifacts.describe("one")]
    workspace.log.rebuild()
    assert [*artifacts.list(), artifacts.describe("one")] == before
    assert workspace.log.verify().problem is None


def test_its_bytes_are_not_pruned_until_it_is_deleted(artifacts):
    from datetime import timedelta

    artifacts.save(1, "one")
    (kept,) = artifacts.prune(grace=timedelta(0))
    assert (kept.removed, kept.referenced) == ([], 1)
    artifacts.delete("one")
    (pruned,) = artifacts.prune(grace=timedelta(0))
    assert len(pruned.removed) == 1


def test_a_copy_in_another_store_is_a_version_with_equal_bytes(
    artifacts, workspace, other_stack, tmp_path
):
    artifacts.save(np.arange(3), "dataset", label="spring", tags=["a"], metadata={"rows": 3})
    first = workspace.runs.start(summing)
    copy = artifacts.copy("dataset", "other", why="the lake moves")
    assert copy.reference == "dataset@2"
    described = artifacts.describe("dataset")
    assert described.uri.startswith(other_stack.as_uri())
    assert (described.label, described.tags, described.metadata["rows"]) == ("spring", ["a"], 3)
    assert (described.source, described.store) == ("dataset@1", "other")
    again = workspace.runs.start(summing)
    assert workspace.runs.describe(again.id).steps[0].status == "cached"
    with pytest.raises(Invalid, match="give the copy one"):
        artifacts.copy("summing/total", "other")
    assert artifacts.load(artifacts.copy("summing/total", "other", name="sum").reference) == 3
    assert first.name != again.name


def test_a_copied_folder_has_all_its_files(artifacts, other_stack, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "small.txt").write_text("a")
    (folder / "large.bin").write_bytes(b"b" * 2**17)
    artifacts.register(folder, "images")
    artifacts.copy("images", "other")
    assert sorted(artifacts.load("images").files) == ["large.bin", "small.txt"]
    assert (artifacts.load("images") / "large.bin").stat().st_size == 2**17


def test_an_input_in_a_store_that_cannot_be_used_is_said_in_one_line(
    artifacts, workspace, other_stack, monkeypatch
):
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.errors import InvalidPipeline, MissingSecret

    artifacts.save(np.arange(3), "dataset", stack="other")
    built = StackResolver.built

    def unless_other(self, component):
        if component.name == "other":
            raise MissingSecret({"{{lake.key}}": "the store"})
        return built(self, component)

    monkeypatch.setattr(StackResolver, "built", unless_other)
    with pytest.raises(InvalidPipeline, match="'dataset@1' is in the artifact store 'other'"):
        workspace.runs.start(summing)


def test_it_has_no_name_of_a_model(workspace, artifacts):
    workspace.models.register("fraud")
    with pytest.raises(NameTaken, match="an artifact cannot have the name of a model"):
        artifacts.save(1, "fraud")
    artifacts.save(1, "dataset")
    with pytest.raises(NameTaken, match="a model cannot have the name of an artifact"):
        workspace.models.register("dataset")
    assert [each.name for each in artifacts.list()] == ["dataset"]
