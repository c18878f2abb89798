"""Versions that runs make: opened with the run, completed with it."""

from typing import Protocol
from uuid import UUID

from stackfold.application.eventsourcing.repository import Repository
from stackfold.domain.errors import Conflict
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.models.model import Model
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.run import Run


class ModelNumbers(Protocol):
    """Finds models, and counts their versions."""

    def model_named(self, name: str) -> str | None:
        """The id of the model with a name; None if there is none."""
        ...

    def next_number(self, model: str, name: str) -> int:
        """The number of the next version of a model.

        Args:
            model: The id of the model.
            name: The name of the model; numbers of deleted models of that name are not used again.
        """
        ...


def opened_version(queries: ModelNumbers, run: Run, model: str, pin: Pin) -> list[Aggregate]:
    """The version that a new run makes, and the model if it does not exist yet.

    Args:
        queries: Finds the model; called under the write lock.
        run: The run, which has the id of the version.
        model: The name of the model.
        pin: The stack of the run.
    """
    found = queries.model_named(model)
    registered = [] if found else [Model.register(model)]
    id = UUID(found) if found else registered[0].id
    version = ModelVersion.open(
        model,
        id,
        queries.next_number(str(id), model),
        run.id,
        pin.stack_id,
        pin.stack,
        pin.revision,
        run.model_version,
    )
    return [*registered, version]


def deleted_run(repository: Repository, id: str) -> list[Aggregate]:
    """A run that is deleted, and the version that it made; called under the write lock.

    Args:
        repository: Loads aggregates.
        id: The id of the run.

    Raises:
        Conflict: An alias stands for the version, which would lose its artifacts.
    """
    run = repository.load(Run, id)
    run.delete()
    if run.model_version is None:
        return [run]
    version = repository.load(ModelVersion, run.model_version)
    model = repository.load(Model, version.model)
    aliases = [name for name, target in model.aliases.items() if target.version == version.id]
    if aliases and not model.deleted and not version.deleted:
        raise Conflict(
            f"run {run.name!r} made {model.name}@{version.number}, which is {', '.join(aliases)}: "
            "promote another version first"
        )
    version.abandon(f"run {run.name!r} was deleted")
    return [run, version]
