"""Integrations: Stackfold's extras, and packages that provide flavors; lists and installs them."""

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
    "azure": ("obstore",),
    "datasets": ("datasets",),
    "evidently": ("evidently",),
    "feast": ("feast",),
    "gcs": ("obstore", "cryptography"),
    "kserve": ("kserve",),
    "kubeflow": ("kfp",),
    "kubernetes": ("kubernetes",),
    "lightgbm": ("lightgbm",),
    "matplotlib": ("matplotlib", "PIL"),
    "mlflow": ("mlflow",),
    "mlflow-sqlite": ("mlflow", "sqlalchemy", "alembic"),
    "mlflow-serving": ("mlflow", "pandas"),
    "numpy": ("numpy",),
    "onnx": ("onnx",),
    "pandas": ("pandas", "pyarrow"),
    "pandera": ("pandera",),
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
    "xgboost": ("xgboost",),
}
"""Extra of Stackfold → the modules that it installs."""

_REQUIREMENT = re.compile(r"""(?P<what>[^;]+?) *; *extra *== *['"](?P<extra>[\w-]+)['"]""")


class Integration(NamedTuple):
    """A set of packages that enables flavors or materializers."""

    name: str
    installed: bool
    requires: list[str]
    """pip requirements."""
    flavors: list[str]
    """The flavors that need it, as "type name"."""


class Integrations:
    """Commands and queries for integrations."""

    def __init__(self, packages: Packages) -> None:
        """Create the service.

        Args:
            packages: The flavors of installed packages.
        """
        self._packages = packages

    def list(self) -> Sequence[Integration]:
        """List all integrations, by name."""
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
        """Return the pip requirements of integrations; of all Stackfold's extras if none is named.

        Args:
            names: The integrations.

        Raises:
            NotFound: An integration does not exist.
        """
        extras = _extras()
        found: dict[str, None] = {}
        for name in names or [*MODULES]:
            if name in extras:
                found |= dict.fromkeys(extras[name])
            elif any(entry.integration == name for entry in self._packages.entries()):
                found[name] = None
            else:
                raise NotFound("integration", name, f"choose one of {', '.join(MODULES)}")
        return [*found]

    def command(self, names: Sequence[str], uv: bool = False) -> Sequence[str]:
        """Return the command that installs the requirements of integrations.

        Args:
            names: The integrations.
            uv: Whether to use uv even if pip is installed.

        Raises:
            NotFound: An integration does not exist.
            InstallFailed: Neither pip nor uv is installed, or uv is requested and not installed.
        """
        wanted = self.requirements(names)
        if not wanted:
            raise InstallFailed("this Stackfold has no list of its requirements: reinstall it")
        if importable("pip") and not uv:
            # -P: ignore a module named pip in the current folder.
            return [sys.executable, "-P", "-m", "pip", "install", *wanted]
        program = shutil.which("uv")
        if program is None:
            raise InstallFailed("uv is not installed" if uv else "neither pip nor uv is installed")
        return [program, "pip", "install", "--python", sys.executable, *wanted]

    def install(self, names: Sequence[str], uv: bool = False) -> None:
        """Install the requirements of integrations, showing the output of pip or uv.

        Args:
            names: The integrations.
            uv: Whether to install with uv instead of pip.

        Raises:
            NotFound: An integration does not exist.
            InstallFailed: The installation failed.
        """
        command = self.command(names, uv)
        done = subprocess.run(command, check=False)  # noqa: S603  # pip or uv, and our requirements
        if done.returncode:
            program = "uv" if command[1] == "pip" else "pip"
            raise InstallFailed(f"{program} failed with exit code {done.returncode}, see above")


def _extras() -> dict[str, list[str]]:
    """Extra of Stackfold → its requirements, from the metadata of the installed Stackfold."""
    try:
        requirements = requires("stackfold") or []
    except PackageNotFoundError:  # in a source tree that was never installed
        requirements = []
    extras: dict[str, list[str]] = {name: [] for name in MODULES}
    for each in requirements:
        if (found := _REQUIREMENT.fullmatch(each)) and found["extra"] in extras:
            extras[found["extra"]].append(found["what"])
    return extras
