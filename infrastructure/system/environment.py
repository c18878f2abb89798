"""What is installed here, told from the names of folders: nothing is parsed or imported."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackfold.domain.runs.environment import Environment

_SUFFIXES = (".dist-info", ".egg-info")

_found: tuple[Sequence[tuple[str, int]], Mapping[str, str]] = ((), {})
"""The folders on the path with the times of their last changes, and what was found in them."""


def packages() -> Mapping[str, str]:
    """Distribution, in lower case with hyphens → version, as the import path has them first.

    A look costs a `stat` for each folder on the path; the folders are read again only if one of
    them has changed, as when something is installed into a running notebook.
    """
    global _found  # noqa: PLW0603  # one process has one import path
    folders = [*_folders()]
    if folders != _found[0]:
        found: dict[str, str] = {}
        for folder, _ in folders:
            for name, version in _distributions(folder):
                found.setdefault(name, version)
        _found = (folders, dict(sorted(found.items())))
    return _found[1]


def version(distribution: str) -> str:
    """The version of an installed distribution; empty if there is none of that name."""
    return packages().get(normal(distribution), "")


def normal(distribution: str) -> str:
    """A distribution's name in the one spelling that is recorded."""
    return distribution.replace("_", "-").replace(".", "-").lower()


def python() -> str:
    """The version of Python, such as "3.12.1"."""
    return sys.version.partition(" ")[0]


def importable(module: str) -> bool:
    """Whether a top-level module can be imported; it is not.

    A folder that has only the name of a package does not count, such as the `wandb` that W&B
    writes beside a script: Python would import it as an empty namespace. One that is installed
    does.
    """
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    if spec.origin is not None or not spec.submodule_search_locations:
        return True
    return any(is_installed(os.path.dirname(each)) for each in spec.submodule_search_locations)


def is_installed(folder: str) -> bool:
    """Whether a folder on the import path holds what is installed, not somebody's own code."""
    return os.path.realpath(folder) in _installed()


@cache
def _installed() -> frozenset[str]:
    import site
    import sysconfig

    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*getattr(site, "getsitepackages", list)(), site.getusersitepackages()]
    return frozenset(map(os.path.realpath, folders))


def environment() -> "Environment":
    """The Python, the machine and the packages that are here."""
    from stackfold.domain.runs.environment import Environment

    return Environment(
        python=python(),
        implementation=sys.implementation.name,
        platform=_platform(),
        packages=dict(packages()),
    )


def _platform() -> str:
    if hasattr(os, "uname"):  # which spares most systems an import
        system = os.uname()
        return f"{system.sysname}-{system.release}-{system.machine}"
    import platform

    return f"{platform.system()}-{platform.release()}-{platform.machine()}"


def _folders() -> list[tuple[str, int]]:
    folders = []
    for place in dict.fromkeys(sys.path):
        try:
            folders.append((place or os.curdir, os.stat(place or os.curdir).st_mtime_ns))
        except (OSError, ValueError):
            continue
    return folders


def _distributions(folder: str) -> list[tuple[str, str]]:
    try:
        names = os.listdir(folder)
    except OSError:  # a zip file, or a folder that cannot be read
        return []
    found = []
    for entry in names:
        if entry.endswith(_SUFFIXES):
            name, _, rest = entry.rpartition(".")[0].partition("-")
            # An egg's folder also names the Python that it is for.
            release = rest.partition("-py")[0] if entry.endswith(".egg-info") else rest
            if release:
                found.append((normal(name), release))
    return found
