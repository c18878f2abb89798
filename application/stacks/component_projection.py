"""Which components are there, and which were there at any position?"""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.labels import merged


class ComponentRow(NamedTuple):
    """A component at one revision."""

    type: str
    name: str
    flavor: str
    configuration: dict[str, Any]
    labels: dict[str, str]


def fold(row: ComponentRow | None, event: Component.Event) -> ComponentRow | None:
    """What a component looks like after an event."""
    match event, row:
        case Component.Registered() | Component.Restored(), None:
            return ComponentRow(
                str(event.type), event.name, event.flavor, event.configuration, event.labels
            )
        case Component.Updated(), ComponentRow():
            return ComponentRow(
                row.type,
                row.name,
                row.flavor,
                {**row.configuration, **event.configuration},
                merged(row.labels, event.labels),
            )
        case Component.AttributesRemoved(), ComponentRow():
            kept = {k: v for k, v in row.configuration.items() if k not in event.attributes}
            return row._replace(configuration=kept)
        case Component.Renamed(), ComponentRow():
            return row._replace(name=event.name)
        case Component.Reverted(), ComponentRow():
            return row._replace(
                name=event.name, configuration=event.configuration, labels=event.labels
            )
        case Component.Deleted(), ComponentRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


COMPONENTS = TemporalProjection(
    table="components",
    kind="component",
    row=ComponentRow,
    json=frozenset({"configuration", "labels"}),
    unique=("type", "name"),
    fold=fold,
    events=frozenset(
        {
            Component.Registered,
            Component.Updated,
            Component.AttributesRemoved,
            Component.Renamed,
            Component.Reverted,
            Component.Restored,
            Component.Deleted,
        }
    ),
)
