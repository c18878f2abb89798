"""The home remembers how far its log was verified."""

import pytest
from history.homes import opened_by_force

from stackfold import Workspace


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_a_log_that_was_never_verified_has_no_record(home):
    with Workspace.open(home) as ws:
        assert ws.log.last_verified() is None


def test_an_intact_log_is_remembered_with_its_head(home):
    with Workspace.open(home) as ws:
        ws.stacks.copy("default", "prod")
        ws.log.verify()
        position = ws.log.head().position
        ws.stacks.activate("prod")
    with Workspace.open(home) as ws:
        found = ws.log.last_verified()
        assert (found.position, found.holds) == (position, True)
        assert found.when.endswith("Z")


def test_a_log_with_another_event_there_is_noticed(home, tmp_path):
    with Workspace.open(home) as ws, Workspace.open(tmp_path / "other") as other:
        ws.stacks.copy("default", "prod")
        ws.log.verify()
        other.stacks.copy("default", "prod")
        (other.home / "verified").write_bytes((home / "verified").read_bytes())
        assert not other.log.last_verified().holds


def test_a_damaged_log_is_not_remembered(home):
    with Workspace.open(home) as ws:
        ws.stacks.copy("default", "prod")
    with opened_by_force(home) as connection:
        connection.execute("UPDATE events SET topic = 'x' WHERE position = 2")
    with Workspace.open(home) as ws:
        assert not ws.log.verify().intact
        assert ws.log.last_verified() is None


def test_a_log_that_was_cut_off_is_noticed(home, tmp_path):
    with Workspace.open(home) as ws:
        ws.stacks.copy("default", "prod")
        ws.log.fork("#2", tmp_path / "shorter")
        ws.log.verify()
    (tmp_path / "shorter" / "verified").write_bytes((home / "verified").read_bytes())
    with Workspace.open(tmp_path / "shorter") as shorter:
        assert not shorter.log.last_verified().holds


@pytest.mark.parametrize("content", [b"", b"5", b"5:ab now", b"\xff\xfe"])
def test_a_damaged_record_is_none(home, content):
    with Workspace.open(home) as ws:
        ws.stacks.copy("default", "prod")
        (home / "verified").write_bytes(content)
        assert ws.log.last_verified() is None


def test_a_home_that_cannot_be_written_is_verified_as_before(home, monkeypatch):
    def rejected(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr("stackfold.infrastructure.eventstore.last_verified.replace_file", rejected)
    with Workspace.open(home) as ws:
        assert ws.log.verify().intact
        assert ws.log.last_verified() is None
