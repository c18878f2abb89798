"""Finds the schedules that start runs after an event."""

from collections.abc import Iterable, Mapping

from stackfold.application.schedules.queries import StoredSchedule

EVENTS: Mapping[str, str] = {
    "activation.registered": "stack-activated",
    "activation.activated": "stack-activated",
    "model.promoted": "model-promoted",
}
"""Topic → the name of the event in schedules."""


def waiting_for(
    schedules: Iterable[StoredSchedule], topic: str, recorded_at: str, about: Mapping[str, str]
) -> list[str]:
    """The ids of the enabled schedules that wait for an event.

    Args:
        schedules: The schedules.
        topic: The topic of the event.
        recorded_at: When it was recorded; schedules that were created or resumed later do not wait
            for it.
        about: The names that it is about: of a "stack", or of a "model" and an "alias".
    """
    return [
        each.id
        for each in schedules
        if each.row.state == "enabled"
        and each.row.accounted <= recorded_at
        and each.row.reacts_to is not None
        and each.row.reacts_to["event"] == EVENTS.get(topic)
        and all(
            about.get(key) == value
            for key, value in each.row.reacts_to.items()
            if value and key != "event"
        )
    ]
