"""The Python environment: installed packages, read from the names of folders.

Nothing is parsed or imported.
"""

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
"""Cache: (folder on `sys.path`, modification time) pairs, and the packages found in them."""


def packages() -> Mapping[str, str]:
    """Return the installed distributions: normalized name → the version first on `sys.path`.

    A call costs a `stat` per folder on `sys.path`. The folders are read again only if one of them
    has changed, for example because a package was installed from a running notebook.
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
    """The version of a distribution; empty if it is not installed."""
    return packages().get(normal(distribution), "")


def normal(distribution: str) -> str:
    """The normalized name of a distribution: in lower case, with hyphens."""
    return distribution.replace("_", "-").replace(".", "-").lower()


def python() -> str:
    """The version of Python, such as "3.12.1"."""
    return sys.version.partition(" ")[0]


def importable(module: str) -> bool:
    """Whether a top-level module can be imported; does not import it.

    A folder without an `__init__.py` counts only if it is installed. Otherwise Python would import
    the folder `wandb`, which W&B writes beside a script, as an empty namespace package.
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
    """Whether a folder on `sys.path` contains the standard library or installed packages."""
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
    """Return the Python version, platform and packages of this process."""
    from stackfold.domain.runs.environment import Environment

    return Environment(
        python=python(),
        implementation=sys.implementation.name,
        platform=_platform(),
        packages=dict(packages()),
    )


def _platform() -> str:
    if hasattr(os, "uname"):  # avoids an import on most systems
        system = os.uname()
        return f"{system.sysname}-{system.release}-{system.machine}"
    import platform

    return f"{platform.system()}-{platform.release()}-{platform.machine()}"


def _folders() -> list[tuple[str, int]]:
    folders = []
    for folder in dict.fromkeys(sys.path):
        try:
            folders.append((folder or os.curdir, os.stat(folder or os.curdir).st_mtime_ns))
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
            # The name of an egg's folder ends with a Python version.
            release = rest.partition("-py")[0] if entry.endswith(".egg-info") else rest
            if release:
                found.append((normal(name), release))
    return found
