"""Materializers of installed packages, imported when a value may need them."""

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from stackfold.domain.errors import InvalidMaterializer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

ENTRY_POINTS = "stackfold.materializers"
"""The entry-point group: `<top-level module> = module`. Importing the module on the right registers
the materializers of classes from the module on the left, by the decorator `materializer`."""


_OURS = {
    "stackfold": ("directory",),
}
"""Top-level module → our modules that register materializers for its classes."""


def load(module: str | None) -> None:
    """Import the materializers for classes of a top-level module; all of them for None.

    Raises:
        InvalidMaterializer: A module cannot be imported.
    """
    for name in _OURS if module is None else [module]:
        for each in _OURS.get(name, ()):
            with suppress(ImportError):  # a library that it is for is not installed
                import_module(f"stackfold.infrastructure.materializers.{each}")
    for point in _shipped():
        if module in (None, point.name):
            try:
                point.load()
            except Exception as error:
                line = " ".join(f"{type(error).__name__}: {error}".split())
                raise InvalidMaterializer(point.value, f"importing it failed: {line}") from error


@cache
def _shipped() -> "EntryPoints":
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINTS)
