"""Runs a reaction and kills it at random: `killed_reactions.py LOG FILE`; prints how often.

The handler appends the position and the delivery id of each event to FILE, some time after which
the checkpoint is saved. The child is killed until it has ended by itself once.
"""

import os
import random
import signal
import sys
import time

from workspaces import opened

from stackfold.eventsourcing import Reaction
from stackfold.infrastructure.workspace import Workspace


def reaction(file):
    def note(event, delivery):
        with open(file, "a") as notes:
            notes.write(f"{event.position} {delivery.id}\n")
        time.sleep(0.002)

    return Reaction("note", note, from_start=True, untyped=True)


def main():
    log, file = sys.argv[1:]
    random_seconds = random.Random(7)
    with Workspace.in_memory() as ws:  # imports all that will be needed
        ws.reactions.run([reaction(os.devnull)], timeout=0)
    kills, patience = 0, 0.3
    while True:
        child = os.fork()
        if not child:
            with opened(log) as ws:
                ws.reactions.run([reaction(file)], timeout=0.5)
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
