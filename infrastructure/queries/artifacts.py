"""Queries for artifacts, in plain SQL."""

from collections.abc import Sequence
from typing import Any

from stackfold.application.artifacts.artifact_views import (
    LATEST_ARTIFACTS,
    PICKLE_WARNING,
    ArtifactDescription,
    ArtifactView,
    Lineage,
    NamedArtifact,
    RecordedStore,
)
from stackfold.application.eventsourcing.as_of import Position, parse_as_of
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.listing.listing import Listing
from stackfold.domain.errors import Ambiguous, NotFound
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lineage import Lineages
from stackfold.infrastructure.queries.run_references import relative_run
from stackfold.infrastructure.queries.runs import artifact_view
from stackfold.infrastructure.queries.text import normal

_NAME = "t.pipeline || '/' || t.step || '/' || t.name"
_COLUMNS = {
    **{field: f"t.{field}" for field in (*NamedArtifact._fields, "position", "pipeline", "step")},
    "name": _NAME,
    "output": "t.name",
    # An expression, so that the index by pipeline is not used, which has another order.
    "pipeline": "t.pipeline || ''",
}
_SELECT = f"SELECT {', '.join(_COLUMNS[field] for field in NamedArtifact._fields)}"
_EXISTS = "EXISTS (SELECT 1 FROM flows WHERE artifact = t.id AND direction = 'out')"
"""An artifact exists as long as it is the output of a step of an existing run."""

_NAMES = "SELECT DISTINCT pipeline, step, name FROM artifacts"
_NEWEST_UP_TO = (
    "SELECT l.id FROM artifacts AS l WHERE l.pipeline = n.pipeline AND l.step = n.step "
    "AND l.name = n.name AND EXISTS "
    "(SELECT 1 FROM flows WHERE artifact = l.id AND direction = 'out') "
    "{upto}ORDER BY l.version DESC LIMIT 1"
)
_NEWEST = _NEWEST_UP_TO.format(upto="")
"""The latest version of the name in `n`, in one seek, whatever the number of versions."""

_PICKLES = ("cloudpickle",)
_SHOWN, _LEVELS = 10, 3
_NEWEST_OF_DIGEST = 200


