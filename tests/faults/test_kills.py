"""`kill -9` at any moment: what was acknowledged is there, and nothing else is half there."""

import json
import random
import subprocess
from collections import Counter

import pytest
from replay import assert_consistent, records_of
from workspaces import STORE, names, opened

from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def write_and_die(start):
    """Lets a process write to a home for some time; returns what it had acknowledged."""
    writer = start("writer", stdin=subprocess.PIPE)

    def write_and_die(seconds, home):
        writer.stdin.write(json.dumps([seconds, str(home)]) + "\n")
        writer.stdin.flush()
        return [line.split() for line in json.loads(writer.stdout.readline())]

    return write_and_die


def assert_whole(ws):
    """Every stack came together with its activation, in one change."""
    changes = {}
    for record in records_of(ws._database)[4:]:
        changes.setdefault(record.change, []).append(record.topic)
    assert {tuple(each) for each in changes.values()} <= {
        ("component.registered",),
        ("stack.registered", "activation.activated"),
        ("stack.registered", "activation.registered"),
    }


def test_nothing_acknowledged_is_lost_in_40_kills(empty_place, write_and_die):
    home, random_seconds = empty_place, random.Random(7)
    acknowledged, rounds, slowness = [], Counter(), 1.0
    for _ in range(40):
        done = write_and_die(slowness * random_seconds.uniform(0.005, 0.15), home)
        if not done:
            slowness *= 1.2  # a busy machine does nothing in the time that an idle one needs
        acknowledged += done
        rounds[bool(done)] += 1
        with opened(home) as ws:
            stores, stacks = {*names(ws.components.list(STORE))}, {*names(ws.stacks.list())}
            assert {name for kind, name in acknowledged if kind == "component"} <= stores
            assert {name for kind, name in acknowledged if kind == "stack"} <= stacks
            # At most one change per kill was recorded but not acknowledged.
            assert len(stores) + len(stacks) - 2 <= len(acknowledged) + 40
            assert_whole(ws)
            assert_consistent(ws)
    assert rounds[True] > 20, "the kills came too early to show anything"


def test_a_first_use_that_was_killed_leaves_no_obstacle(tmp_path, write_and_die):
    random_seconds = random.Random(7)
    unfinished = 0
    for number in range(30):
        home = tmp_path / str(number)
        write_and_die(random_seconds.uniform(0, 0.02), home)
        unfinished += not (home / LOG_FILE).exists()
        with Workspace.open(home) as ws:
            assert "default" in names(ws.stacks.list())
            assert_whole(ws)
            assert_consistent(ws)
    assert unfinished, "the kills came too late to show anything"
