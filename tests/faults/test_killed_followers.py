"""Projections whose process is killed at random lose and double no event."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from workspaces import opened, store

from stackfold.infrastructure.database import sqlite_file

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("killed_follower.py")


def kills(mode, log, into):
    done = subprocess.run(
        [sys.executable, PROGRAM, mode, log, into], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def assert_each_event_was_applied_once(ws, read):
    seen = read("SELECT position, topic FROM seen ORDER BY position")
    assert [*map(tuple, seen)] == [(event.position, event.topic) for event in ws.log.events()]
    assert [tuple(row) for row in read("SELECT events FROM total")] == [(len(seen),)]


@pytest.mark.parametrize("into", ["a file", "PostgreSQL"])
def test_a_follower_that_is_killed_at_random_applies_every_event_once(
    request, place, into, tmp_path
):
    with opened(place) as ws:
        for number in range(150):
            store(ws, f"s{number}")
    if into == "a file":
        mine = str(tmp_path / "mine.db")
        assert kills("followed", str(place), mine) > 3, "the kills came too late to show anything"
        with opened(place) as ws, closing(sqlite_file.connect(mine)) as connection:
            assert_each_event_was_applied_once(
                ws, lambda statement: connection.execute(statement).fetchall()
            )
        return
    server = request.getfixturevalue("postgres")
    server.execute("CREATE DATABASE follower")
    try:
        assert kills("followed", str(place), server.url("follower")) > 3
        with opened(place) as ws, psycopg.connect(server.url("follower")) as connection:
            assert_each_event_was_applied_once(
                ws, lambda statement: connection.execute(statement).fetchall()
            )
    finally:
        server.execute("DROP DATABASE follower WITH (FORCE)")


def test_a_writer_that_is_killed_at_random_keeps_its_inline_projection_current(place):
    assert kills("inline", str(place), "") > 3, "the kills came too late to show anything"
    with opened(place) as ws:
        with ws.change() as change:
            assert_each_event_was_applied_once(ws, change.execute)
            change.execute("DROP TABLE seen")
            change.execute("DROP TABLE total")
            change.execute("DROP TABLE stackfold_checkpoints")
        assert ws.log.verify().intact
