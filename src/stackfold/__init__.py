"""Stackfold: MLOps stacks as a fold over events.

Importing this package imports nothing else: each public name is loaded when it is first used.
"""

from typing import Any

__all__ = ["__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name on first use; `__version__` is the installed distribution's."""
    if name == "__version__":
        from importlib.metadata import version

        return version("stackfold")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
