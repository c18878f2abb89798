"""What every test may use."""

import pytest

# Shared assertions explain themselves like those in tests.
pytest.register_assert_rewrite("given", "contracts", "fresh_fold", "round_trip", "runnable")

pytest_plugins = ["postgres_server"]


@pytest.fixture
def ws():
    """A workspace in memory, after its first use."""
    from stackfold.infrastructure.workspace import Workspace

    with Workspace.in_memory() as workspace:
        yield workspace
