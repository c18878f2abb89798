"""What every test may use."""

import pytest

# Shared assertions explain themselves like those in tests.
pytest.register_assert_rewrite("given", "contracts", "round_trip", "runnable")
