"""A damaged page of an index hides events or names: `verify` finds it, and nothing is lost."""

import random
import shutil
import sqlite3
from contextlib import closing

import pytest
from history.homes import copied, tables
from workspaces import STORE, stack, store

from stackfold.domain.errors import StackfoldError
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace

INDEX_PAGES = (0x02, 0x0A)
"""The first byte of a page of an index: an inner one, a leaf."""
FILLED = 10
"""The least number of entries of a page: tables with a row or two are not looked up below."""

BY_KEY = (
    ("events", "topic, state", "originator_id = ? AND originator_version = ?"),
    ("events", "max(position)", "recorded_at = ?"),
    ("stacks", "*", "until IS NULL AND id = ?"),
    ("stacks", "max(revision)", "id = ?"),
    ("stacks", "id", "until IS NULL AND name = ?"),
    ("components", "*", "until IS NULL AND id = ?"),
    ("components", "max(revision)", "id = ?"),
    ("components", "id", "until IS NULL AND type = ? AND name = ?"),
    ("activations", "id", "until IS NULL AND scope = ?"),
)
"""Table, columns and key of the lookups that commands and constraints rely on indexes for."""


@pytest.fixture(scope="module")
def grown(original, tmp_path_factory):
    """A home whose indexes have several pages."""
    home = copied(original, tmp_path_factory.mktemp("grown") / "home")
    with Workspace.open(home) as ws:
        for number in range(40):
            store(ws, f"store-{number}", path=f"/data/{number}")
        for number in range(0, 40, 2):
            ws.components.update(STORE, f"store-{number}", {"path": f"/else/{number}"})
            stack(ws, f"stack-{number}", artifact_store=f"store-{number}")
        assert ws.log.verify().intact
    return home


def asked(home, keys):
    """The rows for each key; None if the database itself reports the damage."""
    with closing(sqlite3.connect(home / LOG_FILE)) as connection:
        try:
            return [
                connection.execute(f"SELECT {what} FROM {table} WHERE {by}", key).fetchall()
                for (table, what, by), each in zip(BY_KEY, keys, strict=True)
                for key in each
            ]
        except sqlite3.DatabaseError:
            return None


def keys_of(home):
    with closing(sqlite3.connect(home / LOG_FILE)) as connection:
        return [
            connection.execute(
                f"SELECT DISTINCT {', '.join(_columns(by))} FROM {table} NOT INDEXED"
            ).fetchall()
            for table, _, by in BY_KEY
        ]


def _columns(by):
    return [part.partition(" ")[0] for part in by.split(" AND ") if part.endswith("?")]


def flips(content, number):
    """Random bits of index pages, each as offset in the file and number of the bit."""
    size = int.from_bytes(content[16:18], "big")
    pages = [
        at
        for at in range(size, len(content), size)
        if content[at] in INDEX_PAGES and int.from_bytes(content[at + 3 : at + 5], "big") >= FILLED
    ]
    assert len(pages) > 10
    chance = random.Random(9)
    for _ in range(number):
        yield chance.choice(pages) + chance.randrange(size), chance.randrange(8)


def must_be_found_and_repaired(grown, tmp_path, number):
    content = (grown / LOG_FILE).read_bytes()
    keys = keys_of(grown)
    true = asked(grown, keys)
    with Workspace.open(grown) as ws:
        rows = tables(ws)
    lies = found = 0
    for place, bit in flips(content, number):
        home = copied(grown, tmp_path / "damaged")
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        (home / LOG_FILE).write_bytes(damaged)
        lying = asked(home, keys) != true
        with Workspace.open(home) as ws:
            verification = ws.log.verify()
            assert not (lying and verification.intact), f"bit {bit} at {place} hides something"
            if not verification.intact:
                found += 1
                assert "\n" not in verification.problem
                must_be_recoverable(ws, tmp_path / "copy", rows)
        lies += lying
        shutil.rmtree(home)
    assert lies >= number // 30, "the damage was too small to show anything"
    assert found >= lies


def must_be_recoverable(ws, copy, rows):
    """A fork must recover everything, and a rebuild must do so too or suggest a fork."""
    ws.log.fork(None, copy)
    with Workspace.open(copy) as forked:
        assert tables(forked) == rows
        assert forked.log.verify().intact
    shutil.rmtree(copy)
    told = rejected(ws.log.rebuild)
    assert not told or "stackfold log fork" in told
    if not told:
        assert tables(ws) == rows
        assert ws.log.verify().intact


def rejected(command):
    """The error message of a command; empty if it succeeds."""
    try:
        command()
    except StackfoldError as error:
        return str(error)
    return ""


@pytest.mark.slow
def test_150_flipped_bits_in_pages_of_indexes(grown, tmp_path):
    must_be_found_and_repaired(grown, tmp_path, 150)


@pytest.mark.slow
def test_some_flipped_bits_in_pages_of_indexes(grown, tmp_path):
    must_be_found_and_repaired(grown, tmp_path, 30)
