"""ArtifactLoading: reads artifacts from the stores that their runs were pinned to."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, BinaryIO, cast

from stackfold.application.artifacts.artifact_views import ArtifactQueries, ArtifactView
from stackfold.application.artifacts.bounded_opening import opened_within
from stackfold.application.artifacts.folder_manifest import LARGEST_MANIFEST, Manifest
from stackfold.application.artifacts.folders import FolderView, open_folder
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.previews import (
    LARGEST,
    Preview,
    PreviewReader,
    preview_of_files,
    without_reading,
)
from stackfold.application.artifacts.values import artifact_of, read, show
from stackfold.application.ports import ArtifactStore
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.errors import ArtifactDamaged, InvalidFolder, NotFound, TooLarge
from stackfold.domain.limits import size as size_text
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType

Convert = Callable[[BinaryIO, str, str], AbstractContextManager[BinaryIO]]
"""(the stored bytes, the name of their materializer, a format) → the converted bytes."""

_PARSING = 60.0
"""Seconds that parsing may take if no time is given."""


class ArtifactLoading:
    """Reads the values of artifacts."""

    def __init__(
        self,
        queries: ArtifactQueries,
        resolver: StackResolver,
        materializers: Materializers,
        previews: PreviewReader,
        convert: Convert,
    ) -> None:
        """Create the service.

        Args:
            queries: Reads recorded artifacts.
            resolver: Builds the artifact store of a pin.
            materializers: Read stored values.
            previews: Reads what can be shown of stored bytes.
            convert: Converts stored bytes to a format.
        """
        self._convert = convert
        self._queries = queries
        self._resolver = resolver
        self._materializers = materializers
        self._previews = previews

    def load(self, id: str, no_pickle: bool) -> Any:
        """Return the value of an artifact; raises as `FoundArtifact.load`."""
        artifact, store = self._stored(id)
        readers = self._materializers.without_pickles() if no_pickle else self._materializers
        return read(artifact, store, readers)

    def show(self, id: str) -> Any:
        """Return the value of an artifact as JSON; raises as `FoundArtifact.show`."""
        artifact, store = self._stored(id)
        return show(artifact, store, self._materializers)

    def folder(self, id: str) -> FolderView:
        """Open a stored folder; raises as `Artifacts.folder`."""
        artifact, store = self._stored(id)
        if artifact.manifest is None:
            view, _ = self._queries.recorded(id)
            raise InvalidFolder(view.reference, "is a single file: open it or export it as such")
        return open_folder(store, artifact.uri, artifact.digest, artifact.manifest)

    @contextmanager
    def open(
        self, id: str, max_bytes: int | None, timeout: float | None, path: str = ""
    ) -> Iterator[BinaryIO]:
        """Open the stored bytes of an artifact; raises as `Artifacts.open`."""
        view, _ = self._queries.recorded(id)
        if path:
            with self._opened(id, max_bytes, timeout, path) as file:
                yield file
            return
        if view.files is not None:
            problem = "has several files: export it to a folder, or open one of its files"
            raise InvalidFolder(view.reference, problem)
        with self._opened(id, max_bytes, timeout) as file:
            yield file

    @contextmanager
    def _opened(
        self, id: str, max_bytes: int | None, timeout: float | None, path: str = ""
    ) -> Iterator[BinaryIO]:
        """Open the stored object of an artifact: its bytes, the manifest of a folder, or a file."""
        view, recorded = self._queries.recorded(id)
        if max_bytes is not None and not path:
            _must_be_smaller(f"artifact {view.reference!r}", view.size, max_bytes)
        store = self._store_of(recorded)
        opening = (
            _file_of(store, view, path, max_bytes)
            if path
            else _verified(store, view.uri, view.digest, view.stored_size, again=bool(view.run))
        )
        with self._within(timeout, opening, recorded, view.uri) as file:
            yield file

    @contextmanager
    def open_preview(self, id: str, timeout: float | None) -> Iterator[BinaryIO]:
        """Open the stored preview of an artifact; raises as `Artifacts.open_preview`."""
        view, recorded = self._queries.recorded(id)
        if view.preview is None:
            hint = "its materializer made none"
            raise NotFound("preview of the artifact", view.reference, hint)
        uri, digest, size = view.preview["uri"], view.preview["digest"], view.preview["size"]
        opening = _verified(self._store_of(recorded), uri, digest, size)
        with self._within(timeout, opening, recorded, uri) as file:
            yield file

    def _store_of(self, recorded: dict[str, Any]) -> ArtifactStore:
        pin = Pin.model_validate(recorded)
        return cast(ArtifactStore, self._resolver.required(pin, ComponentType.ARTIFACT_STORE))

    @contextmanager
    def _within(
        self,
        timeout: float | None,
        opening: AbstractContextManager[BinaryIO],
        recorded: dict[str, Any],
        uri: str,
    ) -> Iterator[BinaryIO]:
        """Open an object in the store of a recorded pin, within a time limit if there is one."""
        if timeout is None:
            with opening as file:
                yield file
        else:
            (configured,) = recorded["components"][ComponentType.ARTIFACT_STORE][:1]
            known_as = json.dumps([configured["flavor"], configured["configuration"]])
            with opened_within(timeout, opening, known_as, uri) as file:
                yield file

    @contextmanager
    def converted(self, id: str, format: str) -> Iterator[BinaryIO]:
        """Open an artifact in a format; raises as `Artifacts.converted`."""
        view, _ = self._queries.recorded(id)
        with (
            self.open(id, None, None) as stored,
            self._convert(stored, view.materializer, format) as file,
        ):
            yield file

    def preview(self, id: str, timeout: float | None, path: str = "") -> Preview:
        """Return what an artifact contains; raises as `Artifacts.preview`."""
        view, _ = self._queries.recorded(id)
        seconds = _PARSING if timeout is None else timeout
        if path:
            with self._opened(id, LARGEST, timeout, path) as file:
                size = file.seek(0, io.SEEK_END)
                file.seek(0)
                return self._previews.read(file, size, "", seconds)
        if view.preview is not None:
            with self.open_preview(id, timeout) as file:
                read = self._previews.read(file, view.preview["size"], "", seconds)
            return read._replace(stored=True)
        if view.manifest is not None:
            if view.manifest > LARGEST_MANIFEST:
                raise TooLarge("the list of its files", size_text(LARGEST_MANIFEST), "export it")
            with self._opened(id, None, timeout) as file:
                return folder_preview(view.uri, file.read())
        unread = without_reading(view.materializer, view.size)
        if unread:
            return unread
        with self.open(id, None, timeout) as file:
            return self._previews.read(file, view.size, view.materializer, seconds)

    def _stored(self, id: str) -> tuple[Artifact, ArtifactStore]:
        view, recorded = self._queries.recorded(id)
        return artifact_of(view), self._store_of(recorded)


def folder_preview(uri: str, text: bytes) -> Preview:
    """Return the preview of a folder: the list of its files.

    Raises:
        ArtifactDamaged: The text is no manifest.
    """
    try:
        manifest = Manifest.parse(text)
    except (ValueError, KeyError, TypeError, InvalidFolder) as error:
        raise ArtifactDamaged(uri, f"is no folder: {error}") from error
    return preview_of_files({path: each.size for path, each in manifest.files.items()})


def _must_be_smaller(what: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLarge(f"{what} of {size_text(size)}", size_text(max_bytes), "export it to a file")


@contextmanager
def _file_of(
    store: ArtifactStore, view: ArtifactView, path: str, max_bytes: int | None
) -> Iterator[BinaryIO]:
    """Open a file of a stored folder.

    Raises:
        InvalidFolder: The artifact is a single file.
        NotFound: The folder has no such file.
        TooLarge: The file has more than `max_bytes` bytes.
    """
    if view.manifest is None:
        raise InvalidFolder(view.reference, "is a single file, which contains no other")
    if view.manifest > LARGEST_MANIFEST:
        raise TooLarge("the list of its files", size_text(LARGEST_MANIFEST), "export it")
    folder = open_folder(store, view.uri, view.digest, view.manifest)
    if max_bytes is not None:
        _must_be_smaller(f"file {path!r}", folder.files.get(path, 0), max_bytes)
    with folder.open(path) as file:
        yield file


@contextmanager
def _verified(
    store: ArtifactStore, uri: str, digest: str, size: int, again: bool = True
) -> Iterator[BinaryIO]:
    """Open an artifact whose size and digest are as recorded.

    The size is compared first, so that nothing of another size is downloaded.

    Args:
        store: The store that contains it.
        uri: Its address.
        digest: The recorded sha256, in hexadecimal.
        size: The recorded length in bytes.
        again: Whether a run made it, and can make it again.
    """
    found = store.size(uri)
    if found is None and again:
        raise ArtifactDamaged(uri, "no longer exists", again=True)
    if found is not None and found != size:
        what = "is damaged" if again else "was changed"
        problem = f"{what}: it has {found:,} bytes and should have {size:,}"
        raise ArtifactDamaged(uri, problem, again=again)
    with store.open(uri, digest) as file:
        yield file
