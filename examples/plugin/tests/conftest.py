"""Where logs are: in a folder, and on PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from places import Places

POSTGRES = os.environ.get("TEST_POSTGRES", "")
"""The address of a database, in which the schemas of the tests are dropped."""

on_postgres = pytest.mark.skipif(not POSTGRES, reason="TEST_POSTGRES names no database")


@pytest.fixture(params=["files", pytest.param("PostgreSQL", marks=on_postgres)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    """Places without a log and without tables."""
    if request.param == "files":
        yield Places(str(tmp_path), None, str(tmp_path / "tables.db"))
        return
    yield Places(str(tmp_path), f"{POSTGRES}?schema=acme", POSTGRES)
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS acme, acme_own CASCADE")
        connection.execute("DROP TABLE IF EXISTS acme_stack_changes, stackfold_checkpoints")
