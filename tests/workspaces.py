"""Workspaces in memory, and short ways to put something into them."""

from collections.abc import Iterable
from typing import Any

from stackfold.domain.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

STORE = ComponentType.ARTIFACT_STORE
ORCHESTRATOR = ComponentType.ORCHESTRATOR
OPERATOR = ComponentType.STEP_OPERATOR


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
