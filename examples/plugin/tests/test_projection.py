"""The projection, applied in the transaction of each change."""

from places import Places

from stackfold import Workspace
from stackfold_acme.projection import StackChanges


def test_each_change_counts_for_who_made_it(places: Places) -> None:
    with Workspace.open(places.home, places.store, projections=[StackChanges()]) as ws:
        with ws.acting_as("ada@example.org"):
            ws.stacks.copy("default", "prod")
            ws.stacks.rename("prod", "live")
        with ws.acting_as("bob@example.org"):
            ws.stacks.delete("live")
        counted = dict(ws.query("SELECT person, changes FROM acme_stack_changes"))
    assert (counted["ada@example.org"], counted["bob@example.org"]) == (2, 1)
