"""Changes a log until it is killed: `worker.py NAME ACKNOWLEDGED HOME STORE TABLES`.

Writes the topic and the id of each change into a file, after the command for it has returned.
"""

import sys
from itertools import count

from stackfold import Workspace
from stackfold_acme.freeze import Freeze
from stackfold_acme.projection import StackChanges


def main(name: str, acknowledged: str, home: str, store: str, tables: str) -> None:
    with (
        Workspace.open(home, store or None, actor=f"{name}@example.org") as ws,
        open(acknowledged, "a", buffering=1) as file,
    ):
        for number in count():
            stack = ws.stacks.copy("default", f"{name}-{number}")
            print("stack.registered", stack.id, file=file)
            freeze = Freeze.declare(stack.name, name)
            ws.repository.save(freeze)
            print("acme.freeze.declared", freeze.id, file=file)
            ws.run_projection(StackChanges(), tables, timeout=0)
            if number % 2:
                ws.aggregates(Freeze).change(stack.name, lambda each: each.lift())
                print("acme.freeze.lifted", freeze.id, file=file)


if __name__ == "__main__":
    main(*sys.argv[1:])
