"""A folder with Feast's `feature_store.yaml`: whether its files may be used, and what they name."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from stackfold.domain.errors import FeatureStoreUnavailable
from stackfold.infrastructure.system.trust import why_not_trusted

FILE = "feature_store.yaml"
_LARGEST = 2**20
"""Bytes of the largest file of settings."""
_LARGEST_REGISTRY = 2**28
_NAMES = ("type", "registry_type", "registry_store_type")
"""Keys whose values may name classes."""
_SECTIONS = ("provider", "registry", "online_store", "offline_store", "batch_engine", "auth")


class Repository(NamedTuple):
    """The settings of a feature store."""

    folder: Path
    settings: dict[str, Any]
    registry: Path | None
    """The file with the definitions; None if they are elsewhere."""

    @property
    def project(self) -> str:
        """The name of the project."""
        return str(self.settings["project"])

    @property
    def classes(self) -> list[str]:
        """The classes that the settings name, but those of Feast."""
        return [*_classes(self.settings)]


def read_repository(folder: Path, project: str | None, home: Path) -> Repository:
    """Read the settings of a feature store; executes nothing.

    Args:
        folder: The folder that contains them.
        project: The project, instead of that which they name.
        home: The home, which knows which folders are trusted.

    Raises:
        FeatureStoreUnavailable: They are missing, invalid, or not to be trusted.
    """
    import yaml

    path = folder / FILE
    try:
        require_trusted(path, folder, home)
        with open(path, encoding="utf-8") as file:
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise _unavailable(folder, f"its {FILE} is larger than {_LARGEST} bytes")
        settings = yaml.safe_load(os.path.expandvars(text))  # as Feast does
    except FileNotFoundError:
        raise _unavailable(folder, f"it has no {FILE} on this machine: correct the path") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _unavailable(folder, f"its {FILE} cannot be read: {error}") from None
    if not isinstance(settings, dict):
        raise _unavailable(folder, f"its {FILE} contains no settings")
    if project is not None:
        settings["project"] = project
    for key in ("project", "registry"):
        if not settings.get(key):
            raise _unavailable(folder, f"its {FILE} has no {key!r}")
    return Repository(folder, settings, _registry_file(folder, settings["registry"]))


def require_trusted(path: Path, folder: Path, home: Path) -> None:
    """Reject a file that somebody else could have written, unless the folder is trusted.

    Args:
        path: The file.
        folder: The folder of the feature store.
        home: The home, which knows which folders are trusted.

    Raises:
        FeatureStoreUnavailable: Others could have written it.
        OSError: It cannot be read.
    """
    problem = why_not_trusted(path, folder, home)
    if problem:
        raise _unavailable(
            folder, f"{path.name} is not to be trusted, as {problem}: set STACKFOLD_TRUST={folder}"
        )


def read_registry(path: Path, folder: Path, home: Path) -> bytes:
    """Read the file with the definitions.

    Args:
        path: The file.
        folder: The folder of the feature store.
        home: The home, which knows which folders are trusted.

    Raises:
        FeatureStoreUnavailable: It is missing, too large, or not to be trusted.
    """
    try:
        require_trusted(path, folder, home)
        if path.stat().st_size > _LARGEST_REGISTRY:
            raise _unavailable(folder, f"its registry is larger than {_LARGEST_REGISTRY} bytes")
        return path.read_bytes()
    except FileNotFoundError:
        raise _unavailable(folder, "it has no registry: run `feast apply` in it") from None
    except OSError as error:
        raise _unavailable(folder, f"its registry cannot be read: {error.strerror}") from None


def _registry_file(folder: Path, registry: Any) -> Path | None:
    named = registry if isinstance(registry, Mapping) else {"path": registry}
    if named.get("registry_type", "file") != "file" or named.get("registry_store_type"):
        return None
    path = str(named.get("path") or "")
    is_file = len(urlsplit(path).scheme) < 2  # one letter is a drive
    return folder / path if is_file and path else None


def _classes(settings: Mapping[str, Any]) -> Iterator[str]:
    for section in _SECTIONS:
        value = settings.get(section)
        if isinstance(value, Mapping):
            names = [value.get(key) for key in _NAMES]
        else:
            names = [None if section == "registry" else value]
        for name in names:
            if isinstance(name, str) and "." in name and not name.startswith("feast."):
                yield name


def _unavailable(folder: Path, problem: str) -> FeatureStoreUnavailable:
    return FeatureStoreUnavailable(str(folder), " ".join(problem.split()))
