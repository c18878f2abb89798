"""Processes that use the package are killed at random: no acknowledged change is lost."""

import random
import subprocess
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path

from places import Places

from stackfold import Workspace
from stackfold_acme.freeze import Freeze
from stackfold_acme.projection import StackChanges

WORKERS = 4
KILLS = 6
CHANGES_BETWEEN_KILLS = 20
WORKER = Path(__file__).with_name("worker.py")


def killed_at_random(places: Places, folder: Path) -> set[tuple[str, str]]:
    """Kill workers and start others; returns the changes that were acknowledged."""
    chance, numbers = random.Random(7), count()
    home, store, tables = places

    def start() -> subprocess.Popen[bytes]:
        name = f"worker{next(numbers)}"
        arguments = [name, str(folder / f"{name}.acknowledged"), home, store or "", tables]
        return subprocess.Popen([sys.executable, WORKER, *arguments])

    def acknowledged() -> list[str]:
        # The last line may be incomplete.
        files = folder.glob("*.acknowledged")
        return [line for file in files for line in file.read_text().split("\n")[:-1]]

    workers = [start() for _ in range(WORKERS)]
    try:
        for kill in range(1, KILLS + 1):
            while len(acknowledged()) < kill * CHANGES_BETWEEN_KILLS:
                assert all(each.poll() is None for each in workers), "a worker failed"
                time.sleep(0.01)
            victim = chance.randrange(WORKERS)
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start()
    finally:
        for each in workers:
            each.kill()
            each.wait()
    return {(topic, id) for topic, id in map(str.split, acknowledged())}


def test_no_acknowledged_change_is_lost_when_processes_are_killed(
    places: Places, tmp_path: Path
) -> None:
    with Workspace.open(places.home, places.store) as ws:
        ws.policies.enable("acme-freeze", "Decided by the teams")
    acknowledged = killed_at_random(places, tmp_path)

    with Workspace.open(places.home, places.store) as ws:
        events = [*ws.log.events()]
        assert acknowledged <= {(each.topic, each.id) for each in events}

        lasting = {each.id for each in events if each.topic == Freeze.Declared.TOPIC}
        lasting -= {each.id for each in events if each.topic == Freeze.Lifted.TOPIC}
        assert {each.id for each in ws.aggregates(Freeze).list()} == lasting

        counted = Counter(each.data["by"] for each in events if each.topic == "stack.registered")
        for rebuild in (False, True):
            ws.run_projection(StackChanges(), places.tables, timeout=0, rebuild=rebuild)
            rows = places.rows("SELECT person, changes FROM acme_stack_changes")
            assert dict(rows) == counted
        assert ws.log.verify().intact
