"""Annotating: changes tags and metadata of versions of artifacts after they were made."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from stackfold.application.artifacts.artifact_views import ArtifactQueries, NamedArtifact
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.history.queries import History
from stackfold.application.history.views import HistoryEntry
from stackfold.domain.artifacts.artifact_note import ArtifactNote
from stackfold.domain.errors import NotFound, NothingToChange, Unrecordable
from stackfold.domain.limits import METADATA, must_fit
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.tags import valid_tag


class Annotating:
    """Changes what is noted of versions."""

    def __init__(self, queries: ArtifactQueries, repository: Repository, history: History) -> None:
        """Create the service.

        Args:
            queries: Looks up artifacts.
            repository: Loads and saves notes.
            history: Reads what happened to a note.
        """
        self._queries = queries
        self._repository = repository
        self._history = history

    def annotate(
        self,
        reference: str,
        add: Iterable[str],
        remove: Iterable[str],
        metadata: Mapping[str, Any],
        without: Iterable[str],
        why: str,
    ) -> NamedArtifact:
        """Change tags and metadata; raises as `Artifacts.annotate`."""
        added = [*map(valid_tag, add)]
        removed = {unicodedata.normalize("NFC", tag) for tag in remove}
        try:
            known = valid_metadata(metadata)
        except ValueError as error:
            raise Unrecordable(ArtifactNote.Changed.TOPIC, f"the metadata {error}") from None
        for name, value in known.items():
            must_fit(f"metadata {name!r:.80}", value, METADATA)
        gone = {*without} - known.keys()
        found = self._queries.artifact(reference)
        id = UUID(found.id)

        def command() -> Sequence[ArtifactNote]:
            view, _ = self._queries.recorded(found.id)
            remaining = (tag for tag in view.tags if tag not in removed)
            tags = tuple(dict.fromkeys((*remaining, *added)))
            merged = {**view.metadata, **known}
            merged = {name: value for name, value in merged.items() if name not in gone}
            try:
                note = self._repository.load(ArtifactNote, ArtifactNote.id_of(id))
            except NotFound:
                note = None
            if (tags, merged) == (tuple(view.tags), view.metadata):
                raise NothingToChange("artifact", found.reference, note.version if note else 0)
            if note is None:
                return [ArtifactNote.register(id, found.reference, tags, merged)]
            note.change(tags, merged)
            return [note]

        self._repository.attempt(command, why)
        return self._queries.artifact(found.id)

    def history(
        self, reference: str, limit: int | None, until: int | None
    ) -> Sequence[HistoryEntry]:
        """Return what happened to the note of a version, newest first; empty without a note."""
        found = self._queries.artifact(reference)
        try:
            note = self._repository.load(ArtifactNote, ArtifactNote.id_of(UUID(found.id)))
        except NotFound:
            return []
        return self._history.of(str(note.id), limit, until)
