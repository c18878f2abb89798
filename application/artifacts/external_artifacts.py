"""ExternalArtifacts: saves values that no run made as versions of artifacts, and deletes them."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, cast
from uuid import uuid4

from pydantic import JsonValue

from stackfold.application.artifacts.artifact_views import ArtifactQueries, NamedArtifact
from stackfold.application.artifacts.copying import copy_objects
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.new_version import NewVersion
from stackfold.application.artifacts.values import artifact_of, write
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.artifacts.external_artifact import ExternalArtifact
from stackfold.domain.errors import (
    ArtifactInUse,
    Conflict,
    Invalid,
    InvalidFile,
    OutsideStore,
    StackfoldError,
)
from stackfold.domain.errors.wording import text_of, with_article
from stackfold.domain.exact_json.class_finder import type_name
from stackfold.domain.pipelines.chosen_materializer import materializer_name
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType

_STORE = ComponentType.ARTIFACT_STORE
_PART = 2**20

Copied = Callable[[int, int], None]
"""(the number of bytes that were read, the number of all bytes) → None."""


class Source(NamedTuple):
    """A file or a folder of this machine."""

    path: Path
    """Its real path."""
    is_folder: bool
    size: int
    """Bytes of a file, when it was found."""


class InPlace(NamedTuple):
    """How a file is read that stays where it is."""

    uri: str
    flavor: str
    """The flavor of artifact stores that reads it."""
    configuration: Mapping[str, JsonValue]


class Sources(Protocol):
    """Reads what is registered as an artifact."""

    def find(self, text: str) -> Source:
        """Return the file or folder at a path or an address.

        Raises:
            InvalidFile: It cannot be registered.
        """
        ...

    def open(self, path: Path) -> AbstractContextManager[BinaryIO]:
        """Open a file.

        Raises:
            InvalidFile: It cannot be read.
        """
        ...

    def folder(self, path: Path) -> object:
        """Return the value that stands for a folder."""
        ...

    def address(self, text: str) -> str:
        """Return an address without passwords and query; empty if a text is a path."""
        ...

    def in_place(self, path: Path) -> InPlace:
        """Return how a file is read that stays where it is."""
        ...


class ExternalArtifacts:
    """Records artifacts that no run made."""

    def __init__(
        self,
        repository: Repository,
        queries: ArtifactQueries,
        resolver: StackResolver,
        materializers: Materializers,
        sources: Sources,
    ) -> None:
        """Create the service.

        Args:
            repository: Loads and saves external artifacts.
            queries: Looks up artifacts.
            resolver: Pins stacks, and builds their artifact stores.
            materializers: Write values.
            sources: Reads what is registered.
        """
        self._sources = sources
        self._repository = repository
        self._queries = queries
        self._resolver = resolver
        self._materializers = materializers

    def save(
        self, value: Any, version: NewVersion, stack: str | None, materializer: type | str
    ) -> NamedArtifact:
        """Save a value as a new version; raises as `Artifacts.save`."""
        try:
            chosen = materializer_name(materializer) if materializer else ""
        except ValueError as error:
            raise Invalid(str(error)) from error
        pin, store = self._pinned(stack)
        return self._saved(value, version, pin, store, chosen=chosen)

    def register(
        self,
        source: str,
        version: NewVersion,
        stack: str | None,
        copied: Copied | None,
        copy: bool,
    ) -> NamedArtifact:
        """Record what exists as a new version; raises as `Artifacts.register`."""
        address = self._sources.address(source)
        if address:
            return self._addressed(source, address, version, stack)
        found = self._sources.find(source)
        if not copy:
            return self._left_in_place(found, version, stack, copied)
        pin, store = self._pinned(stack)
        if found.is_folder:
            value = self._sources.folder(found.path)
            return self._saved(value, version, pin, store, str(found.path))
        return self._recorded(
            version, self._copied(found, version, store, copied), pin, str(found.path)
        )

    def copy(self, reference: str, to: str, name: str | None, why: str) -> NamedArtifact:
        """Copy a version to another store, as a new version; raises as `Artifacts.copy`."""
        found = self._queries.artifact(reference)
        view, recorded = self._queries.recorded(found.id)
        if not (name or view.own_name):
            raise Invalid(f"artifact {found.reference!r} has no name of its own: give the copy one")
        version = NewVersion.of(
            name or found.name, found.label or None, view.tags, view.metadata, why
        )
        pin = self._resolver.pin(None)
        component = self._resolver.pin_component(_STORE, to)
        pin = pin.model_copy(update={"components": {_STORE: (component,)}})
        source = cast(ArtifactStore, self._resolver.required(Pin.model_validate(recorded), _STORE))
        artifact = artifact_of(view)
        target = cast(ArtifactStore, self._resolver.built(component))
        changed = {
            "id": uuid4(),
            "name": version.own.name,
            "uri": copy_objects(artifact, source, target),
            "preview": None,  # it lies in the other store
        }
        copied = artifact.model_copy(update=changed)
        return self._recorded(version, copied, pin, found.reference)

    def delete(self, reference: str, why: str) -> NamedArtifact:
        """Delete a version; raises as `Artifacts.delete`."""
        found = self._queries.artifact(reference)
        if found.run:
            raise Conflict(
                f"artifact {found.reference!r} was made by a run, and is deleted with it: "
                f"delete run {found.run!r}"
            )
        try:
            self._repository.change(ExternalArtifact, found.id, lambda each: each.delete(), why)
        except ArtifactInUse as error:
            raise ArtifactInUse(found.reference, error.uses) from error
        return found

    def _pinned(self, stack: str | None) -> tuple[Pin, ArtifactStore]:
        """Pin the artifact store of a stack, and build it."""
        pin = self._resolver.pin(stack)
        store = cast(ArtifactStore, self._resolver.required(pin, _STORE))
        only = {_STORE: pin.components[_STORE][:1]}
        return pin.model_copy(update={"components": only}), store

    def _saved(
        self,
        value: Any,
        version: NewVersion,
        pin: Pin,
        store: ArtifactStore,
        source: str = "",
        chosen: str = "",
    ) -> NamedArtifact:
        name = version.own.name
        try:
            written = write(name, value, store, self._materializers, chosen)
        except StackfoldError:
            raise
        except BaseException as error:
            if is_interruption(error) or isinstance(error, SystemExit):
                raise
            # A class of the user's may raise anything while it is pickled.
            what = with_article(type(value).__name__)
            problem = f"{what} cannot be stored as artifact {name!r}: {text_of(error)}"
            raise Invalid(problem) from error
        return self._recorded(version, written, pin, source)

    def _copied(
        self, source: Source, version: NewVersion, store: ArtifactStore, copied: Copied | None
    ) -> Artifact:
        """Copy a file to the store, part by part."""
        with self._sources.open(source.path) as file, store.create() as written:
            done = 0
            while part := file.read(_PART):
                written.write(part)
                done += len(part)
                if copied:
                    copied(done, source.size)
        return _bytes(version, *written.stored)

    def _addressed(
        self, source: str, address: str, version: NewVersion, stack: str | None
    ) -> NamedArtifact:
        """Record an object of the artifact store, which stays where it is."""
        pin, store = self._pinned(stack)
        name = pin.components[_STORE][0].name
        try:
            if source != address:  # with a password or a signature, which must not be recorded
                raise OutsideStore(address, name)
            stored = store.identify(address)
        except OutsideStore as error:
            problem = (
                f"is not an object in artifact store {name!r}: download it and register the file, "
                "or give the stack of a store that contains it"
            )
            raise InvalidFile(address, problem) from error
        return self._recorded(version, _bytes(version, *stored), pin, stored.uri)

    def _left_in_place(
        self, found: Source, version: NewVersion, stack: str | None, read: Copied | None
    ) -> NamedArtifact:
        """Record a file of this machine, which stays where it is."""
        if found.is_folder:
            problem = "is a folder, which can only be copied: register it so, or each of its files"
            raise InvalidFile(str(found.path), problem)
        place = self._sources.in_place(found.path)
        digest, done = hashlib.sha256(), 0
        with self._sources.open(found.path) as file:
            while part := file.read(_PART):
                digest.update(part)
                done += len(part)
                if read:
                    read(done, found.size)
        store = self._resolver.pin_unregistered(
            _STORE, place.flavor, "in place", place.configuration
        )
        pin = self._resolver.pin(stack).model_copy(update={"components": {_STORE: (store,)}})
        artifact = _bytes(version, place.uri, digest.hexdigest(), done)
        return self._recorded(version, artifact, pin, place.uri)

    def _recorded(
        self, version: NewVersion, written: Artifact, pin: Pin, source: str
    ) -> NamedArtifact:
        found = {**written.metadata, **version.metadata}
        artifact = written.model_copy(update={"metadata": found, "tags": version.tags})
        recorded = ExternalArtifact.register(version.own, artifact, pin, source)
        self._repository.save(recorded, why=version.why)
        return self._queries.artifact(str(artifact.id))


def _bytes(version: NewVersion, uri: str, digest: str, size: int) -> Artifact:
    """Return the record of an object that is loaded as bytes."""
    return Artifact(
        id=uuid4(),
        name=version.own.name,
        type=type_name(bytes),
        materializer="bytes",
        uri=uri,
        digest=digest,
        size=size,
    )
