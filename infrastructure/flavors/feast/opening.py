"""Opening Feast's store after its settings and definitions were inspected."""

import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from stackfold.domain.errors import FeatureStoreUnavailable
from stackfold.infrastructure.flavors.feast.definitions import Definitions, read_definitions
from stackfold.infrastructure.flavors.feast.repository import Repository, read_registry

_PATIENCE = 2.0
"""Seconds for which a registry that another process is writing is read again."""
_printing = threading.Lock()


def open_repository(
    repository: Repository, home: Path, allow_code: bool
) -> tuple[Any, Definitions]:
    """Return Feast's store and its definitions.

    Args:
        repository: The settings.
        home: The home, which knows which folders are trusted.
        allow_code: Whether functions in the registry, and classes that are not Feast's, are used.

    Raises:
        FeatureStoreUnavailable: The definitions are missing or damaged, or contain code.
    """
    if not allow_code:
        if repository.classes:
            _reject(repository, f"its settings name {', '.join(repository.classes)}")
        if repository.registry is None:
            _reject(repository, "its registry is no local file, which could be inspected first")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import feast
        from feast.repo_config import RepoConfig
    definitions: Definitions | None = None
    if repository.registry is not None:
        message = _registry(repository.registry, repository.folder, home)
        definitions = read_definitions(message, repository.project)
        if definitions.functions and not allow_code:
            _reject(repository, f"{', '.join(definitions.functions)} contains functions")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        configuration = RepoConfig(**repository.settings)
        configuration.repo_path = repository.folder
        store = feast.FeatureStore(repo_path=str(repository.folder), config=configuration)
        if definitions is None:
            definitions = read_definitions(store.registry.proto(), repository.project)
    return store, definitions


def _reject(repository: Repository, problem: str) -> None:
    raise FeatureStoreUnavailable(
        str(repository.folder), f"{problem}: set allow_code if that may be executed"
    )


def _registry(path: Path, folder: Path, home: Path) -> Any:
    """Feast's message `Registry`, which is read again if it is incomplete."""
    from feast.protos.feast.core.Registry_pb2 import Registry
    from google.protobuf.message import DecodeError

    end = time.monotonic() + _PATIENCE
    while True:
        data = read_registry(path, folder, home)
        try:
            if data:
                return Registry.FromString(data)
        except DecodeError:
            pass
        if time.monotonic() > end:
            problem = "its registry is damaged: run `feast apply` in it"
            raise FeatureStoreUnavailable(str(folder), problem)
        time.sleep(0.05)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Feast from printing what it materializes; one thread at a time."""
    from feast import feature_store
    from tqdm import tqdm

    with _printing:
        names = {"print": lambda *values, **options: None, "tqdm": partial(tqdm, disable=True)}
        before = {name: vars(feature_store).get(name) for name in names}
        vars(feature_store).update(names)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    vars(feature_store).pop(name, None)
                else:
                    vars(feature_store)[name] = value
