"""Registration: makes what a model registry has of a model equal to the log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import UUID

from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.application.artifacts.folders import open_folder
from stackfold.application.artifacts.values import artifact_of
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.history.queries import History
from stackfold.application.models.queries import ModelQueries, Publishable
from stackfold.application.models.registry_views import RegistryDifference
from stackfold.application.models.views import ModelVersionView, ModelView
from stackfold.application.ports import ArtifactStore, ModelRegistry
from stackfold.application.ports.model_registry import RegisteredVersion, VersionToPublish
from stackfold.application.secrets.redaction import redacted_value, without_secrets
from stackfold.application.stacks.queries import StoredComponent
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.errors import Conflict, ModelRegistryUnavailable, NotFound, StackfoldError
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.tags import MAIN
from stackfold.domain.stacks.component_type import ComponentType

_COMPLETED = ("completed", "archived")
_TRACKED = "experiment_tracker"
"""The key in the metadata of a run under which trackers identify it."""
_FIELDS = ("name", "description", "tags")
"""The fields of a model that its history shows beside aliases and gates."""
_ROUNDS = 5
"""How often a model that is promoted in the meantime is compared again."""
_CHUNK_SIZE = 2**20


class Sources(NamedTuple):
    """What is published comes from here, and is recorded here."""

    repository: Repository
    queries: ModelQueries
    artifacts: ArtifactQueries
    history: History
    resolver: StackResolver


class _Gap(NamedTuple):
    difference: RegistryDifference
    close: Callable[[], object]


class Registration:
    """One model registry, compared with the log."""

    def __init__(
        self, sources: Sources, component: StoredComponent, registry: ModelRegistry
    ) -> None:
        """Use a registry.

        Args:
            sources: What is published comes from here, and is recorded here.
            component: The registry, as a component.
            registry: The registry.
        """
        self._sources = sources
        self._component = component
        self._registry = registry

    def versions(self, model: str) -> Sequence[RegisteredVersion]:
        """The versions that the registry has of a model."""
        with self._calling():
            return self._registry.versions(model)

    def differences(self, model: ModelView) -> list[RegistryDifference]:
        """What the log and the registry differ in for a model."""
        return [gap.difference for gap in self._gaps(model)]

    def synchronize(
        self, model: ModelView
    ) -> tuple[list[RegistryDifference], list[StackfoldError]]:
        """Publish what is missing and move aliases; returns what was changed, and what failed."""
        changed: list[RegistryDifference] = []
        problems: list[StackfoldError] = []
        for _ in range(_ROUNDS):
            problems.clear()
            for gap in self._gaps(model):
                try:
                    gap.close()
                except ModelRegistryUnavailable:
                    raise
                except StackfoldError as error:
                    problems.append(error)
                else:
                    changed.append(gap.difference)
            now = self._sources.queries.model(model.id)
            if now.aliases == model.aliases:
                break
            model = now
        return changed, problems

    def publish(self, version: ModelVersionView) -> Mapping[str, Any]:
        """Publish a version, record that, and return what identifies it in the registry.

        Raises:
            Conflict: Its run has not completed, or has several outputs that it could stand for.
            ModelRegistryRejected: The registry does not take it.
            ModelRegistryUnavailable: The registry cannot be reached.
        """
        reference = f"{version.model}@{version.number}"
        if version.status not in _COMPLETED:
            raise Conflict(
                f"model version {reference!r} is {version.status}: only versions whose run has "
                "completed can be published"
            )
        to_publish = self._to_publish(version)
        with self._calling():
            there = redacted_value(dict(self._registry.publish(to_publish)))
        id, name = UUID(self._component.id), self._component.name
        self._sources.repository.change(
            ModelVersion, version.id, lambda each: each.publish(id, name, there)
        )
        return cast(Mapping[str, Any], there)

    def withdraw(self, version: ModelVersionView) -> None:
        """Remove a version from the registry, and record that.

        Raises:
            NotFound: It is not published there.
            ModelRegistryUnavailable: The registry cannot be reached.
        """
        there = self._reference(version)
        if there is None:
            reference = f"{version.model}@{version.number}"
            hint = f"it is not in the model registry {self._component.name!r}"
            raise NotFound("published version", reference, hint)
        with self._calling():
            self._registry.withdraw(there)
        id, name = UUID(self._component.id), self._component.name
        self._sources.repository.change(
            ModelVersion, version.id, lambda each: each.withdraw(id, name)
        )

    # -- private

    def _gaps(self, model: ModelView) -> list[_Gap]:
        """What has to be done so that the registry has what the log has."""
        views = {each.number: each for each in self._sources.queries.versions(model)}
        published = self._sources.queries.published(model.id, self._component.id)
        seen = self.versions(model.name)
        by_id = {each.id: each for each in seen if each.id}
        numbers = {each.id: number for number, each in views.items()}
        wanted = {*model.aliases.values()}
        wanted |= {number for id, number in numbers.items() if id in published}
        gaps = [
            self._gap(model, f"version {number}", views[number].status, "", self._publisher(view))
            for number in sorted(wanted)
            if (view := views[number]).id not in by_id and view.status in _COMPLETED
        ]
        stands = {alias: each for each in seen for alias in each.aliases}
        for alias, number in model.aliases.items():
            at = stands.get(alias)
            if at is None or at.id != views[number].id:
                gaps.append(
                    self._gap(
                        model,
                        f"alias {alias}",
                        str(number),
                        _shown(at, numbers),
                        self._mover(views[number], alias),
                    )
                )
        for alias in {*stands} & self._former_aliases(model):
            at = stands[alias]
            remove = self._remover(at, alias)
            gaps.append(self._gap(model, f"alias {alias}", "", _shown(at, numbers), remove))
        return gaps

    def _gap(
        self, model: ModelView, what: str, in_log: str, there: str, close: Callable[[], object]
    ) -> _Gap:
        return _Gap(RegistryDifference(model.name, what, in_log, there), close)

    def _publisher(self, version: ModelVersionView) -> Callable[[], object]:
        return lambda: self.publish(version)

    def _mover(self, version: ModelVersionView, alias: str) -> Callable[[], object]:
        def move() -> None:
            reference = self._reference(version) or self.publish(version)
            with self._calling():
                self._registry.set_alias(reference, alias)

        return move

    def _remover(self, at: RegisteredVersion, alias: str) -> Callable[[], object]:
        def remove() -> None:
            with self._calling():
                self._registry.remove_alias(at.reference, alias)

        return remove

    def _former_aliases(self, model: ModelView) -> set[str]:
        """The aliases that the model had and does not have; others belong to other tools."""
        changes = (change for each in self._sources.history.of(model.id) for change in each.changes)
        return {change.field for change in changes} - {*_FIELDS, *model.aliases}

    def _reference(self, version: ModelVersionView) -> Mapping[str, Any] | None:
        """What identifies a version in the registry; None if it was not published."""
        published = self._sources.queries.publishable(version.id).published
        found = published.get(self._component.id)
        return found and cast(Mapping[str, Any], found["reference"])

    def _to_publish(self, version: ModelVersionView) -> VersionToPublish:
        known = self._sources.queries.publishable(version.id)
        view, recorded = self._sources.artifacts.recorded(_main(version, known))
        store = Pin.model_validate(recorded).component(ComponentType.ARTIFACT_STORE)
        if store is None:
            raise NotFound("artifact", view.reference, "its run has no artifact store")
        artifact = artifact_of(view)

        def copy(path: Path) -> None:
            _copy(artifact, cast(ArtifactStore, self._sources.resolver.built(store)), path)

        return VersionToPublish(
            id=version.id,
            model=version.model,
            number=version.number,
            description=version.description,
            tags=version.tags,
            metrics=version.metrics,
            pipeline=version.pipeline,
            run=version.run,
            stack=version.stack,
            stack_revision=version.stack_revision,
            artifact=view.reference,
            type=view.type,
            uri=view.uri,
            digest=view.digest,
            tracked=known.metadata.get(_TRACKED, {}),
            copy=copy,
        )

    @contextmanager
    def _calling(self) -> Iterator[None]:
        """Raise what a flavor or its libraries raise as one of our errors, without secrets."""
        try:
            yield
        except Exception as error:  # raised by a custom flavor or a client library
            clean = without_secrets(error)
            if isinstance(clean, StackfoldError):
                if clean is error:
                    raise
                raise clean from None
            problem = " ".join(f"{type(clean).__name__}: {clean}".split())[:300]
            raise ModelRegistryUnavailable(repr(self._component.name), problem) from clean


def _shown(at: RegisteredVersion | None, numbers: Mapping[str, int]) -> str:
    """How a difference shows the version that an alias stands for in the registry."""
    if at is None:
        return ""
    return str(numbers.get(at.id, "a version that is not of this log"))


def _main(version: ModelVersionView, known: Publishable) -> str:
    """The id of the output that a version stands for."""
    main = [id for id, tags in known.artifacts if MAIN in tags]
    found = main or [id for id, _ in known.artifacts]
    if len(found) == 1:
        return found[0]
    number = f"{len(found)} outputs" if found else "no output"
    raise Conflict(
        f"{version.model}@{version.number} cannot be published: its run has {number}; give one "
        f"of them the tag {MAIN!r}"
    )


def _copy(artifact: Artifact, store: ArtifactStore, path: Path) -> None:
    if artifact.manifest is not None:
        path.mkdir()
        open_folder(store, artifact.uri, artifact.digest, artifact.manifest).copy_to(path)
        return
    with store.open(artifact.uri, artifact.digest) as source, path.open("xb") as target:
        while chunk := source.read(_CHUNK_SIZE):
            target.write(chunk)