class SqlArtifactQueries:
    """Implements `ArtifactQueries`."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
        """
        self._database = database

    def artifacts(
        self, listing: Listing = LATEST_ARTIFACTS, only_latest: bool = False
    ) -> list[NamedArtifact]:
        """The artifacts that match a listing."""
        wanted = listing_clauses(listing, _COLUMNS, then="t.ordinal, t.id")
        newest, parameters = _NEWEST, wanted.parameters
        position = parse_as_of(listing.until) if listing.until and only_latest else None
        if isinstance(position, Position):
            newest = _NEWEST_UP_TO.format(upto="AND l.position <= ? ")
            parameters = [position.number, *parameters]
        latest = f" AND t.id IN (SELECT ({newest}) FROM ({_NAMES}) AS n)" if only_latest else ""
        rows = self._database.read(
            f"{_SELECT} FROM artifacts AS t WHERE {_EXISTS}{latest}{wanted.where}{wanted.tail}",
            parameters,
        )
        return [_named(row) for row in rows]

    @one_state
    def versions(
        self, name: str, limit: int | None = None, until: int | None = None
    ) -> list[NamedArtifact]:
        """The versions of a name, newest first."""
        return self._found(
            "t.pipeline = ? AND t.step = ? AND t.name = ?"
            + (" AND t.position <= ?" if until is not None else ""),
            [*_parts(name), *([] if until is None else [until])],
            order="t.version DESC",
            limit=limit,
        )

    @one_state
    def artifact(self, reference: str) -> NamedArtifact:
        """The artifact with a name or id."""
        name, _, which = normal(reference).partition("@")
        if "/" in name:
            return self._by_name(name, which)
        found = self._found("t.id = ?", [name]) or (
            self._found("substr(t.id, 1, length(?)) = ?", [name, name]) if name else []
        )
        if not found:
            raise NotFound("artifact", reference, self._known())
        return _only(reference, found)

    @one_state
    def describe_artifact(self, reference: str, count: bool = True) -> ArtifactDescription:
        """The artifact with a name or id, and its origin."""
        named = self.artifact(reference)
        view, pin = self.recorded(named.id)
        versions = self._count(view) if count else named.version
        maker = self._database.read("SELECT name FROM runs WHERE id = ?", [view.run])
        same = self._same_bytes(view)
        (store,) = pin["components"][ComponentType.ARTIFACT_STORE][:1]
        shared = {field: getattr(named, field) for field in named._fields}
        return ArtifactDescription(
            **shared
            | {
                "versions": versions,
                "metadata": view.metadata,
                "run": maker[0][0] if maker else view.run,
                "stack": pin["stack"],
                "stack_revision": pin["revision"],
                "store": store["name"],
                "store_flavor": store["flavor"],
                "store_configuration": store["configuration"],
                "written_with": view.versions,
                "trust": PICKLE_WARNING if view.materializer in _PICKLES else "",
                "same_bytes": [each.reference for each in same[:_SHOWN]],
            }
        )

    @one_state
    def lineage(
        self,
        reference: str,
        upstream: bool = True,
        downstream: bool = True,
        most: int | None = None,
    ) -> Lineage:
        """The steps that an artifact was made by, and those that it was used by."""
        named = self.artifact(reference)
        lineages = Lineages(self._database)
        return Lineage(
            named,
            lineages.upstream(named.id, most) if upstream else [],
            lineages.downstream(named.id, most) if downstream else [],
        )

    def recorded(self, id: str) -> tuple[ArtifactView, dict[str, Any]]:
        """The record of an artifact, and the pin of the run with the configuration of its store."""
        rows = self._database.read(
            f"SELECT {', '.join(f't.{field}' for field in ArtifactView._fields)}, runs.pin "
            "FROM artifacts AS t JOIN flows ON flows.artifact = t.id AND flows.direction = 'out' "
            "JOIN runs ON runs.id = flows.run WHERE t.id = ? ORDER BY runs.position LIMIT 1",
            [id],
        )
        if not rows:
            raise NotFound("artifact", id, "it was deleted concurrently")
        return artifact_view(rows[0][:-1]), cell(rows[0][-1])

    def stores(self) -> Sequence[RecordedStore]:
        """Every configuration that an artifact store has had."""
        rows = self._database.read(
            "SELECT name, flavor, configuration FROM components WHERE type = ? ORDER BY since",
            [ComponentType.ARTIFACT_STORE.value],
        )
        return [
            RecordedStore([name], flavor, cell(configuration))
            for name, flavor, configuration in dict.fromkeys(rows)
        ]

    @one_state
    def referenced(self) -> set[str]:
        """The URIs in artifact stores that runs and deployments refer to."""
        artifacts = self._database.read(
            "SELECT uri FROM artifacts WHERE id IN (SELECT artifact FROM flows)"
        )
        others = self._database.read(
            "SELECT log FROM steps WHERE log IS NOT NULL UNION ALL "
            "SELECT artifact FROM deployments WHERE until IS NULL"
        )
        return {uri for (uri,) in artifacts} | {cell(each)["uri"] for (each,) in others}

    def _by_name(self, name: str, which: str) -> NamedArtifact:
        pipeline, step, *output = name.split("/")
        if len(output) > 1:
            raise NotFound("artifact", name, "give pipeline/step/output")
        condition = "t.pipeline = ? AND t.step = ?"
        values: list[Any] = [pipeline, step]
        if which and not which.isdecimal():
            condition, values = self._of_run(pipeline, step, which)
        if output:
            condition, values = f"{condition} AND t.name = ?", [*values, output[0]]
        if which.isdecimal():
            version = int(which) if len(which) < 19 else 0  # there are not so many
            condition, values = f"{condition} AND t.version = ?", [*values, version]
        if not which:
            names = f"{_NAMES} AS t WHERE {condition}"
            condition = f"t.id IN (SELECT ({_NEWEST}) FROM ({names}) AS n)"
        found = self._found(condition, values)
        if not found:
            raise NotFound("artifact", f"{name}@{which}" if which else name, self._known(name))
        return _only(name, found)

    def _of_run(self, pipeline: str, step: str, run: str) -> tuple[str, list[str]]:
        """The condition for the outputs of a step of a run, which may come from the cache."""
        run = relative_run(self._database, run, pipeline) or run
        rows = self._database.read(
            "SELECT id FROM runs WHERE pipeline = ? AND (id = ? OR name = ? "
            "OR substr(id, 1, length(?)) = ? OR substr(name, 1, length(?)) = ?)",
            [pipeline, *[run] * 6],
        )
        if not rows:
            raise NotFound("run", run, f"see the runs of the pipeline {pipeline!r}")
        if len(rows) > 1:
            raise Ambiguous("run", run, [id for (id,) in rows[:_SHOWN]])
        return (
            "t.id IN (SELECT artifact FROM flows WHERE direction = 'out' AND run = ? AND step = ?)",
            [rows[0][0], step],
        )

    def _found(
        self,
        condition: str,
        values: Sequence[Any],
        order: str = "t.position DESC, t.ordinal",
        limit: int | None = 100,
    ) -> list[NamedArtifact]:
        rows = self._database.read(
            f"{_SELECT} FROM artifacts AS t WHERE {_EXISTS} AND {condition} "
            f"ORDER BY {order}{'' if limit is None else ' LIMIT ?'}",
            [*values, *([] if limit is None else [limit])],
        )
        return [_named(row) for row in rows]

    def _count(self, view: ArtifactView) -> int:
        """The number of versions of an artifact's name."""
        ((count,),) = self._database.read(
            f"SELECT count(*) FROM artifacts AS t WHERE {_EXISTS} "
            "AND t.pipeline = ? AND t.step = ? AND t.name = ?",
            [view.pipeline, view.step, view.name],
        )
        return int(count)

    def _same_bytes(self, view: ArtifactView) -> list[NamedArtifact]:
        """The newest other artifacts of a digest; thousands may have it."""
        newest = (
            "SELECT id FROM artifacts WHERE digest = ? AND id <> ? "
            f"ORDER BY position DESC LIMIT {_NEWEST_OF_DIGEST}"
        )
        return self._found(f"t.id IN ({newest})", [view.digest, view.id], limit=_SHOWN)

    def _known(self, name: str = "") -> str:
        """A hint with the names of artifacts, of the same pipeline if it has any."""
        pipeline = name.partition("/")[0]
        for condition, values in (("t.pipeline = ?", [pipeline]), ("1 = 1", [])):
            rows = self._database.read(
                f"SELECT {_NAME} FROM artifacts AS t WHERE t.id IN (SELECT ({_NEWEST}) "
                f"FROM ({_NAMES} AS t WHERE {condition}) AS n) ORDER BY 1 LIMIT {_SHOWN + 1}",
                values,
            )
            names = [name for (name,) in rows[:_SHOWN]] + ["…"] * (len(rows) > _SHOWN)
            if names:
                return f"there is {', '.join(names)}"
        return "no run has produced any yet"


def _parts(name: str) -> list[str]:
    parts = name.split("/")
    if len(parts) != _LEVELS:
        raise NotFound("artifact", name, "give pipeline/step/output")
    return parts


def _only(reference: str, found: Sequence[NamedArtifact]) -> NamedArtifact:
    if len(found) > 1:
        raise Ambiguous("artifact", reference, [each.reference for each in found[:_SHOWN]])
    return found[0]


def _named(row: Sequence[Any]) -> NamedArtifact:
    return NamedArtifact._make([*row[:-1], cell(row[-1])])
