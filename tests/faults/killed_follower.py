"""Kills a follower of the log at random: `killed_follower.py MODE LOG INTO`; prints how often.

MODE "followed": a child applies the projection into a database of its own. MODE "inline": a child
writes to a log whose projection is inline. Either is killed until it has ended by itself once.
"""

import os
import random
import signal
import sys
import time

from workspaces import STORE, opened

from stackfold.eventsourcing import Projection
from stackfold.infrastructure.workspace import Workspace


class Seen(Projection):
    """One row per event, and their number; a table that notices what is lost or doubled."""

    def create(self, change):
        change.execute("CREATE TABLE seen (position INTEGER, topic TEXT)")
        change.execute("CREATE TABLE total (events INTEGER)")
        change.execute("INSERT INTO total VALUES (0)")

    def apply(self, event, change):
        change.execute("INSERT INTO seen VALUES (?, ?)", (change.position, event.TOPIC))
        change.execute("UPDATE total SET events = events + 1")


def followed(log, into):
    with opened(log) as ws:
        ws.run_projection(Seen(), into, timeout=0, batch=7)


def inline(log, into):
    store = {"store": log} if log.startswith("postgresql:") else {"home": log}
    with Workspace.open(**store, projections=[Seen()]) as ws:
        for _ in range(30):
            ws.components.register(STORE, f"s{os.urandom(5).hex()}", "local")


def main():
    mode, log, into = sys.argv[1:]
    follow = {"followed": followed, "inline": inline}[mode]
    random_seconds = random.Random(7)
    with Workspace.in_memory(projections=[Seen()]) as ws:  # imports all that will be needed
        ws.run_projection(Seen(), timeout=0)
    kills, patience = 0, 0.02
    while True:
        child = os.fork()
        if not child:
            follow(log, into)
            os._exit(0)
        time.sleep(random_seconds.uniform(0, patience))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            print(kills)
            return
        kills, patience = kills + 1, patience * 1.1


if __name__ == "__main__":
    main()
