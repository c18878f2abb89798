"""Names for the shell to complete; a fault here must never disturb somebody who types."""

from collections.abc import Callable

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

MOST = 200
"""How many names are offered at most."""


def stacks(incomplete: str) -> list[str]:
    """The names of stacks that begin with what was typed."""
    return _names(lambda workspace: workspace.queries.stacks(_beginning(incomplete)))


def components(type: ComponentType) -> Callable[[str], list[str]]:
    """What completes the names of a type's components."""

    def complete(incomplete: str) -> list[str]:
        return _names(lambda workspace: workspace.queries.components(type, _beginning(incomplete)))

    return complete


def deleted(kind: str, type: ComponentType | None = None) -> Callable[[str], list[str]]:
    """What completes the names of deleted stacks, or of deleted components of a type."""

    def complete(incomplete: str) -> list[str]:
        return _names(
            lambda workspace: [
                each
                for each in workspace.history.deleted(kind, type)
                if each.name.startswith(incomplete)
            ]
        )

    return complete


def flavors(type: ComponentType) -> Callable[[str], list[str]]:
    """What completes the names of a type's flavors."""

    def complete(incomplete: str) -> list[str]:
        return _names(lambda workspace: workspace.catalogue.views(type))

    return complete


def secrets(incomplete: str) -> list[str]:
    """The names of secrets."""
    return _names(lambda workspace: [*workspace.secrets.list()])


def runs(incomplete: str) -> list[str]:
    """The names of the latest runs that begin with what was typed."""
    return _names(
        lambda workspace: workspace.run_queries.runs(
            _beginning(incomplete)._replace(sort_by="started", descending=True)
        )
    )


def artifacts(incomplete: str) -> list[str]:
    """The names of artifacts that begin with what was typed."""
    return _names(
        lambda workspace: workspace.artifact_queries.artifacts(_beginning(incomplete), True)
    )


def deployments(incomplete: str) -> list[str]:
    """The names of deployments that begin with what was typed."""
    return _names(
        lambda workspace: workspace.deployment_queries.deployments(_beginning(incomplete))
    )


def _beginning(incomplete: str) -> Listing:
    return Listing(where=(Condition("name", "startswith", incomplete),), size=MOST)


def _names(ask: Callable[[Workspace], list]) -> list[str]:  # type: ignore[type-arg]
    try:
        if not Workspace.exists():
            return []
        with Workspace.open() as workspace:
            return [view.name for view in ask(workspace)]
    except Exception:
        return []
