"""Copies of the log: forks, exports and imports."""

import errno
import json
import os
import signal
import subprocess
import sys

import orjson
import pytest
from event_examples import EXAMPLES
from history.homes import (
    append,
    contents,
    rejected,
    tables,
    tamper,
)
from workspaces import STORE, names, stack

from stackfold.domain.errors import (
    AsOfOutOfRange,
    InvalidAsOf,
    InvalidFile,
    LogExists,
    LogUnavailable,
    StackfoldError,
)
from stackfold.infrastructure.eventstore.hash_chain import chained
from stackfold.infrastructure.workspace import Workspace

# -- fork


@pytest.mark.parametrize("at", [4, "#9", 12, None])
def test_a_fork_is_a_home_with_the_log_up_to_a_point(filled, tmp_path, at):
    head = filled.log.fork(at, tmp_path / "then")
    with Workspace.open(tmp_path / "then") as then:
        assert then.log.head() == head
        assert then.stacks.list() == filled.stacks.list(as_of=head.position)
        assert then.components.list(STORE) == filled.components.list(STORE, as_of=head.position)
        assert then.log.verify(str(head)).intact
        stack(then, "new")
        assert then.log.head().position == head.position + 1
    assert filled.log.verify().intact
    assert "new" not in names(filled.stacks.list())


def test_a_fork_continues_the_same_chain(filled, tmp_path):
    filled.log.fork(9, tmp_path / "then")
    (hash_of_9,) = filled._database.read("SELECT hash FROM events WHERE position = 9")
    with Workspace.open(tmp_path / "then") as then:
        assert then.log.head().hash == hash_of_9[0]


def test_a_home_with_a_log_is_not_overwritten_by_a_fork(filled, home, tmp_path):
    before = contents(home)
    with rejected(filled, LogExists, "a log exists at .*: choose an empty home"):
        filled.log.fork(4, home)
    assert contents(home) == before


def test_a_fork_at_an_invalid_point_creates_nothing(filled, tmp_path):
    for at, error in (("#99", AsOfOutOfRange), (0, AsOfOutOfRange), ("never", InvalidAsOf)):
        with rejected(filled, error, "the log has no state|is not a point in the past"):
            filled.log.fork(at, tmp_path / "then")
    (tmp_path / "file").write_text("in the way")
    with rejected(filled, LogUnavailable, "cannot be created"):
        filled.log.fork(4, tmp_path / "file" / "then")
    assert not (tmp_path / "then").exists()


# -- export and import


@pytest.fixture
def exported(filled, tmp_path):
    file = tmp_path / "log.jsonl"
    filled.log.export(file)
    return file


def lines(file):
    return file.read_bytes().splitlines(keepends=True)


def test_an_export_has_a_header_one_line_per_event_and_the_head(filled, exported):
    header, *events, footer = [json.loads(line) for line in lines(exported)]
    assert header == {"stackfold_log": 1}
    assert footer == {"head": str(filled.log.head())}
    assert [event["position"] for event in events] == [*range(1, len(events) + 1)]
    assert [event["state"] for event in events] == [event.data for event in filled.log.events()]


def test_an_import_is_the_same_log_with_the_same_head(filled, exported, tmp_path):
    head = Workspace.import_log(exported, tmp_path / "new")
    assert head == filled.log.head()
    with Workspace.open(tmp_path / "new") as imported:
        assert tables(imported) == tables(filled)
        assert imported.log.verify(str(head)).intact
        stack(imported, "goes-on")
        imported.undo()
        assert imported.log.verify(str(head)).intact


def test_a_reformatted_export_is_the_same_log(filled, exported, tmp_path):
    formatted = tmp_path / "formatted.jsonl"
    formatted.write_text(
        "\r\n".join(
            json.dumps(dict(reversed(json.loads(line).items()))) for line in lines(exported)
        )
    )
    assert Workspace.import_log(formatted, tmp_path / "new") == filled.log.head()


