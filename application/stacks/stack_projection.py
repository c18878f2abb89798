"""Which stacks are there, and which were there at any position?"""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import TemporalProjection
from stackfold.domain.stacks.labels import merged
from stackfold.domain.stacks.stack import Stack, without


class StackRow(NamedTuple):
    """A stack at one revision."""

    name: str
    description: str
    labels: dict[str, str]
    components: dict[str, list[str]]
    """Component type → ids of components, the default one first."""


def fold(row: StackRow | None, event: Stack.Event) -> StackRow | None:
    """What a stack looks like after an event."""
    match event, row:
        case Stack.Registered() | Stack.Restored(), None:
            return StackRow(event.name, event.description, event.labels, _plain(event.components))
        case Stack.Updated(), StackRow():
            return StackRow(
                row.name,
                row.description if event.description is None else event.description,
                merged(row.labels, event.labels),
                {**row.components, **_plain(event.components)},
            )
        case Stack.ComponentsRemoved(), StackRow():
            return row._replace(
                components=_plain(without(row.components, _plain(event.components)))
            )
        case Stack.DefaultSet(), StackRow():
            first = str(event.component)
            others = [each for each in row.components[event.type] if each != first]
            return row._replace(components={**row.components, event.type: [first, *others]})
        case Stack.Renamed(), StackRow():
            return row._replace(name=event.name)
        case Stack.Reverted(), StackRow():
            return StackRow(event.name, event.description, event.labels, _plain(event.components))
        case Stack.Deleted(), StackRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def _plain(components: Any) -> dict[str, list[str]]:
    return {str(type): [str(id) for id in ids] for type, ids in components.items()}


STACKS = TemporalProjection(
    table="stacks",
    kind="stack",
    row=StackRow,
    json=frozenset({"labels", "components"}),
    unique=("name",),
    fold=fold,
    events=frozenset(
        {
            Stack.Registered,
            Stack.Updated,
            Stack.ComponentsRemoved,
            Stack.DefaultSet,
            Stack.Renamed,
            Stack.Reverted,
            Stack.Restored,
            Stack.Deleted,
        }
    ),
)
