"""Aliases: names for versions of artifacts that can be moved to another version."""

from collections.abc import Sequence
from uuid import UUID

from stackfold.application.artifacts.artifact_views import (
    ArtifactAlias,
    ArtifactQueries,
    NamedArtifact,
)
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.history.queries import History
from stackfold.application.history.views import HistoryEntry
from stackfold.domain.artifacts.artifact_name import AliasTarget, ArtifactName
from stackfold.domain.errors import Invalid, NotFound


class Aliases:
    """Sets and removes aliases of versions."""

    def __init__(self, queries: ArtifactQueries, repository: Repository, history: History) -> None:
        """Create the service.

        Args:
            queries: Looks up artifacts.
            repository: Loads and saves names.
            history: Reads what happened to a name.
        """
        self._queries = queries
        self._repository = repository
        self._history = history

    def set(self, reference: str, alias: str, why: str) -> NamedArtifact:
        """Let an alias stand for a version; raises as `Artifacts.alias`."""
        found = self._queries.artifact(reference)
        target = AliasTarget(artifact=UUID(found.id), version=found.version)

        def command() -> Sequence[ArtifactName]:
            try:
                name = self._repository.load(ArtifactName, ArtifactName.id_of(found.name))
            except NotFound:
                return [ArtifactName.register(found.name, alias, target)]
            name.set_alias(alias, target)
            return [name]

        self._repository.attempt(command, why)
        return found

    def remove(self, reference: str, why: str) -> None:
        """Remove an alias; raises as `Artifacts.remove_alias`."""
        name, _, alias = reference.rpartition("@")
        if not name:
            raise Invalid(f"{reference!r} has no alias: give NAME@ALIAS")
        try:
            id = ArtifactName.id_of(name)
            self._repository.change(ArtifactName, id, lambda each: each.remove_alias(alias), why)
        except NotFound as error:
            if error.kind == "alias":
                raise
            raise NotFound("alias", reference, f"{name!r} has no aliases") from error

    def of(self, name: str, until: int | None) -> Sequence[ArtifactAlias]:
        """Return the aliases of a name, and how each came to stand for its version."""
        versions = self._queries.aliases(name, until)
        entries = self.history(name, None, until) if versions else ()
        return [_alias(entries, *each) for each in versions.items()]

    def history(
        self, name: str, limit: int | None, until: int | None = None
    ) -> Sequence[HistoryEntry]:
        """Return what happened to the aliases of a name; raises as `Artifacts.history`."""
        return self._history.of(self._history.find("artifact_name", name).id, limit, until)


def _alias(entries: Sequence[HistoryEntry], alias: str, version: int) -> ArtifactAlias:
    """The last entry of a history by which an alias came to stand for a version."""
    field = f"alias {alias}"
    for each in entries:
        if any(change.field == field for change in each.changes):
            return ArtifactAlias(
                alias, version, each.position, each.when, each.by, each.why, each.action
            )
    return ArtifactAlias(alias, version, 0, "", "", "", "")
