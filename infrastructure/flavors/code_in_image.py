"""Finds the code of a run in the image of a pod."""

import os
import sys


def import_from_here() -> None:
    """Add the working folder, which contains the run's code, to the import path."""
    for folder in (os.path.join(os.getcwd(), "src"), os.getcwd()):
        if os.path.isdir(folder) and folder not in sys.path:
            sys.path.insert(0, folder)


def here(source: str) -> str:
    """Return the source of a pipeline on this machine, where its file may be in another folder.

    Args:
        source: The pipeline, as "file.py:name" or "module:name".
    """
    place, _, name = source.rpartition(":")
    if place.endswith(".py") and not os.path.exists(place):
        parts = place.split("/")
        # The longest end of its path that exists below the current folder.
        for first in range(1, len(parts)):
            nearer = os.path.join(*parts[first:])
            if os.path.exists(nearer):
                return f"{nearer}:{name}"
    return source
