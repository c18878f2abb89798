"""Any tampering with a log is found by `verify`, with its position.

Each test tampers with a copy of one home, which can still be listed.
"""

import random
import re
import sqlite3

import pytest
from history.homes import copied, opened_by_force, tamper, verified

from stackfold.domain.errors import Invalid, NotFound, StackfoldError
from stackfold.infrastructure.eventstore.hash_chain import COLUMNS, Record, chained
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace

CHANGED = "was changed, or belongs to another log: its hash does not match"


@pytest.fixture
def head(original):
    with Workspace.open(original) as ws:
        return ws.log.head()


def must_be_found(home, position, problem, known=None):
    found = verified(home, known)
    assert not found.intact
    assert (found.position, found.problem) == (position, problem)
    assert found.events == position - 1
    assert found.head.startswith(f"{position - 1}:")


def test_the_untouched_copy_is_intact(home, head):
    assert verified(home) == verified(home, str(head))
    assert verified(home).intact
    assert verified(home).head == str(head)


# -- events


def test_one_flipped_bit_in_a_payload(original, tmp_path):
    """Of each event one bit, any one."""
    chance = random.Random(7)
    with Workspace.open(original) as ws:
        rows = ws._database.read("SELECT position, state FROM events")
    for position, state in rows:
        home = copied(original, tmp_path / str(position))
        flipped = bytearray(state)
        bit = chance.randrange(8 * len(state))
        flipped[bit // 8] ^= 1 << bit % 8
        with opened_by_force(home) as connection:
            connection.execute(
                "UPDATE events SET state = ? WHERE position = ?", [bytes(flipped), position]
            )
        must_be_found(home, position, CHANGED)


def test_one_flipped_bit_in_the_file_itself(home):
    path = home / LOG_FILE
    content = bytearray(path.read_bytes())
    (place,) = [found.start() for found in re.finditer(rb"the first disk is full", content)]
    content[place] ^= 1
    path.write_bytes(content)
    with Workspace.open(home) as ws:
        ((position,),) = ws._database.read(
            "SELECT position FROM events WHERE instr(state, 'uhe first disk') > 0"
        )
    must_be_found(home, position, CHANGED)


@pytest.mark.parametrize(
    "setting",
    [
        'state = replace(state, \'"by":"\', \'"by":"not \')',
        'state = CAST(replace(state, \'"by":"\', \'"by":"not \') AS BLOB)',
        "state = CAST(state AS TEXT)",
        "state = x''",
        "topic = 'component.updated'",
        "topic = 'no.such'",
        "topic = CAST(x'ff' AS TEXT)",
        "recorded_at = '2026-01-01T00:00:00.000000Z'",
        "recorded_at = replace(recorded_at, 'Z', '+')",
        "recorded_at = CAST(recorded_at AS BLOB)",
        "change = change - 1",
        "change = position || 'th'",
        "originator_id = '00000000-0000-4000-8000-000000000000'",
        "originator_version = originator_version + 10",
        "hash = zeroblob(32)",
        "hash = hex(hash)",
    ],
)
@pytest.mark.parametrize("position", [5, 11])
def test_a_column_of_an_event(home, setting, position):
    tamper(home, f"UPDATE events SET {setting} WHERE position = {position}")
    unreadable = "ff" in setting
    problem = "cannot be read: the file is damaged there" if unreadable else CHANGED
    must_be_found(home, position, problem)


def test_a_removed_event(home):
    tamper(home, "DELETE FROM events WHERE position = 7")
    must_be_found(home, 7, "is missing")


def test_a_removed_event_with_renumbered_followers(home):
    tamper(
        home,
        "DELETE FROM events WHERE position = 7",
        "UPDATE events SET position = -position WHERE position > 7",
        "UPDATE events SET position = -position - 1 WHERE position < 0",
    )
    must_be_found(home, 7, CHANGED)


def test_an_event_before_the_first_one(home):
    tamper(
        home,
        "INSERT INTO events SELECT 0, 0, recorded_at, 'x', 1, topic, state, hash FROM events "
        "WHERE position = 1",
    )
    must_be_found(home, 1, CHANGED)


def test_an_added_event(home, head):
    tamper(
        home,
        "INSERT INTO events SELECT position + 1, position + 1, recorded_at, originator_id, "
        "originator_version + 1, topic, state, hash FROM events ORDER BY position DESC LIMIT 1",
    )
    must_be_found(home, head.position + 1, CHANGED)


def test_two_swapped_events(home):
    tamper(
        home,
        "UPDATE events SET position = -6 WHERE position = 6",
        "UPDATE events SET position = 6 WHERE position = 9",
        "UPDATE events SET position = 9 WHERE position = -6",
    )
    must_be_found(home, 6, CHANGED)


# -- a chain with recomputed hashes


def rechained(home, *statements):
    """Tamper with events and recompute all hashes, which only a known head reveals."""
    tamper(home, *statements)
    with opened_by_force(home) as connection:
        previous = b"\0" * 32
        rows = connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY position").fetchall()
        for position, row in enumerate(rows, start=1):
            record = Record(*row)._replace(position=position)
            previous = chained(previous, *record[:-1])
            connection.execute(
                "UPDATE events SET position = ?, hash = ? WHERE position = ?",
                [position, previous, row[0]],
            )


def test_a_forged_chain_is_found_by_a_known_head(home, head):
    by_another = 'replace(state, \'"by":"\', \'"by":"not \')'
    rechained(home, f"UPDATE events SET state = CAST({by_another} AS BLOB) WHERE position = 5")
    with Workspace.open(home) as ws:
        ws.log.rebuild()
    assert verified(home).intact, "the log itself is consistent"
    problem = "is not the event of the given head"
    must_be_found(home, head.position, problem, str(head))


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM events WHERE topic = 'flavor.registered'", "differs in the read model"),
        ("DELETE FROM events WHERE topic = 'stack.registered'", "cannot be loaded: it does not"),
        ("UPDATE events SET topic = 'no.such' WHERE position = 8", "cannot be loaded: a newer"),
        ("UPDATE events SET state = x'7b7d' WHERE position = 8", "cannot be loaded: it was"),
        ("UPDATE events SET originator_id = 'x' WHERE position = 8", "cannot be loaded: it was"),
    ],
)
def test_a_forged_chain_of_invalid_events(home, statement, problem):
    rechained(home, statement)
    found = verified(home)
    assert found.position is not None
    assert found.position > 0
    assert found.problem.startswith(problem)
    assert "\n" not in found.problem


