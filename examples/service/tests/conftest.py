"""The service with two tenants, in files and on PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from stack_service.app import app

POSTGRES = os.environ.get("TEST_POSTGRES", "")
"""The address of a database, in which the schemas of the tenants are dropped."""

on_postgres = pytest.mark.skipif(not POSTGRES, reason="TEST_POSTGRES names no database")


@pytest.fixture(params=["files", pytest.param("PostgreSQL", marks=on_postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a service without any stacks."""
    settings = {"STACK_SERVICE_HOME": str(tmp_path), "STACK_SERVICE_TENANTS": "acme globex"}
    if request.param == "files":
        yield settings
        return
    yield {**settings, "STACK_SERVICE_STORE": POSTGRES}
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS acme, acme_own, globex, globex_own CASCADE")


@pytest.fixture
def service(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The service, started."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with TestClient(app):
        yield


@pytest.fixture
def alice(service: None) -> TestClient:
    """A user of the service."""
    return TestClient(app, headers={"X-User": "alice@example.org"})


@pytest.fixture
def bob(service: None) -> TestClient:
    """Another user of the service."""
    return TestClient(app, headers={"X-User": "bob@example.org"})
