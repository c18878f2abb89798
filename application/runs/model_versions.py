"""Versions of models that runs make or continue: opened with a run, completed with it."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID, uuid4

from pydantic import JsonValue

from stackfold.application.artifacts.model_names import must_be_no_models
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.runs.linked_version import LinkedVersion
from stackfold.domain.errors import Conflict, NameTaken, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.models.model import Model
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.pipelines import declared_model
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.run import Run


class ModelNumbers(Protocol):
    """Finds models and versions, and counts versions."""

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

    def labeled(self, model: str, label: str) -> int | None:
        """The number of the existing version of a model with a label; None if there is none.

        Args:
            model: The id of the model.
            label: An alias or the name of a version.
        """
        ...

    def existing(self, model: str, which: str) -> LinkedVersion:
        """An existing version, which may be open.

        Args:
            model: The name of the model.
            which: A number, an alias, the name of a version, or "latest".

        Raises:
            NotFound: The model or the version does not exist.
        """
        ...

    def linked_version(self, id: str) -> LinkedVersion:
        """The version with an id, even if it was deleted."""
        ...


class ModelVersions:
    """Opens the versions that runs make, and finds those that they continue."""

    def __init__(self, repository: Repository, queries: ModelNumbers) -> None:
        """Create the service.

        Args:
            repository: Saves versions.
            queries: Finds models and versions.
        """
        self._repository = repository
        self._queries = queries

    def chosen(self, declared: declared_model.Model | None) -> UUID | None:
        """The id of the version that a new run continues, or a new id for the one that it makes.

        Args:
            declared: The model that the pipeline declares; None if there is none.

        Raises:
            NotFound: The run is to continue a version that does not exist.
        """
        if declared is None:
            return None
        if declared.version is None:
            return uuid4()
        return UUID(self._queries.existing(declared.name, declared.version).id)

    def save(self, run: Run, declared: declared_model.Model | None, pin: Pin, why: str) -> None:
        """Record the start of a run, and open the version that it makes.

        Args:
            run: The run, with the id that `chosen` returned.
            declared: The model that the pipeline declares; None if there is none.
            pin: The stack of the run.
            why: The reason.

        Raises:
            NotFound: The version that it continues was deleted.
            NameTaken: Another version of the model has the label.
        """
        if declared is None:
            self._repository.save(run, why=why)
            return

        # Under the write lock, so that no other run takes the number of the version.
        self._repository.attempt(lambda: [run, *self._made(run, declared, pin)], why, locked=True)

    def use(
        self, run: str, step: str, declared: declared_model.Model, pin: Pin, why: str
    ) -> LinkedVersion:
        """Return the version of a run, which a step makes or continues if it has none yet.

        Args:
            run: The id of the run.
            step: The step's name.
            declared: The model.
            pin: The stack of the run.
            why: The reason.

        Raises:
            Conflict: The run makes or continues another version.
            NotFound: The version to continue does not exist.
            NameTaken: An artifact has the name of the model, or another version has the label.
            RunEnded: The run has ended.
        """
        version: UUID | None = None

        def used() -> list[Aggregate]:
            nonlocal version
            found = self._repository.load(Run, run)
            found.must_run()
            version = found.model_version
            if version is not None:
                self._must_be(self._queries.linked_version(str(version)), declared, found)
                return []
            version = self.chosen(declared) or uuid4()
            found.model_linked(step, version)
            return [found, *self._made(found, declared, pin)]

        # Under the write lock, so that all steps of the run get one version.
        self._repository.attempt(used, why, locked=True)
        return self._queries.linked_version(str(version))

    def log(self, version: str, metadata: dict[str, JsonValue]) -> None:
        """Add metadata to the version with an id; the last value of a name counts."""

        def logged() -> list[Aggregate]:
            found = self._repository.load(ModelVersion, version)
            with suppress(NothingToChange):
                found.annotate(None, {}, metadata)
            return [found]

        # Under the write lock, so that what several steps log is merged.
        self._repository.attempt(logged, locked=True)

    def _must_be(self, known: LinkedVersion, declared: declared_model.Model, run: Run) -> None:
        """Reject a model or version that is not the one of a run."""
        wanted = declared.version
        if known.model == declared.name and (
            wanted is None or self._queries.existing(known.model, wanted).id == known.id
        ):
            return
        asked = declared.name if wanted is None else f"{declared.name}@{wanted}"
        raise Conflict(
            f"run {run.name!r} makes or continues {known}, and a step asks for {asked}: "
            "a run has one version of one model"
        )

    def must_not_be_named(self, artifacts: Iterable[str]) -> None:
        """Reject artifacts with the name of a model, before a step does its work.

        Args:
            artifacts: Own names of the outputs of a run.

        Raises:
            NameTaken: A model has one of the names.
        """
        must_be_no_models(lambda name: self._queries.model_named(name) is not None, artifacts)

    def linked(self, version: UUID | None) -> LinkedVersion | None:
        """The version with an id; None for None."""
        return None if version is None else self._queries.linked_version(str(version))

    def _made(self, run: Run, declared: declared_model.Model, pin: Pin) -> list[Aggregate]:
        """The version that a run makes, and the model if it does not exist yet."""
        if declared.version is not None:
            known = self._queries.linked_version(str(run.model_version))
            self._queries.existing(known.model, str(known.number))
            return []
        name = declared.name
        found = self._queries.model_named(name)
        made = [] if found else [Model.register(name, declared.description, (), declared.card)]
        id = UUID(found) if found else made[0].id
        label = declared.label_at(run.created_on)
        taken = self._queries.labeled(str(id), label) if label and found else None
        if taken is not None:
            hint = f"it is number {taken}: continue it with version=, or choose another label"
            raise NameTaken("model version", f"{name}@{label}", hint)
        version = ModelVersion.open(
            name,
            id,
            self._queries.next_number(str(id), name),
            run.id,
            pin.stack_id,
            pin.stack,
            pin.revision,
            run.model_version,
            label,
            declared.tags,
        )
        return [*made, version]


def deleted_run(
    repository: Repository, id: str, aliases_of: Callable[[], Sequence[str]]
) -> list[Aggregate]:
    """A run that is deleted, and the version that it made; called under the write lock.

    Args:
        repository: Loads aggregates.
        id: The id of the run.
        aliases_of: Returns the aliases of artifacts that only this run has.

    Raises:
        Conflict: An alias stands for the version, which would lose its artifacts, or for an
            artifact.
    """
    run = repository.load(Run, id)
    run.delete()
    if standing := aliases_of():
        raise Conflict(
            f"run {run.name!r} made the artifact of {', '.join(standing)}: "
            "move or remove the alias first"
        )
    if run.model_version is None:
        return [run]
    version = repository.load(ModelVersion, run.model_version)
    if version.run != run.id:  # it only continued the version
        return [run]
    model = repository.load(Model, version.model)
    aliases = [name for name, target in model.aliases.items() if target.version == version.id]
    if aliases and not model.deleted and not version.deleted:
        raise Conflict(
            f"run {run.name!r} made {model.name}@{version.number}, which is {', '.join(aliases)}: "
            "promote another version first"
        )
    version.abandon(f"run {run.name!r} was deleted")
    return [run, version]
