"""Which flavors did users register?"""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.stacks.flavor import Flavor


class FlavorRow(NamedTuple):
    """A flavor that a user registered."""

    type: str
    name: str
    source: str
    summary: str
    schema: dict[str, Any]


def fold(row: FlavorRow | None, event: Flavor.Event) -> FlavorRow | None:
    """What a flavor looks like after an event."""
    match event, row:
        case Flavor.Registered() | Flavor.Restored(), None:
            return FlavorRow(
                str(event.type), event.name, event.source, event.summary, event.configuration_schema
            )
        case Flavor.Deleted(), FlavorRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


FLAVORS = TemporalProjection(
    table="flavors",
    kind="flavor",
    row=FlavorRow,
    json=frozenset({"schema"}),
    unique=("type", "name"),
    fold=fold,
    events=frozenset({Flavor.Registered, Flavor.Restored, Flavor.Deleted}),
)
