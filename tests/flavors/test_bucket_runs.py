"""Runs on a stack whose artifacts are in Azure or in Cloud Storage."""

import hashlib
import os
import pickle
import subprocess
import sys
import time
from datetime import timedelta
from typing import NamedTuple

import obstore
import pytest
from azurite import ACCOUNT
from azurite import KEY as AZURE_KEY
from bucket_contract import key_of
from runnable import STORE, training

from stackfold import Directory, pipeline, step
from stackfold.application.ports import ArtifactStore
from stackfold.domain.errors import ArtifactDamaged, InvalidFile
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.artifact_store import uris, written


class Cloud(NamedTuple):
    """A server, and a stack with artifacts on it."""

    ws: Workspace
    path: str
    client: object
    secret: str
    credentials: dict[str, str]
    """The variables by which obstore takes the credentials."""

    @property
    def store(self) -> ArtifactStore:
        found = self.ws.components.get(STORE, "lake")
        return self.ws.flavors.build(STORE, found.flavor, found.configuration)


@pytest.fixture(params=["azure", "gcs"])
def cloud(request, tmp_path):
    server = request.getfixturevalue(f"{request.param}_server")
    path = request.getfixturevalue(f"{request.param}_path")
    given = {"path": path, "endpoint_url": server.url}
    if request.param == "azure":
        secret, variable = AZURE_KEY, "AZURE_STORAGE_ACCOUNT_KEY"
        given |= {"account_name": ACCOUNT, "account_key": "{{cloud.key}}"}
    else:
        secret, variable = server.key, "GOOGLE_SERVICE_ACCOUNT_KEY"
        given |= {"service_account_key": "{{cloud.key}}"}
    with Workspace.open(tmp_path / "home") as ws:
        ws.secrets.create("cloud", {"key": secret})
        ws.components.register(STORE, "lake", request.param, given)
        ws.stacks.register("cloud", orchestrator="default", artifact_store="lake")
        client = server.client("stackfold")
        yield Cloud(ws, path, client, secret, {variable: secret})


def test_a_pipeline_runs_with_its_artifacts_there(cloud):
    run = cloud.ws.runs.start(training, stack="cloud")
    assert run.status == "completed"
    assert cloud.ws.runs.load(run.id, "total") == 2.0
    addresses = {each.uri for each in cloud.ws.runs.artifacts(run.id)}
    assert addresses <= set(uris(cloud.store))
    assert all(each.startswith(f"{cloud.path}/") for each in addresses)
    files = [each for each in cloud.ws.home.rglob("*") if each.is_file()]
    kept = b"".join(each.read_bytes() for each in files if "secrets" not in each.parts)
    assert b"{{cloud.key}}" in kept
    assert cloud.secret[-60:].encode() not in kept


@step
def draw(count: int) -> Directory:
    directory = Directory()
    for number in range(count):
        (directory / f"{number}.txt").write_text(f"sample {number}")
    (directory / "large.bin").write_bytes(bytes(200_000))
    return directory


def test_folders_are_stored_and_pruned(cloud):
    @pipeline
    def drawing(count: int = 3):
        draw(count)

    cloud.ws.runs.start(drawing, stack="cloud")
    first = {*uris(cloud.store)}
    with cloud.ws.artifacts.folder("drawing/draw").open("1.txt") as file:
        assert file.read() == b"sample 1"
    later = cloud.ws.runs.start(drawing, {"count": 4}, stack="cloud")
    assert {*uris(cloud.store)} > first
    cloud.ws.runs.delete(later.id)
    time.sleep(1.5)  # times are whole seconds
    cloud.ws.artifacts.prune(["lake"], grace=timedelta())
    assert {*uris(cloud.store)} == first


def test_an_object_under_the_prefix_is_registered_where_it_is(cloud):
    address = f"{cloud.path}/given/rows.csv"
    obstore.put(cloud.client, key_of(address), b"1,2")
    view = cloud.ws.artifacts.register(address, "rows", stack="cloud")
    assert (view.uri, view.size) == (address, 3)
    assert cloud.ws.artifacts.load("rows") == b"1,2"
    assert cloud.ws.artifacts.describe("rows").in_place
    with pytest.raises(ArtifactDamaged, match="no longer exists"):
        cloud.ws.artifacts.register(f"{cloud.path}/given/none", "rows", stack="cloud")
    for outside in ("/../x", "/.deleting/x", "-other/x", "/given/a?sig=b", "/", "/given//x"):
        with pytest.raises(InvalidFile, match="is not an object in artifact store 'lake'"):
            cloud.ws.artifacts.register(cloud.path + outside, "rows", stack="cloud")
    cloud.ws.artifacts.delete("rows")
    cloud.ws.artifacts.prune(["lake"], grace=timedelta(0))
    assert bytes(obstore.get(cloud.client, key_of(address)).bytes()) == b"1,2"


_SERVE = """
import sys
from stackfold.infrastructure.flavors.model_serving.served_model import _local
with _local(sys.argv[1]) as path:
    print(path.read_bytes())
"""


def test_a_model_server_reads_a_model_by_variables(cloud):
    stored = written(cloud.store, pickle.dumps("model"))
    assert hashlib.sha256(pickle.dumps("model")).hexdigest() == stored.digest
    done = subprocess.run(
        [sys.executable, "-c", _SERVE, stored.uri],
        env={**os.environ, **cloud.store.environment(), **cloud.credentials},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == repr(pickle.dumps("model")), done.stderr[-500:]
