"""The built-in reaction that updates the deployments that follow an alias of a model."""

from stackfold.application.history.views import LogEvent
from stackfold.application.reactions.reaction import Delivery, Postponed, Reaction, Retries

_AGAIN = 2.0
"""Seconds between two looks at a deployment that another process works on."""


def catch_up(event: LogEvent, delivery: Delivery) -> None:
    """Update the deployments that follow an alias of the model that changed."""
    found = delivery.workspace.deployments.catch_up(event.id)
    if any(each.outcome == "busy" for each in found):
        raise Postponed(_AGAIN)


FOLLOW_MODELS = Reaction(
    "follow-models",
    catch_up,
    ["model.promoted", "model.rolled_back", "model.reverted", "model.restored"],
    retries=Retries(attempts=5),
    from_start=True,
    untyped=True,
)
"""It begins with the first event: a deployment may be behind before a worker was run."""
