"""Completes names in the shell; errors are ignored, so that they never disturb typing."""

from collections.abc import Callable, Sequence
from typing import Any

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

MAX_NAMES = 200
"""The maximum number of names offered."""


def stacks(incomplete: str) -> list[str]:
    """The names of stacks that start with `incomplete`."""
    return _names(lambda workspace: workspace.stacks.list(_with_prefix(incomplete)))


def components(type: ComponentType) -> Callable[[str], list[str]]:
    """A completer for the names of components of a type."""

    def complete(incomplete: str) -> list[str]:
        return _names(lambda workspace: workspace.components.list(type, _with_prefix(incomplete)))

    return complete


def deleted(kind: str, type: ComponentType | None = None) -> Callable[[str], list[str]]:
    """A completer for the names of deleted stacks, or deleted components of a type."""

    def complete(incomplete: str) -> list[str]:
        return _names(
            lambda workspace: [
                each
                for each in workspace.log.deleted(kind, type)
                if each.name.startswith(incomplete)
            ]
        )

    return complete


def flavors(type: ComponentType) -> Callable[[str], list[str]]:
    """A completer for the names of flavors of a type."""

    def complete(incomplete: str) -> list[str]:
        return _names(lambda workspace: workspace.flavors.list(type))

    return complete


def policies(incomplete: str) -> list[str]:
    """The names of policies that start with `incomplete`."""
    return _names(
        lambda workspace: [
            each for each in workspace.policies.list() if each.name.startswith(incomplete)
        ]
    )


def secrets(incomplete: str) -> list[str]:
    """The names of secrets."""
    return _names(lambda workspace: [*workspace.secrets.list()])


def runs(incomplete: str) -> list[str]:
    """The names of the latest runs that start with `incomplete`."""
    return _names(
        lambda workspace: workspace.runs.list(
            _with_prefix(incomplete)._replace(sort_by="started", descending=True)
        )
    )


def artifacts(incomplete: str) -> list[str]:
    """The names of artifacts that start with `incomplete`."""
    return _names(lambda workspace: workspace.artifacts.list(_with_prefix(incomplete), True))


def models(incomplete: str) -> list[str]:
    """The names of models that start with `incomplete`."""
    return _names(lambda workspace: workspace.models.list(_with_prefix(incomplete)))


def schedules(incomplete: str) -> list[str]:
    """The names of schedules that start with `incomplete`."""
    return _names(lambda workspace: workspace.schedules.list(_with_prefix(incomplete)))


def deployments(incomplete: str) -> list[str]:
    """The names of deployments that start with `incomplete`."""
    return _names(
        lambda workspace: workspace.deployments.list(_with_prefix(incomplete), contact=False)
    )


def _with_prefix(incomplete: str) -> Listing:
    return Listing(where=(Condition("name", "startswith", incomplete),), size=MAX_NAMES)


def _names(query: Callable[[Workspace], Sequence[Any]]) -> list[str]:
    try:
        if not Workspace.exists():
            return []
        with Workspace.open() as workspace:
            return [view.name for view in query(workspace)]
    except Exception:
        return []
