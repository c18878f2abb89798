"""Shortcuts for creating and filling workspaces."""

from collections.abc import Callable, Iterable
from typing import Any

from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

STORE = ComponentType.ARTIFACT_STORE
ORCHESTRATOR = ComponentType.ORCHESTRATOR
OPERATOR = ComponentType.STEP_OPERATOR


def opened(place: object) -> Workspace:
    """Open the workspace in a folder, or of a shared log at a URL."""
    if str(place).startswith("postgresql:"):
        return Workspace.open(store=str(place))
    return Workspace.open(str(place))


def stack(ws: Workspace, name: str, **more: Any) -> Any:
    needed = {"orchestrator": "default", "artifact_store": "default"}
    return ws.stacks.register(name, **{**needed, **more})


def store(ws: Workspace, name: str, **configuration: Any) -> Any:
    return ws.components.register(STORE, name, "local", configuration)


def names(views: Iterable[Any]) -> list[str]:
    return [view.name for view in views]


def position(ws: Workspace) -> int:
    ((last,),) = ws._database.read("SELECT max(position) FROM events")
    return int(last)


def concurrently(ws: Workspace, change: Callable[[], object]) -> None:
    """Record a change right before the next command records its own."""
    repository = ws._services.repository
    append = repository.append

    def append_too_late(*arguments: Any, **more: Any) -> Any:
        del repository.append  # type: ignore[misc] the instance's, which hides the class's
        change()
        return append(*arguments, **more)

    repository.append = append_too_late  # type: ignore[method-assign]
