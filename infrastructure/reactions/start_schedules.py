"""The built-in reaction that starts the runs of schedules which wait for an event."""

from stackfold.application.history.views import LogEvent
from stackfold.application.reactions.reaction import Delivery, Postponed, Reaction, Retries
from stackfold.domain.errors import NotFound, RunBusy

_AGAIN = 1.0
"""Seconds between two looks at a schedule that another process decides about."""


def start(event: LogEvent, delivery: Delivery) -> None:
    """Start the runs, and return when they are recorded, before they end."""
    try:
        if event.topic.startswith("activation."):
            about = {"stack": delivery.workspace.stacks.get(event.data["stack"]).name}
        else:
            model = delivery.workspace.models.get(event.id).name
            about = {"model": model, "alias": event.data["alias"]}
        delivery.workspace.schedules.react(event.topic, event.position, event.recorded_at, about)
    except NotFound:  # the stack or the model was deleted
        return
    except RunBusy:
        raise Postponed(_AGAIN) from None


START_SCHEDULES = Reaction(
    "start-schedules",
    start,
    ["activation.registered", "activation.activated", "model.promoted"],
    retries=Retries(attempts=5),
    untyped=True,
)
"""An event that is handed over again starts no second run."""
