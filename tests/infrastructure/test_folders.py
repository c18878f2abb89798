"""Folders are stored file by file, and what they contain cannot lead out of them."""

import os
import stat
from pathlib import Path

import pytest
from round_trip import MATERIALIZERS

from stackfold import Directory
from stackfold.application.artifacts import folders
from stackfold.application.artifacts.folder_manifest import Manifest, must_be_safe
from stackfold.application.artifacts.folders import open_folder, store_folder
from stackfold.application.artifacts.values import read, write
from stackfold.domain.errors import ArtifactDamaged, InvalidFolder, NotFound
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore


@pytest.fixture
def store(tmp_path):
    return LocalArtifactStore(LocalArtifactStore.Configuration(), tmp_path / "home")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"a")
    (folder / "sub" / "b.bin").write_bytes(b"b" * folders.SMALL)
    (folder / "sub" / "empty").mkdir()
    return folder


def written(store, folder):
    return write("output", Directory(folder), store, MATERIALIZERS)


def listed(store):
    return {each.uri for each in store.list_artifacts()}


def test_a_directory_comes_back_with_its_files_modes_and_empty_folders(store, folder):
    (folder / "a.txt").chmod(0o700)
    artifact = written(store, folder)
    assert (artifact.materializer, artifact.type) == ("directory", "stackfold.Directory")
    assert (artifact.files, artifact.size) == (2, folders.SMALL + 1)
    back = read(artifact, store, MATERIALIZERS)
    assert back.files == {"a.txt": 1, "sub/b.bin": folders.SMALL}
    assert (back / "sub" / "b.bin").read_bytes() == b"b" * folders.SMALL
    assert os.stat(back / "a.txt").st_mode & stat.S_IXUSR
    assert not os.stat(back / "sub" / "b.bin").st_mode & stat.S_IXUSR
    assert list((back / "sub" / "empty").iterdir()) == []


def test_one_file_is_read_without_the_others(store, folder):
    back = read(written(store, folder), store, MATERIALIZERS)
    for uri in listed(store):
        if store.size(uri) == folders.SMALL:
            store.delete(uri)
    with back.open("a.txt") as file:
        assert file.read() == b"a"
    with pytest.raises(ArtifactDamaged), back.open("sub/b.bin"):
        pass
    with pytest.raises(NotFound, match=r"there is a\.txt, sub/b\.bin"), back.open("c"):
        pass


def test_equal_folders_are_equal_artifacts_and_equal_files_are_stored_once(store, folder, tmp_path):
    artifact = written(store, folder)
    before = listed(store)
    assert written(store, folder).digest == artifact.digest
    assert listed(store) == before
    (folder / "a.txt").write_bytes(b"changed")
    assert written(store, folder).digest != artifact.digest
    assert len(listed(store) - before) == 2  # the pack of small files, and the manifest


def test_small_files_share_objects_and_a_change_stays_local(store, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number:04}.txt").write_bytes(b"%d" % number * 100)
    written(store, folder)
    before = listed(store)
    assert len(before) < 50
    (folder / "0500.txt").write_bytes(b"changed")
    written(store, folder)
    assert len(listed(store) - before) <= 4


def test_an_empty_directory_is_one(store):
    assert (
        read(write("output", Directory(), store, MATERIALIZERS), store, MATERIALIZERS).files == {}
    )


@pytest.mark.parametrize("which", range(3))
def test_a_damaged_object_is_noticed(store, folder, which):
    artifact = written(store, folder)
    uri = sorted(listed(store))[which]
    path = Path(uri.removeprefix("file://"))
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    with pytest.raises(ArtifactDamaged):
        os.fspath(read(artifact, store, MATERIALIZERS))


def test_a_link_in_the_folder_is_stored_as_its_file(store, folder):
    (folder / "link").symlink_to("a.txt")
    back = read(written(store, folder), store, MATERIALIZERS)
    assert (back / "link").read_bytes() == b"a"
    assert not (back / "link").is_symlink()


@pytest.mark.parametrize(
    ("target", "problem"),
    [("/etc/passwd", "a link out of it"), ("..", "a link out of it"), ("sub", "a link to a folder"),
     ("nothing", "a link to what does not exist"), ("link", "a link to what does not exist")],
)  # fmt: skip
def test_a_link_elsewhere_is_rejected(store, folder, target, problem):
    (folder / "link").symlink_to(target)
    with pytest.raises(InvalidFolder, match=problem):
        written(store, folder)


def test_a_pipe_is_rejected(store, folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidFolder, match="'pipe', which is no regular file"):
        written(store, folder)


@pytest.mark.parametrize(
    "paths",
    [["/a"], ["../a"], ["a/../b"], ["a//b"], ["./a"], [""], ["a\\b"], ["C:a"], ["a\0"], ["a\nb"],
     ["A", "a"], ["straße", "STRASSE"], ["caf\u00e9", "cafe\u0301"], ["a", "a/b"], ["A/x", "a/y"],
     ["x" * 1025], ["\udcff"]],
)  # fmt: skip
def test_unsafe_paths_are_rejected_in_one_line(paths):
    with pytest.raises(InvalidFolder) as error:
        must_be_safe(paths)
    assert "\n" not in str(error.value)


def test_a_manifest_with_an_unsafe_path_is_damage(store, folder, tmp_path):
    manifest = Manifest({"../evil": next(iter(_manifest(store, folder).files.values()))}, [])
    with store.create() as file:
        file.write(manifest.text())
    with pytest.raises(ArtifactDamaged, match=r"'\.\.'"):
        open_folder(store, *file.stored)


def _manifest(store, folder):
    stored = store_folder(store, folder).stored
    return open_folder(store, *stored)._manifest


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"format":"stackfold.tree.v1"}',
    b'{"empty":[],"files":{"a":["x",1,644]},"format":"stackfold.tree.v1"}'])  # fmt: skip
def test_what_is_no_manifest_is_damage(store, text):
    with store.create() as file:
        file.write(text)
    with pytest.raises(ArtifactDamaged):
        open_folder(store, *file.stored)


def test_a_folder_that_does_not_exist_is_rejected(store, tmp_path):
    with pytest.raises(InvalidFolder, match="does not exist"):
        written(store, tmp_path / "nothing")


def test_too_many_files_are_rejected(store, folder, monkeypatch):
    monkeypatch.setattr("stackfold.application.artifacts.folder_manifest.MOST_FILES", 2)
    with pytest.raises(InvalidFolder, match="more than 2 files"):
        written(store, folder)