def test_a_log_with_invalid_events_is_not_changed_by_a_rebuild(home):
    rechained(home, "DELETE FROM events WHERE topic = 'stack.registered'")
    with Workspace.open(home) as ws:
        before = ws.stacks.list()
        with pytest.raises(StackfoldError, match=r"an event 'stack\.\w+' at #\d+ that cannot be"):
            ws.log.rebuild()
        assert ws.stacks.list() == before


# -- the end


def cut(home, last, read_models):
    tamper(home, f"DELETE FROM events WHERE position > {last}")
    if read_models:
        with Workspace.open(home) as ws:
            ws.log.rebuild()


@pytest.mark.parametrize("read_models", [False, True], ids=["events only", "read models too"])
@pytest.mark.parametrize("last", [12, 14])
def test_a_cut_tail_is_found_by_a_known_head(home, head, last, read_models):
    cut(home, last, read_models)
    problem = f"is missing: the log was cut off, it once had #{head.position}"
    must_be_found(home, last + 1, problem, str(head))


def test_a_cut_tail_is_found_by_the_read_models(home):
    cut(home, 14, read_models=False)
    found = verified(home)
    assert found.problem.startswith("differs in the read model")
    assert found.events == 14


def test_a_cut_tail_with_matching_read_models_is_found_only_by_a_known_head(home):
    """Which is why the head is printed, to be noted elsewhere."""
    cut(home, 14, read_models=True)
    assert verified(home).intact


def test_an_older_head_proves_everything_before_it(original, home):
    with Workspace.open(original) as ws:
        ((middle,),) = ws._database.read("SELECT hex(hash) FROM events WHERE position = 9")
    assert verified(home, f"9:{middle}").intact
    assert verified(home, f"#9:{middle.lower()}").intact
    other = "0" * 64
    must_be_found(home, 9, "is not the event of the given head", f"9:{other}")


@pytest.mark.parametrize(
    "known", ["", "9", "9:", ":abc", "9:xyz", "9:" + "0" * 63, "x:" + "0" * 64]
)
def test_a_malformed_head_is_rejected(home, known):
    with Workspace.open(home) as ws, pytest.raises(Invalid, match="is not a head: give POSITION"):
        ws.log.verify(known or " ")


# -- after any tampering


def test_a_history_that_was_tampered_with_can_still_be_read(home):
    tamper(
        home,
        "UPDATE events SET state = x'7b' WHERE position = 8",
        "DELETE FROM stacks WHERE name = 'live'",
        "DELETE FROM components WHERE name = 'shared'",
        "DELETE FROM activations",
    )
    with Workspace.open(home) as ws:
        assert not ws.log.verify().intact
        entries = [*ws.log.entries()]
        assert [entry.position for entry in entries] == [*range(ws.log.head().position, 0, -1)]
        assert [view.name for view in ws.stacks.list()] == ["default"]
        with pytest.raises(StackfoldError, match="at #8 that cannot be loaded: it was damaged"):
            [*ws.log.events()]


def test_an_active_stack_that_is_missing_in_the_read_models_is_reported(home):
    tamper(home, "DELETE FROM stacks WHERE name = 'default'")
    with Workspace.open(home) as ws, pytest.raises(NotFound, match="see `stackfold log verify`"):
        ws.stacks.get()


def test_verifying_changes_nothing(home):
    before = (home / LOG_FILE).read_bytes()
    with Workspace.open(home) as ws:
        ws.log.verify()
        assert ws._database.read("SELECT count(*) FROM sqlite_temp_schema") == [(0,)]
    assert (home / LOG_FILE).read_bytes() == before


def test_the_original_was_never_touched(original, head):
    with Workspace.open(original) as ws:
        assert ws.log.verify(str(head)).intact


def test_a_damaged_page_is_reported(home):
    """Not a value but the structure of the file."""
    with sqlite3.connect(home / LOG_FILE) as connection:
        ((root,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'")
        ((size,),) = connection.execute("PRAGMA page_size")
    connection.close()
    content = bytearray((home / LOG_FILE).read_bytes())
    content[(root - 1) * size : root * size] = b"\xff" * size
    (home / LOG_FILE).write_bytes(content)
    with Workspace.open(home) as ws:
        found = ws.log.verify()
        assert (found.position, found.problem) == (1, "cannot be read: the file is damaged there")
        assert [view.name for view in ws.stacks.list()] == ["default", "live"]
