"""The policy that enforces freezes, where it is enabled."""

from stackfold.eventsourcing import ProposedChange, policy
from stackfold_acme.freeze import Freeze


@policy("acme-freeze", topics=["stack.*"])
def frozen_stacks_stay(change: ProposedChange) -> None:
    """The stacks of a team do not change while it has a freeze."""
    freezes = {each.row.team: each.name for each in change.aggregates(Freeze).list()}
    for each in change.governed:
        team = each.before.labels.get("team") if each.before else None
        if team in freezes:
            change.reject(
                f"stack {each.before.name!r} is frozen by {freezes[team]!r}: wait until that is "
                "lifted"
            )
