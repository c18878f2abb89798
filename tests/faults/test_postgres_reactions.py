"""Reactions on a shared log: connections that are cut off, and roles with few rights."""

import threading
import time

import pytest
from faults.test_postgres import cut_off, documented_grants
from workspaces import opened, store

from stackfold.domain.errors import PermissionDenied
from stackfold.eventsourcing import Reaction

pytestmark = pytest.mark.slow


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url


@pytest.fixture
def ws(url):
    with opened(url) as workspace:
        yield workspace


def test_a_reaction_continues_after_a_lost_connection_and_hands_every_event_over(postgres, url, ws):
    names_seen, stop = [], threading.Event()

    def note(event, delivery):
        names_seen.append(event.data["name"])

    reaction = Reaction("note", note, ["component.registered"], untyped=True)
    worker = threading.Thread(target=ws.reactions.run, args=([reaction],), kwargs={"stop": stop})
    with opened(url) as other:
        worker.start()
        while not other.reactions.list():
            time.sleep(0.01)
        for number in range(3):
            cut_off(postgres, url)
            store(other, f"s{number}")
            while f"s{number}" not in names_seen:
                assert worker.is_alive()
                time.sleep(0.01)
        stop.set()
        worker.join()
        assert [*dict.fromkeys(names_seen)] == ["s0", "s1", "s2"]
        assert other.reactions.list()[0].lag == 0


def test_a_role_that_may_not_create_tables_is_told_so(postgres, url, ws):
    database = url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS team")
    postgres.execute("CREATE ROLE team LOGIN")
    for statement in documented_grants():
        postgres.execute(statement, database)
    reaction = Reaction("note", lambda *_: None)
    try:
        with opened(postgres.url(database, "team")) as member:
            with pytest.raises(PermissionDenied, match="ask the owner of the log"):
                member.reactions.run([reaction], timeout=0)
            ws.reactions.run([reaction], timeout=0)  # by the owner, which creates the tables
            member.reactions.run([reaction], timeout=0)
    finally:
        postgres.execute("DROP OWNED BY team", database)
