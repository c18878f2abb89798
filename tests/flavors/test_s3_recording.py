"""Requests are recorded into a bucket, with the log in a file or in PostgreSQL."""

from contextlib import nullcontext

import httpx
import pytest
from models_to_serve import training

from stackfold import Workspace
from stackfold.domain.errors import ArtifactStoreUnavailable

ROW = [5.1, 3.5, 1.4, 0.2]
KEYS = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}


@pytest.fixture(params=["file", "PostgreSQL"])
def log(request, tmp_path, monkeypatch):
    """A new log, which every workspace of the test opens."""
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    shared = request.param == "PostgreSQL"
    with request.getfixturevalue("postgres").lent() if shared else nullcontext() as url:
        if url:
            monkeypatch.setenv("STACKFOLD_STORE", url)
        yield


@pytest.fixture
def ws(log, s3_server, s3_secrets, s3_path):
    with Workspace.open() as ws:
        bucket = {"path": s3_path, "endpoint_url": s3_server.url, "retry_timeout": 0.5, **KEYS}
        ws.components.register("artifact_store", "bucket", "s3", bucket)
        ws.components.register("model_deployer", "here", "local")
        ws.stacks.register(
            "prod", orchestrator="default", artifact_store="bucket", model_deployer="here"
        )
        ws.stacks.activate("prod")
        ws.runs.start(training)
        yield ws
        for each in ws.deployments.list(contact=False):
            ws.deployments.delete(each.id)


@pytest.fixture
def ask(ws):
    """Requests a prediction of a recorded deployment."""
    url = ws.deployments.deploy("flowers", "training/train").url
    ws.deployments.record("flowers")
    return lambda rows: httpx.post(url, json=rows).json()


def objects(s3_client, s3_path):
    folder = s3_path.removeprefix("s3://stackfold/")
    return {each["path"] for page in s3_client.list(folder) for each in page}


def test_requests_are_stored_beside_the_model_and_read_back(ws, ask, s3_client, s3_path):
    before = objects(s3_client, s3_path)
    assert ask([ROW, ROW]) == [0, 0]
    assert ws.deployments.collect("flowers") == [("flowers", 1, 0, "")]
    assert len(objects(s3_client, s3_path) - before) == 1
    with Workspace.open() as another:
        (recorded,) = another.deployments.requests("flowers")
    assert recorded.rows[0] == {**{f"input_{n}": x for n, x in enumerate(ROW)}, "prediction": 0}


def test_requests_wait_while_the_bucket_cannot_be_reached(ws, ask, s3_server):
    s3_server.kill()
    try:
        assert ask([ROW]) == [0]
        with pytest.raises(ArtifactStoreUnavailable, match="nothing answers"):
            ws.deployments.collect("flowers")
        ((name, stored, deleted, problem),) = ws.deployments.collect()
    finally:
        s3_server.start()
    assert (name, stored, deleted) == ("flowers", 0, 0)
    assert "nothing answers" in problem
    assert ask([ROW]) == [0]
    assert len(ws.deployments.requests("flowers")) == 2


def test_deleting_the_deployment_deletes_its_requests(ws, ask, s3_client, s3_path):
    before = objects(s3_client, s3_path)
    ask([ROW])
    ws.deployments.collect("flowers")
    assert objects(s3_client, s3_path) != before
    ws.deployments.delete("flowers")
    assert objects(s3_client, s3_path) == before
