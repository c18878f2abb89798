"""What an event changed: the fields in which a row of a read model differs from the one before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackfold.application.eventsourcing.cells import mapping
from stackfold.application.history.differences import differences
from stackfold.application.stacks.views import Change
from stackfold.domain.stacks.component_type import ComponentType

_TYPES = tuple(type.value for type in ComponentType)


def row_changes(
    topic: str,
    columns: Sequence[str],
    before: Sequence[Any] | None,
    after: Sequence[Any] | None,
    names: Mapping[str, str],
) -> list[Change]:
    """The fields in which two revisions differ.

    Args:
        topic: The first word of the event's topic, such as "stack".
        columns: The columns of both rows.
        before: The row until the event; None if there was none.
        after: The row since the event; None if there is none.
        names: Id → name, for what the rows refer to.
    """
    changes: list[Change] = []
    hidden = _HIDDEN.get(topic, ())
    for number, column in enumerate(columns):
        old = before[number] if before else None
        new = after[number] if after else None
        if old == new or column in hidden:
            continue
        if column in _FLAT:
            flat = _FLAT[column]
            changes += differences(flat(_read(old), names), flat(_read(new), names))
        elif topic in _PLAIN:
            changes.append(Change(column, old, new))
        elif column == "stack" and topic == "activation":
            changes.append(Change("active stack", _named(old, names), _named(new, names)))
        else:
            value = int if column == "stack_revision" else str
            # What is empty is not set, as is what was not there.
            if old or new:
                told = (value(each) if each else None for each in (old, new))
                changes.append(Change(column, *told))
    if len(changes) < 2:
        return changes
    # What was there before comes first, in its order.
    return sorted(changes, key=lambda change: change.before is None)


_PLAIN = {"flavor"}
"""Topics whose empty columns are told too."""

_HIDDEN = {"component": ("type",), "activation": ("scope",)}
"""First word of a topic → columns that never change, which an entry tells otherwise."""


def _read(text: str | None) -> dict[str, Any]:
    return {} if text is None else mapping(text)


def _named(id: str | None, names: Mapping[str, str]) -> str | None:
    return None if id is None else names.get(id, id)


def _labels(labels: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {f"label {key}": text for key, text in labels.items()}


def _configuration(configuration: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        f"configuration.{attribute}" if attribute in ("name", "flavor") else attribute: value
        for attribute, value in configuration.items()
    }


def _components(
    components: Mapping[str, Sequence[str]], names: Mapping[str, str]
) -> dict[str, Any]:
    return {
        type: ", ".join(names.get(id, id) for id in components[type])
        for type in _TYPES
        if components.get(type)
    }


_FLAT: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], dict[str, Any]]] = {
    "labels": _labels,
    "configuration": _configuration,
    "components": _components,
}
"""Column that holds JSON → what makes fields of it."""
