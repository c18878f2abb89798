"""A workspace, what runs there, and a second stack."""

import pytest
from runnable import OPERATOR, STORE


@pytest.fixture
def workspace(ws):
    return ws


@pytest.fixture
def runs(workspace):
    return workspace.runs


@pytest.fixture
def other_stack(workspace, tmp_path):
    """A second stack, with its artifacts in a folder of its own and two step operators."""
    folder = tmp_path / "other"
    workspace.components.register(
        STORE, "other", flavor="local", configuration={"path": str(folder)}
    )
    for name in ("first", "second"):
        workspace.components.register(OPERATOR, name, flavor="local")
    workspace.stacks.register(
        "other",
        orchestrator="default",
        artifact_store="other",
        step_operator=["first", "second"],
    )
    return folder
