"""Integrations: extras of ours, and packages with flavors; what they require, and installing it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires
from typing import NamedTuple

from stackfold.application.stacks.flavor_catalogue import BUILT_IN, Packages
from stackfold.domain.errors import InstallFailed, NotFound
from stackfold.infrastructure.system.environment import importable

MODULES = {
    "kserve": ("kserve",),
    "kubeflow": ("kfp",),
    "matplotlib": ("matplotlib", "PIL"),
    "mlflow": ("mlflow",),
    "mlflow-serving": ("mlflow", "pandas"),
    "numpy": ("numpy",),
    "pandas": ("pandas", "pyarrow"),
    "pillow": ("PIL",),
    "plotly": ("plotly",),
    "polars": ("polars",),
    "postgres": ("psycopg",),
    "pyarrow": ("pyarrow",),
    "ray": ("ray",),
    "s3": ("obstore",),
    "secrets": ("cryptography", "keyring"),
    "seldon": ("mlserver",),
    "sklearn": ("sklearn",),
    "wandb": ("wandb",),
}
"""Extra of ours → the modules that are there once it is installed."""

_REQUIREMENT = re.compile(r"""(?P<what>[^;]+?) *; *extra *== *['"](?P<extra>[\w-]+)['"]""")


class Integration(NamedTuple):
    """Something that Stackfold works with, once it is installed."""

    name: str
    installed: bool
    requires: list[str]
    """pip requirements."""
    flavors: list[str]
    """The flavors that need it, as "type name"."""


class Integrations:
    """What can be done with integrations, and asked of them."""

    def __init__(self, packages: Packages) -> None:
        """Know the flavors of `packages`, and the extras of our own."""
        self._packages = packages

    def list(self) -> Sequence[Integration]:
        """All of them, by name."""
        flavors: dict[str, list[str]] = {name: [] for name in MODULES}
        for entry in self._packages.entries():
            if entry.integration != BUILT_IN:
                title = f"{entry.type.replace('_', ' ')} {entry.name}"
                flavors.setdefault(entry.integration, []).append(title)
        return [
            Integration(
                name,
                self._packages.installed(MODULES.get(name, ())),
                [*self.requirements([name])],
                sorted(titles),
            )
            for name, titles in sorted(flavors.items())
        ]

    def requirements(self, names: Sequence[str]) -> Sequence[str]:
        """The pip requirements of some integrations; of all of our own if none is named.

        Raises:
            NotFound: There is none of that name.
        """
        extras = _extras()
        found: dict[str, None] = {}
        for name in names or [*MODULES]:
            if name in extras:
                found |= dict.fromkeys(extras[name])
            elif any(entry.integration == name for entry in self._packages.entries()):
                found[name] = None
            else:
                raise NotFound("integration", name, f"there is {', '.join(MODULES)}")
        return [*found]

    def command(self, names: Sequence[str], uv: bool = False) -> Sequence[str]:
        """The command that installs what some integrations require, into this environment.

        Args:
            names: Which.
            uv: Whether to use uv even where pip is there.

        Raises:
            NotFound: There is none of that name.
            InstallFailed: There is neither pip nor uv, or not the one that was asked for.
        """
        wanted = self.requirements(names)
        if not wanted:
            raise InstallFailed("this Stackfold does not tell what it requires: install it anew")
        if importable("pip") and not uv:
            # -P: not what lies in the current folder and is called pip.
            return [sys.executable, "-P", "-m", "pip", "install", *wanted]
        program = shutil.which("uv")
        if program is None:
            raise InstallFailed("there is no uv here" if uv else "there is neither pip nor uv here")
        return [program, "pip", "install", "--python", sys.executable, *wanted]

    def install(self, names: Sequence[str], uv: bool = False) -> None:
        """Install what some integrations require; what pip or uv print is shown.

        Raises:
            NotFound: There is none of that name.
            InstallFailed: It did not work.
        """
        command = self.command(names, uv)
        done = subprocess.run(command, check=False)  # noqa: S603  # pip or uv, and our requirements
        if done.returncode:
            program = "uv" if command[1] == "pip" else "pip"
            raise InstallFailed(f"{program} ended with exit code {done.returncode}, see above")


def _extras() -> dict[str, list[str]]:
    """Extra of ours → its requirements, as the installed Stackfold tells them."""
    try:
        told = requires("stackfold") or []
    except PackageNotFoundError:  # from a source tree that was never installed
        told = []
    extras: dict[str, list[str]] = {name: [] for name in MODULES}
    for each in told:
        if (found := _REQUIREMENT.fullmatch(each)) and found["extra"] in extras:
            extras[found["extra"]].append(found["what"])
    return extras