HARD = ("component.registered", "component.updated")
"""Events whose examples have every kind of value."""


def test_unusual_values_survive(ws, tmp_path):
    append(ws, *(event for event in EXAMPLES if event.TOPIC in HARD))
    head = ws.log.export(tmp_path / "log.jsonl")
    assert Workspace.import_log(tmp_path / "log.jsonl", tmp_path / "new") == head


def test_an_existing_file_is_not_overwritten_by_an_export(filled, exported, tmp_path):
    before = exported.read_bytes()
    with rejected(filled, InvalidFile, "exists already: choose another name"):
        filled.log.export(exported)
    assert exported.read_bytes() == before
    with rejected(filled, InvalidFile, "cannot be written: No such file or directory"):
        filled.log.export(tmp_path / "no" / "folder")
    with rejected(filled, InvalidFile, "cannot be written: Not a directory"):
        filled.log.export(exported / "log.jsonl")


def test_an_export_that_fails_leaves_no_part_of_a_file(filled, home, tmp_path):
    tamper(home, "UPDATE events SET topic = CAST(x'ff' AS TEXT) WHERE position = 9")
    with pytest.raises(LogUnavailable):
        filled.log.export(tmp_path / "part.jsonl")
    assert not (tmp_path / "part.jsonl").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from stackfold.infrastructure.eventstore import export
from stackfold.infrastructure.workspace import Workspace
every = export.records
def some(database):
    for record in every(database):
        if record.position == 9:
            os.kill(os.getpid(), signal.SIGKILL)
        yield record
