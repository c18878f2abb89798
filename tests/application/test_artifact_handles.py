"""A step takes an artifact without loading it."""

import numpy as np
import pytest

from stackfold import ArtifactHandle, Directory, artifact
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.errors import RunFailed


@step
def measure(data: ArtifactHandle) -> dict[str, object]:
    with data.open() as file:
        head = file.read(6)
    assert data.path() == data.path()
    assert data.load().tolist() == [0, 1, 2]
    return {"head": head, "size": data.size, "copied": data.path().stat().st_size}


@Pipeline
def measuring():
    measure(artifact("dataset"))


def test_a_step_gets_the_address_and_is_cached_by_the_value(workspace):
    for _ in range(2):
        workspace.artifacts.save(np.arange(3), "dataset")
        run = workspace.runs.start(measuring)
    (executed,) = workspace.runs.describe(run.id).steps
    assert executed.status == "cached"
    size = workspace.artifacts.describe("dataset").size
    expected = {"head": b"\x93NUMPY", "size": size, "copied": size}
    assert workspace.runs.load(run.id, "measure") == expected


def test_a_folder_is_copied_where_the_step_wants_it(workspace, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    workspace.artifacts.save(Directory(tmp_path), "images")

    @step
    def names(folder: ArtifactHandle) -> list[str]:
        return [each.name for each in folder.path().iterdir()]

    @Pipeline
    def naming():
        names(artifact("images"))

    run = workspace.runs.start(naming)
    assert workspace.runs.load(run.id, "names") == ["a.txt"]


def test_several_are_taken_in_a_list(workspace):
    first, second = (workspace.artifacts.save(each, "number") for each in (1, 2))

    @step
    def sizes(parts: list[ArtifactHandle]) -> int:
        return sum(each.load() for each in parts)

    @Pipeline
    def measuring_all():
        sizes([artifact(first.reference), artifact(second.reference)])

    run = workspace.runs.start(measuring_all)
    assert workspace.runs.load(run.id, "sizes") == 3


def test_a_handle_cannot_be_returned(workspace):
    workspace.artifacts.save(1, "number")

    @step
    def same(data: ArtifactHandle):
        return data

    @Pipeline
    def returning():
        same(artifact("number"))

    with pytest.raises(RunFailed):
        workspace.runs.start(returning)
