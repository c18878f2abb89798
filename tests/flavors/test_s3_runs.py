"""Runs on a stack whose artifacts are in S3."""

import time
from datetime import timedelta

import pytest
from runnable import STORE, training
from s3_server import KEY, SECRET

from stackfold import Directory, pipeline, step
from stackfold.application.ports import ArtifactStore
from stackfold.domain.errors import (
    ArtifactDamaged,
    ArtifactStoreUnavailable,
    InvalidFile,
    RunFailed,
)
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.artifact_store import uris


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def ws(home):
    with Workspace.open(home) as workspace:
        yield workspace


@pytest.fixture
def on_s3(ws, s3_server, s3_path):
    """A stack with its artifacts in S3; its secrets are where a user would have put them."""
    ws.secrets.create("s3", {"key": KEY, "secret": SECRET})
    ws.components.register(
        STORE,
        "lake",
        "s3",
        {
            "path": s3_path,
            "endpoint_url": s3_server.url,
            "key": "{{s3.key}}",
            "secret": "{{s3.secret}}",
        },
    )
    ws.stacks.register("s3", orchestrator="default", artifact_store="lake")
    return ws


def store_of(ws) -> ArtifactStore:
    return ws.flavors.build(STORE, "s3", ws.components.get(STORE, "lake").configuration)


def test_a_pipeline_runs_with_its_artifacts_in_s3(on_s3, s3_path):
    run = on_s3.runs.start(training, stack="s3")
    assert run.status == "completed"
    assert on_s3.runs.load(run.id, "total") == 2.0
    addresses = {each.uri for each in on_s3.runs.artifacts(run.id)}
    assert addresses <= set(uris(store_of(on_s3)))
    assert all(each.startswith(f"{s3_path}/") for each in addresses)


def test_no_stored_file_contains_the_credentials(on_s3, home):
    on_s3.runs.start(training, stack="s3")
    kept = b"".join(
        each.read_bytes()
        for each in home.rglob("*")
        if each.is_file() and "secrets" not in each.parts
    )
    assert b"{{s3.secret}}" in kept
    assert SECRET.encode() not in kept


@step
def after(value: int) -> int:
    return value + 1


def interrupted_by(stop):
    """A pipeline in whose second step something happens to the server."""

    @step
    def first() -> int:
        return 1

    @step
    def second(value: int) -> int:
        stop()
        return value + 1

    def interrupted():
        after(second(first()))

    return Pipeline(interrupted)


def test_a_run_continues_when_the_server_is_killed_and_restarted(on_s3, s3_server):
    def crash():
        s3_server.kill()
        s3_server.start(wait=False)

    run = on_s3.runs.start(interrupted_by(crash), stack="s3")
    assert run.status == "completed"
    assert on_s3.runs.load(run.id, "after") == 3


def test_a_run_fails_when_the_server_stays_unavailable(on_s3, s3_server):
    on_s3.components.update(STORE, "lake", {"retry_timeout": 1})
    pipeline = interrupted_by(s3_server.kill)
    try:
        with pytest.raises(RunFailed, match="nothing answers: start it") as caught:
            on_s3.runs.start(pipeline, stack="s3")
    finally:
        s3_server.start()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ArtifactStoreUnavailable)
    (run,) = on_s3.runs.list()
    assert run.status == "failed"
    steps = {each.name: each.status for each in on_s3.runs.steps(run.id)}
    assert steps["first"] == "completed"
    assert steps["second"] == "failed"
    assert steps["after"] not in {"completed", "failed"}


@step
def draw(count: int) -> Directory:
    directory = Directory()
    for number in range(count):
        (directory / f"{number}.txt").write_text(f"sample {number}")
    (directory / "large.bin").write_bytes(bytes(200_000))
    return directory


@step
def length(data: Directory) -> int:
    return sum(len(path.read_bytes()) for path in data.path.rglob("*.txt"))


def test_folders_are_stored_file_by_file(on_s3):
    @pipeline
    def drawing(count: int = 3):
        length(draw(count))

    run = on_s3.runs.start(drawing, stack="s3")
    assert on_s3.runs.load(run.id, "length") == 24
    first = {*uris(store_of(on_s3))}
    again = on_s3.runs.start(drawing, stack="s3")
    assert {each.status for each in on_s3.runs.describe(again.id).steps} == {"cached"}
    with on_s3.artifacts.folder("drawing/draw").open("1.txt") as file:
        assert file.read() == b"sample 1"
    # The large file is the same object; a pack of small files, a list and a number are new.
    later = on_s3.runs.start(drawing, {"count": 4}, stack="s3")
    assert len({*uris(store_of(on_s3))} - first) == 3
    on_s3.runs.delete(later.id)
    time.sleep(1.5)  # S3 has times in whole seconds
    on_s3.artifacts.prune(["lake"], grace=timedelta())
    assert {*uris(store_of(on_s3))} == first
    assert on_s3.artifacts.load("drawing/draw").path.joinpath("large.bin").stat().st_size == 200_000


def test_an_object_under_the_prefix_is_registered_where_it_is(on_s3, s3_path):
    import obstore

    store = store_of(on_s3)
    client, folder = store._open_bucket()._client, s3_path.removeprefix("s3://").partition("/")[2]
    obstore.put(client, f"{folder}/given/rows.csv".lstrip("/"), b"1,2")
    address = f"{s3_path}/given/rows.csv"
    view = on_s3.artifacts.register(address, "rows", stack="s3")
    assert (view.uri, view.size) == (address, 3)
    assert on_s3.artifacts.load("rows") == b"1,2"
    assert on_s3.artifacts.describe("rows").in_place
    with pytest.raises(ArtifactDamaged, match="no longer exists"):
        on_s3.artifacts.register(f"{s3_path}/given/none", "rows", stack="s3")
    for outside in ("/../x", "/.deleting/x", "-other/x", "/given/a?b", "/", "/given//x"):
        with pytest.raises(InvalidFile, match="is not an object in artifact store 'lake'"):
            on_s3.artifacts.register(s3_path + outside, "rows", stack="s3")
    on_s3.artifacts.delete("rows")
    on_s3.artifacts.prune(["lake"], grace=timedelta(0))
    assert bytes(obstore.get(client, f"{folder}/given/rows.csv".lstrip("/")).bytes()) == b"1,2"
    obstore.put(client, f"{folder}/given/rows.csv".lstrip("/"), b"3,4")
    on_s3.undo()
    with pytest.raises(ArtifactDamaged, match="was changed since it was registered"):
        on_s3.artifacts.load("rows")
