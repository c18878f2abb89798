"""The stored bytes of an artifact are opened only if they are those that were recorded."""

import hashlib
import threading
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from small_s3 import SmallS3

from stackfold import Workspace, pipeline, step
from stackfold.application.artifacts import bounded_opening
from stackfold.errors import ArtifactDamaged, ArtifactStoreUnavailable, Busy, NotFound, TooLarge

CONTENT = bytes(range(256)) * 4


@step(enable_cache=False)
def draw() -> bytes:
    return CONTENT


@pipeline
def drawing():
    draw()


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        workspace.runs.start(drawing)
        yield workspace


def stored(ws):
    return Path(unquote(urlsplit(ws.artifacts.get("drawing/draw").view.uri).path))


def content(ws, **limits):
    with ws.artifacts.open("drawing/draw", **limits) as file:
        return file.read()


def test_the_bytes_are_those_that_were_recorded(ws):
    assert content(ws) == CONTENT
    assert content(ws, timeout=5.0, max_bytes=len(CONTENT)) == CONTENT
    digest = ws.artifacts.get("drawing/draw").view.digest
    assert hashlib.sha256(content(ws)).hexdigest() == digest


@pytest.mark.parametrize("limits", [{}, {"timeout": 5.0}])
def test_bytes_that_were_changed_are_rejected(ws, limits):
    stored(ws).write_bytes(b"x" * len(CONTENT))
    with pytest.raises(ArtifactDamaged, match="is damaged: its sha256 is"):
        content(ws, **limits)


@pytest.mark.parametrize("limits", [{}, {"timeout": 5.0}])
def test_bytes_that_were_cut_or_extended_are_rejected_by_their_number(ws, limits):
    for size in (1000, 3000):
        stored(ws).write_bytes(b"x" * size)
        with pytest.raises(ArtifactDamaged, match=f"has {size:,} bytes and should have 1,024"):
            content(ws, **limits)


def test_missing_bytes_are_rejected(ws):
    stored(ws).unlink()
    with pytest.raises(ArtifactDamaged, match=r"no longer exists; run the pipeline .* again"):
        content(ws)


def test_an_unknown_artifact_is_rejected(ws):
    with pytest.raises(NotFound):
        ws.artifacts.open("drawing/nothing")


def test_more_bytes_than_wanted_are_not_read(ws):
    stored(ws).unlink()
    with pytest.raises(TooLarge, match=r"artifact 'drawing/draw/output@1' of 1 KiB: more than"):
        content(ws, max_bytes=1023)


@pytest.fixture
def on_s3(tmp_path):
    """A workspace whose artifacts are in an object store that can fall silent."""
    with SmallS3() as server, Workspace.open(tmp_path / "home") as workspace:
        workspace.secrets.create("s3", {"key": "key", "secret": "secret"})
        lake = {"path": "s3://bucket/lake", "endpoint_url": server.url}
        credentials = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
        workspace.components.register("artifact_store", "lake", "s3", lake | credentials)
        workspace.stacks.register(
            "s3", orchestrator="default", artifact_store="lake", activate=True
        )
        workspace.runs.start(drawing)
        yield workspace, server


def test_a_remote_artifact_is_opened(on_s3):
    ws, server = on_s3
    assert content(ws) == content(ws, timeout=5.0) == CONTENT
    (name,) = server.objects
    server.objects[name] = b"x" * len(CONTENT)
    with pytest.raises(ArtifactDamaged):
        content(ws, timeout=5.0)
    del server.objects[name]
    with pytest.raises(ArtifactDamaged, match="no longer exists"):
        content(ws)


def test_a_store_that_does_not_answer_is_given_up(on_s3):
    ws, server = on_s3
    server.speaks.clear()
    with pytest.raises(ArtifactStoreUnavailable, match=r"did not answer within 0\.2 s"):
        content(ws, timeout=0.2)
    assert server.asked
    server.speaks.set()
    assert eventually(lambda: not sum(bounded_opening._waiting.values()))
    assert content(ws, timeout=5.0) == CONTENT


def test_few_threads_wait_for_a_store(on_s3):
    ws, server = on_s3
    server.speaks.clear()
    for _ in range(bounded_opening.MOST_WAITING):
        with pytest.raises(ArtifactStoreUnavailable):
            content(ws, timeout=0.01)
    with pytest.raises(Busy, match="4 reads of the artifact store with s3://bucket/lake/"):
        content(ws, timeout=30.0)
    # Another store is not affected.
    ws.runs.start(drawing, stack="default")
    assert content(ws, timeout=5.0) == CONTENT
    server.speaks.set()
    assert eventually(lambda: not sum(bounded_opening._waiting.values()))
    assert content(ws, timeout=5.0) == CONTENT
    assert eventually(lambda: waiting_threads() == 0)


def waiting_threads():
    return sum(each.name == "stackfold-artifact" for each in threading.enumerate())


def eventually(holds):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False
