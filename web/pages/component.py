"""The page of a component: its configuration, the stacks with it, and its history."""

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.application.stacks.flavor_attributes import FlavorAttribute, attributes
from stackfold.application.stacks.views import ComponentView
from stackfold.domain.errors import NotFound, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.web.pages.visit import Frame, Visit

MOST_ENTRIES = 60
MOST_STACKS = 60


class Setting(NamedTuple):
    """An attribute of the configuration."""

    name: str
    value: Any
    """The value that was set, or the default."""
    is_set: bool
    described: FlavorAttribute | None
    """None if the flavor does not document it."""


class Component(NamedTuple):
    """The content of the page."""

    frame: Frame
    type: str
    name: str
    component: ComponentView | None
    """None if it did not exist at the position, or was deleted."""
    settings: tuple[Setting, ...]
    problem: str
    """Why the attributes of its flavor cannot be shown; empty if they can."""
    entries: tuple[HistoryEntry, ...]
    """The changes up to the position, newest first."""
    more: int | None
    """The last position of earlier changes that are not shown; None if there are none."""
    changed: str
    """Its name now, if it exists and has changed since the position; else empty."""


def component(visit: Visit) -> Component:
    """Read the page of a component.

    Raises:
        UnknownComponentType: There is no such type.
        NotFound: There never was such a component.
        Ambiguous: The name is the beginning of the names of several.
    """
    type, name = ComponentType(visit.names["type"]), visit.names["name"]
    service = visit.workspace.components
    try:
        view = service.get(type, name, visit.until)
    except NotFound:
        view = None
    found = service.history(type, view.id if view else name, MOST_ENTRIES + 1, as_of=visit.until)
    settings, problem = _settings(visit, type, view) if view else ((), "")
    shown = view.name if view else name
    command, quoted = f"stackfold {type.command}", shlex.quote(shown)
    return Component(
        frame=visit.frame(
            f"{type.noun} {shown}",
            f"{command} describe {quoted}" + (f" --as-of '{visit.until}'" if visit.until else ""),
            f"{command} history {quoted}",
        ),
        type=type,
        name=shown,
        component=view,
        settings=settings,
        problem=problem,
        entries=tuple(found[:MOST_ENTRIES]),
        more=found[MOST_ENTRIES].position if len(found) > MOST_ENTRIES else None,
        changed=_changed(visit, view) if view and visit.as_of else "",
    )


def _changed(visit: Visit, past: ComponentView) -> str:
    try:
        now = visit.workspace.components.get(ComponentType(past.type), past.id)
    except NotFound:
        return ""
    return now.name if now.revision != past.revision else ""


def _settings(
    visit: Visit, type: ComponentType, view: ComponentView
) -> tuple[tuple[Setting, ...], str]:
    """The attributes of a component, those that were set first, and why not all are known."""
    try:
        described = {
            each.attribute: each
            for each in attributes(visit.workspace.flavors.describe(type, view.flavor).schema)
        }
        problem = ""
    except StackfoldError as error:
        described, problem = {}, str(error)
    given: Mapping[str, Any] = view.configuration
    explicit = [Setting(name, given[name], True, described.get(name)) for name in sorted(given)]
    defaults = [
        Setting(name, each.default, False, each)
        for name, each in described.items()
        if name not in given
    ]
    return (*explicit, *defaults), problem