export.records = some
with Workspace.open(Path(sys.argv[1])) as ws:
    ws.log.export(Path(sys.argv[2]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_an_export_that_is_killed_leaves_no_file_and_the_next_one_cleans_up(filled, home, tmp_path):
    file = tmp_path / "exports" / "log of ours.jsonl"
    file.parent.mkdir()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(home), str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    (draft,) = file.parent.iterdir()
    assert draft.name.startswith(".log of ours.jsonl.")
    filled.log.export(file)
    assert [*file.parent.iterdir()] == [file]
    assert Workspace.import_log(file, tmp_path / "new") == filled.log.head()


def test_an_export_to_a_file_system_without_hard_links(filled, tmp_path, monkeypatch):
    def link(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    head = filled.log.export(tmp_path / "log.jsonl")
    monkeypatch.undo()
    assert Workspace.import_log(tmp_path / "log.jsonl", tmp_path / "new") == head


def test_a_home_with_a_log_is_not_overwritten_by_an_import(exported, home, filled):
    with rejected(filled, LogExists, "a log exists at .*: choose an empty home"):
        Workspace.import_log(exported, home)


def rewritten(exported, number, change):
    """The export with one line changed, by its number from 1."""
    kept = lines(exported)
    kept[number - 1] = change(kept[number - 1])
    exported.write_bytes(b"".join(kept))


def changed(**fields):
    return lambda line: orjson.dumps({**orjson.loads(line), **fields}) + b"\n"


CHANGED = "was changed: its hash does not match"


@pytest.mark.parametrize(
    ("number", "change", "says"),
    [
        (1, lambda line: b"", "line 1: is not an exported log|is not an exported log"),
        (1, lambda line: b"{}\n", "is not an exported log"),
        (1, lambda line: b"[]\n", "line 1: is not a JSON object"),
        (1, lambda line: b"SQLite format 3\0", "line 1: is not JSON, or was cut off"),
        (1, changed(stackfold_log=2), "was exported by a newer Stackfold: upgrade"),
        (1, changed(stackfold_log="1"), "is not an exported log"),
        (5, lambda line: b"", f"line 5: {CHANGED}"),
        (5, lambda line: line * 2, f"line 6: {CHANGED}"),
        (5, lambda line: line[:-20], "line 5: is not JSON, or was cut off"),
        (5, lambda line: b"\n" + line, "line 5: is not JSON, or was cut off"),
        (5, lambda line: b"null\n", "line 5: is not a JSON object"),
        (5, lambda line: b"{}\n", f"line 5: {CHANGED}"),
        (5, lambda line: line.replace(b'"by":"', b'"by":"not '), f"line 5: {CHANGED}"),
        (5, changed(recorded_at="2026-01-01T00:00:00.000000Z"), f"line 5: {CHANGED}"),
        (5, changed(change=9), f"line 5: {CHANGED}"),
        (5, changed(topic="stack.renamed"), f"line 5: {CHANGED}"),
        (5, changed(hash="00" * 32), f"line 5: {CHANGED}"),
        (5, changed(hash="no"), f"line 5: {CHANGED}"),
        (5, changed(hash=None), f"line 5: {CHANGED}"),
        (5, changed(position="4"), f"line 5: {CHANGED}"),
        (5, changed(more=1), f"line 5: {CHANGED}"),
        (5, lambda line: b'{"head": "4:00"}\n', "line 5: the head does not match the events"),
    ],
)
def test_a_changed_file_is_rejected(exported, tmp_path, number, change, says):
    rewritten(exported, number, change)
    must_be_rejected(exported, tmp_path, says)


@pytest.mark.parametrize("kept", [0, 1, 2, 10, -2, -1])
def test_an_export_that_was_cut_off_is_rejected(exported, tmp_path, kept):
    all_lines = lines(exported)
    count = kept % len(all_lines)
    exported.write_bytes(b"".join(all_lines[:count]))
    says = f"was cut off after #{count - 1}" if count else "line 1: is not JSON, or was cut off"
    must_be_rejected(exported, tmp_path, says)


def test_an_export_that_was_cut_off_in_the_middle_of_a_line_is_rejected(exported, tmp_path):
    exported.write_bytes(exported.read_bytes()[:-30])
    must_be_rejected(exported, tmp_path, r"line \d+: is not JSON, or was cut off")


def rehashed(exported, change):
    """A forged export: `change` gets the events, and all hashes are recomputed."""
    header, *events, _ = [orjson.loads(line) for line in lines(exported)]
    previous = b"\0" * 32
    for position, event in enumerate(change(events), start=1):
        columns = {**event, "position": position}
        state = orjson.dumps(columns.pop("state"), option=orjson.OPT_SORT_KEYS)
        del columns["hash"]
        previous = chained(previous, *columns.values(), state)
        event |= {"position": position, "hash": previous.hex()}
    footer = {"head": f"{len(events)}:{previous.hex()}"}
    exported.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in (header, *events, footer)))


def without_a_beginning(events):
    events.remove(next(event for event in events if event["state"].get("name") == "prod"))
    return events


def of_the_future(events):
    events[7]["topic"] = "stack.cloned"
    return events


@pytest.mark.parametrize(
    ("forgery", "says"),
    [
        (without_a_beginning, r"'stack.updated' at #\d+ that cannot be loaded: it does not follow"),
        (of_the_future, "'stack.cloned' at #8 that cannot be loaded: a newer version of Stackfold"),
    ],
)
def test_a_forged_export_of_invalid_events_is_rejected(exported, tmp_path, forgery, says):
    rehashed(exported, forgery)
    must_be_rejected(exported, tmp_path, says)


def test_a_missing_file_is_rejected(tmp_path):
    must_be_rejected(tmp_path / "none.jsonl", tmp_path, "cannot be read: No such file")


def test_a_folder_is_rejected(tmp_path):
    must_be_rejected(tmp_path, tmp_path, "cannot be read: Is a directory")


def must_be_rejected(file, tmp_path, says):
    """In one line, and no part of a log is left."""
    with pytest.raises(StackfoldError, match=says) as error:
        Workspace.import_log(file, tmp_path / "new")
    assert "\n" not in str(error.value)
    assert [*tmp_path.glob("new/*"), *tmp_path.glob("new/.*")] == []
    with Workspace.open(tmp_path / "new") as ws:
        assert names(ws.stacks.list()) == ["default"]
