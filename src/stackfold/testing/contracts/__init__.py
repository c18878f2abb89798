"""What flavors must do, as classes of tests; importing them needs pytest.

Start with `artifact_store.py`.
"""

from typing import NoReturn

import pytest

_MODULES = (
    "alerter",
    "annotator",
    "artifact_store",
    "container_registry",
    "data_validator",
    "experiment_tracker",
    "feature_store",
    "image_builder",
    "model_deployer",
    "model_registry",
    "orchestrator",
    "step_operator",
    "store_addresses",
    "tracking_tool",
)

# Their assertions explain themselves like those in tests, also without the plug-in.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES))


def not_given(fixture: str, purpose: str) -> NoReturn:
    """Skip the test, since a fixture of the contract is not overridden.

    Args:
        fixture: The fixture.
        purpose: What is not tested without it.
    """
    pytest.skip(f"override the fixture {fixture!r} to test {purpose}")
