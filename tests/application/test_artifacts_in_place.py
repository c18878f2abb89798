"""Files that stay where they are, and objects in the store, are versions of artifacts."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from stackfold import ArtifactHandle, artifact
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.errors import ArtifactDamaged, InvalidFile, OutsideStore, RunFailed


@step
def measure(data: ArtifactHandle) -> int:
    with data.open() as file:
        return len(file.read())


@Pipeline
def measuring():
    measure(artifact("rows"))


@pytest.fixture
def artifacts(workspace):
    return workspace.artifacts


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "größe 1.bin"
    path.write_bytes(b"\0\1" * 2**20)
    return path


def test_a_file_stays_where_it_is(artifacts, file):
    seen = []
    view = artifacts.register(file, "rows", copy=False, copied=lambda *each: seen.append(each))
    assert (view.size, view.uri) == (2**21, file.as_uri())
    assert seen == [(2**20, 2**21), (2**21, 2**21)]
    assert artifacts.load("rows") == file.read_bytes()
    with artifacts.open("rows") as opened:
        assert opened.read(2) == b"\0\1"
    described = artifacts.describe("rows")
    assert (described.in_place, described.source) == (True, file.as_uri())
    assert (described.store, described.store_flavor) == ("in place", "local")
    assert not artifacts.describe(artifacts.register(file, "copied").id).in_place


def test_a_step_reads_it_there_and_is_cached_by_its_digest(artifacts, workspace, file):
    artifacts.register(file, "rows", copy=False)
    run = workspace.runs.start(measuring)
    assert workspace.runs.load(run.id, "measure") == 2**21
    artifacts.register(file, "rows")
    run = workspace.runs.start(measuring)
    assert [each.status for each in workspace.runs.describe(run.id).steps] == ["cached"]


def test_a_changed_file_is_not_loaded(artifacts, workspace, file):
    artifacts.register(file, "rows", copy=False)
    file.write_bytes(b"\0\2" * 2**20)
    for read in (artifacts.load, lambda name: artifacts.open(name).__enter__()):
        with pytest.raises(ArtifactDamaged, match="was changed since it was registered: its sha"):
            read("rows")
    file.write_bytes(b"longer" * 2**20)
    with pytest.raises(ArtifactDamaged, match=r"was changed: it has 6,291,456 bytes"):
        artifacts.open("rows").__enter__()
    file.write_bytes(b"\0\2" * 2**20)
    with pytest.raises(RunFailed, match=r"in step 'measure': .* was changed since it was regis"):
        workspace.runs.start(measuring)


def test_a_missing_file_is_not_on_this_machine(artifacts, file):
    artifacts.register(file, "rows", copy=False)
    file.unlink()
    for read in (artifacts.load, lambda name: artifacts.open(name).__enter__()):
        with pytest.raises(ArtifactDamaged) as raised:
            read("rows")
        assert str(raised.value) == (
            f"the artifact at {file.as_uri()} is not on this machine, or was moved"
        )


def test_a_file_that_became_a_link_elsewhere_is_not_read(artifacts, file, tmp_path_factory):
    artifacts.register(file, "rows", copy=False)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "it"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(OutsideStore):
        artifacts.load("rows")


def test_deleting_and_pruning_leave_it(artifacts, file):
    artifacts.register(file, "rows", copy=False)
    artifacts.delete("rows")
    artifacts.prune(grace=timedelta(0))
    assert file.exists()


def test_copying_brings_it_into_a_store(artifacts, workspace, file):
    artifacts.register(file, "rows", copy=False)
    workspace.components.register(ComponentType.ARTIFACT_STORE, "lake", "local", {"path": "lake"})
    copied = artifacts.copy("rows", "lake")
    file.unlink()
    assert artifacts.load(copied.reference) == b"\0\1" * 2**20
    assert not artifacts.describe(copied.reference).in_place


@pytest.mark.parametrize("kind", ["link", "pipe", "missing", "folder"])
def test_what_is_no_file_is_rejected(artifacts, tmp_path, kind):
    path = tmp_path / "it"
    if kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(InvalidFile):
        artifacts.register(path, "rows", copy=False)
    assert artifacts.list() == []


def test_an_address_in_the_store_stays_there(artifacts, workspace):
    folder = Path(workspace.home) / "artifacts" / "given"
    folder.mkdir(parents=True)
    file = folder / "rows.csv"
    file.write_text("1,2")
    view = artifacts.register(file.as_uri(), "rows")
    assert (view.uri, artifacts.load("rows")) == (file.as_uri(), b"1,2")
    described = artifacts.describe("rows")
    assert (described.in_place, described.store) == (True, "default")
    artifacts.delete("rows")
    artifacts.prune(grace=timedelta(0))
    assert file.exists()
    with pytest.raises(ArtifactDamaged):
        artifacts.register((folder / "missing").as_uri(), "rows")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/rows.csv", "https://example.org/rows.csv"),
        ("https://ada:word@example.org/a?Signature=xyz", "https://example.org/a"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("file:///etc/hostname", "file:///etc/hostname"),
        ("gopher://x", "gopher://x"),
        ("s3://bucket/a\nb", "s3://bucket/a\nb"),
    ],
)
def test_an_address_outside_the_store_is_rejected(artifacts, address, shown):
    with pytest.raises(InvalidFile) as raised:
        artifacts.register(address, "rows")
    assert str(raised.value) == (
        f"{shown}: is not an object in artifact store 'default': download it and register the "
        "file, or give the stack of a store that contains it"
    )
    assert artifacts.list() == []
