"""A step may fill a folder; other steps, the command line and the pages read its files."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from small_s3 import SmallS3

from stackfold import Directory, Workspace, pipeline, step
from stackfold.errors import ArtifactDamaged, InvalidFolder, RunFailed

EXECUTED: list[str] = []


@step
def draw(count: int) -> Directory:
    EXECUTED.append("draw")
    directory = Directory()
    (directory / "train").mkdir()
    for number in range(count):
        (directory / "train" / f"{number}.txt").write_text(f"sample {number}")
    (directory / "large.bin").write_bytes(bytes(100_000))
    return directory


@step
def length(data: Directory) -> int:
    EXECUTED.append("length")
    with data.open("train/0.txt") as file:
        assert file.read() == b"sample 0"
    return sum(len(path.read_bytes()) for path in data.path.rglob("*.txt"))


@pipeline
def drawing(count: int = 3):
    length(draw(count))


@pytest.fixture(params=["in a home", "in PostgreSQL"])
def ws(request, tmp_path):
    EXECUTED.clear()
    if request.param == "in a home":
        opened = Workspace.open(tmp_path / "home")
    else:
        opened = request.getfixturevalue("postgres").workspace()
    with opened as workspace:
        yield workspace


def stored(ws):
    (home,) = set(ws.home.glob("artifacts"))
    return {path for path in home.rglob("*") if path.is_file() and ".incoming" not in path.parts}


def test_a_folder_goes_from_step_to_step_and_is_cached(ws):
    run = ws.runs.start(drawing)
    assert ws.runs.load(run.id, "length") == 24
    found = ws.artifacts.get("drawing/draw").view
    assert (found.files, found.size, found.materializer) == (4, 100_024, "directory")
    ws.runs.start(drawing)
    assert EXECUTED == ["draw", "length"]


@pytest.mark.parametrize("which", ["large", "manifest"])
def test_a_cached_folder_with_a_missing_object_is_made_again(ws, which):
    ws.runs.start(drawing)
    manifest = ws.artifacts.get("drawing/draw").view.digest
    for path in stored(ws):
        is_manifest = path.parent.name + path.name == manifest
        if is_manifest if which == "manifest" else path.stat().st_size == 100_000:
            path.unlink()
    ws.runs.start(drawing)
    assert EXECUTED == ["draw", "length", "draw"]


def test_pruning_keeps_the_files_of_folders_that_runs_refer_to(ws):
    first = ws.runs.start(drawing)
    before = stored(ws)
    ws.runs.start(drawing, {"count": 5})
    latest = ws.runs.list()[0]
    ws.runs.delete(latest.id)
    (pruned,) = ws.artifacts.prune(grace=timedelta())
    assert (pruned.problem, stored(ws)) == ("", before)
    ws.runs.delete(first.id)
    ws.artifacts.prune(grace=timedelta())
    assert stored(ws) == set()


KILLED = """
import os
import signal

from stackfold import Directory, pipeline, step
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

create, calls = LocalArtifactStore.create, []


def killed(store):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return create(store)


@step
def fill() -> Directory:
    directory = Directory()
    for number in range(3):
        (directory / f"{number}.bin").write_bytes(bytes([number]) * 100_000)
    LocalArtifactStore.create = killed
    return directory


@pipeline
def filling():
    fill()


filling()
"""


def test_a_process_killed_while_it_stores_a_folder_leaves_only_unused_files(
    tmp_path,
):
    (tmp_path / "filling.py").write_text(KILLED)
    environment = {"PYTHONPATH": ":".join(sys.path), "STACKFOLD_HOME": str(tmp_path / "home")}
    command = [sys.executable, "filling.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    with Workspace.open(tmp_path / "home") as ws:
        assert len(stored(ws)) == 2
        assert ws.artifacts.list() == []
        ws.artifacts.prune(grace=timedelta())
        assert stored(ws) == set()


def test_nothing_is_pruned_where_a_list_of_files_was_changed(ws):
    ws.runs.start(drawing)
    manifest = ws.artifacts.get("drawing/draw").view.digest
    for path in stored(ws):
        if path.parent.name + path.name == manifest:
            path.write_bytes(b"{}")
    before = stored(ws)
    (pruned,) = ws.artifacts.prune(grace=timedelta())
    assert "is damaged" in pruned.problem
    assert stored(ws) == before


def test_its_preview_lists_its_files(ws):
    ws.runs.start(drawing)
    preview = ws.artifacts.preview("drawing/draw", timeout=10.0)
    assert preview.summary == "Folder, 4 files, 100,024 bytes"
    assert preview.rows[0] == ("large.bin", "100,000")


def test_its_files_are_opened_one_by_one(ws):
    ws.runs.start(drawing)
    folder = ws.artifacts.folder("drawing/draw")
    assert folder.files["train/1.txt"] == 8
    with folder.open("train/1.txt") as file:
        assert file.read() == b"sample 1"
    with pytest.raises(InvalidFolder, match="has several files"), ws.artifacts.open("drawing/draw"):
        pass
    with pytest.raises(InvalidFolder, match="is a single file"):
        ws.artifacts.folder("drawing/length")


def test_a_folder_in_a_bucket(ws):
    with SmallS3() as server:
        ws.secrets.create("s3", {"key": "key", "secret": "secret"})
        lake = {"path": "s3://bucket/lake", "endpoint_url": server.url}
        credentials = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
        ws.components.register("artifact_store", "lake", "s3", lake | credentials)
        ws.stacks.register("s3", orchestrator="default", artifact_store="lake", activate=True)
        run = ws.runs.start(drawing)
        assert ws.runs.load(run.id, "length") == 24
        ws.runs.start(drawing)
        assert EXECUTED == ["draw", "length"]
        ((large, _),) = [each for each in server.objects.items() if len(each[1]) == 100_000]
        server.objects[large] = bytes(99_999) + b"x"
        with pytest.raises(ArtifactDamaged):
            os.fspath(ws.artifacts.load("drawing/draw"))


@step
def point_outside() -> Directory:
    directory = Directory()
    (directory / "passwords").symlink_to("/etc/passwd")
    return directory


def test_a_step_whose_folder_cannot_be_stored_fails_in_one_line(ws):
    @pipeline
    def leaking():
        point_outside()

    with pytest.raises(RunFailed, match="contains 'passwords', a link out of it"):
        ws.runs.start(leaking)
