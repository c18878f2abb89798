"""Tunes how often Python collects garbage."""

import gc

_DEFAULT = gc.get_threshold()
_LOADED = 200_000
"""More objects than loading a command allocates."""


def collect_rarely() -> None:
    """Reduce collections: loading a command allocates many objects but hardly any garbage."""
    gc.set_threshold(_LOADED)


def restore_defaults() -> None:
    """Restore Python's thresholds, for user code and long-running commands."""
    gc.set_threshold(*_DEFAULT)
