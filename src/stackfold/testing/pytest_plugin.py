"""The pytest plug-in `stackfold`; its fixtures import Stackfold when they are first used."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory

    from stackfold.infrastructure.workspace import Workspace
    from stackfold.testing.step_contexts import RecordedStepContext

FROZEN = "2026-01-01 12:00:00"


@pytest.fixture
def stackfold_workspace(request: pytest.FixtureRequest) -> "Iterator[Workspace]":
    """A new workspace in memory, in which pipelines run when they are called.

    It has the stack `default`, and leaves nothing behind. If the test also uses
    `stackfold_frozen_time`, its first events have that time.
    """
    if "stackfold_frozen_time" in request.fixturenames:
        request.getfixturevalue("stackfold_frozen_time")
    from stackfold import Workspace

    with Workspace.in_memory() as workspace:
        yield workspace


@pytest.fixture
def stackfold_frozen_time(request: pytest.FixtureRequest) -> "Iterator[FrozenDateTimeFactory]":
    """The clock, stopped at 12:00 UTC on 1 January 2026, or at the parameter of the fixture.

    `tick(seconds)` and `move_to(time)` move it; a log rejects a time before its last event.
    """
    try:
        from freezegun import freeze_time
    except ImportError:
        pytest.fail("freezegun is not installed: pip install 'stackfold[testing]'", pytrace=False)
    with freeze_time(getattr(request, "param", FROZEN)) as clock:
        yield cast("FrozenDateTimeFactory", clock)  # it neither ticks by itself nor in steps


@pytest.fixture
def stackfold_step_context() -> "Iterator[RecordedStepContext]":
    """The context of a step that is called as a function; it says what the step recorded."""
    from stackfold.testing import step_context

    with step_context() as context:
        yield context
