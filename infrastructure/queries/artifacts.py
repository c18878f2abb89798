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
)
from stackfold.application.eventsourcing.as_of import AsOf, Position, parse_as_of
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.listing.listing import Listing
from stackfold.domain.errors import Ambiguous, NotFound
from stackfold.domain.runs.tags import MAIN
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.artifact_aliases import alias_targets
from stackfold.infrastructure.queries.artifact_statements import (
    COLUMNS,
    EXISTS,
    FROM,
    MADE,
    NAME,
    NAMES,
    NEWEST_OWN,
    NEWEST_UP_TO,
    RETURNED,
    SELECT,
)
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lineage import Lineages
from stackfold.infrastructure.queries.run_references import relative_run
from stackfold.infrastructure.queries.runs import ARTIFACT_COLUMNS, OWN_NAMES, artifact_view
from stackfold.infrastructure.queries.stored_objects import StoredObjects
from stackfold.infrastructure.queries.text import normal
from stackfold.infrastructure.queries.version_references import (
    FoundVersion,
    find_version,
    runs_of_versions,
)

_PICKLES = ("cloudpickle",)
_SHOWN, _LEVELS = 10, 3
_NEWEST_OF_DIGEST = 200


class SqlArtifactQueries(StoredObjects):
    """Implements `ArtifactQueries`."""

    def __init__(self, database: Database, until: int | None = None) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
            until: The last position of the log that counts; None for now.
        """
        super().__init__(database)
        self._until = until

    def at(self, as_of: AsOf) -> "SqlArtifactQueries":
        """The queries of a point in the past; these, if that is None."""
        position = position_of(self._database, as_of)
        return self if position is None else SqlArtifactQueries(self._database, position)

    def artifacts(
        self, listing: Listing = LATEST_ARTIFACTS, only_latest: bool = False
    ) -> list[NamedArtifact]:
        """The artifacts that match a listing."""
        wanted = listing_clauses(listing, COLUMNS, then="t.ordinal, t.id")
        upto, parameters = "", wanted.parameters
        position = parse_as_of(listing.until) if listing.until and only_latest else None
        if isinstance(position, Position):
            upto = "AND l.position <= ? "
            parameters = [*[position.number] * 3, *parameters]
        own, newest = NEWEST_OWN.format(upto=upto), NEWEST_UP_TO.format(upto=upto)
        latest = (
            f" AND t.id IN (SELECT ({newest}) FROM ({NAMES}) AS n UNION ALL {own}) "
            f"AND (o.name IS NULL OR t.id IN ({own}))"
            if only_latest
            else ""
        )
        rows = self._database.read(
            f"{SELECT} WHERE {EXISTS}{latest}{wanted.where}{wanted.tail}", parameters
        )
        return [_named(row) for row in rows]

    @one_state
    def versions(
        self, name: str, limit: int | None = None, until: int | None = None
    ) -> list[NamedArtifact]:
        """The versions of a name, newest first."""
        path = "/" in name
        return self._found(
            ("t.pipeline = ? AND t.step = ? AND t.name = ?" if path else "o.name = ?")
            + (" AND t.position <= ?" if until is not None else ""),
            [
                *(_parts(name) if path else [normal(name)]),
                *([] if until is None else [until]),
            ],
            order="t.version DESC" if path else "o.version DESC",
            limit=limit,
        )

    @one_state
    def artifact(self, reference: str) -> NamedArtifact:
        """The artifact with a name or id."""
        name, _, which = normal(reference).partition("@")
        if "/" in name:
            return self._by_name(name, which)
        if self._is_own_name(name):
            return self._by_own_name(name, which)
        version, _, output = which.partition("/")
        made = find_version(self._database, name, version, self._until) if version else None
        if made is not None:
            return self._of_version(reference, made, output)
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
        versions = self._count(view, named.output) if count else named.version
        run, by, why, source = self._origin(view)
        same = self._same_bytes(view)
        (store,) = pin["components"][ComponentType.ARTIFACT_STORE][:1]
        shared = {field: getattr(named, field) for field in named._fields}
        return ArtifactDescription(
            **shared
            | {
                "versions": versions,
                "metadata": view.metadata,
                "run": run,
                "source": source,
                "in_place": source == view.uri,
                "by": by,
                "why": why,
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
            f"SELECT {ARTIFACT_COLUMNS}, coalesce(runs.pin, e.pin) FROM artifacts AS a "
            f"{self._then(OWN_NAMES)} "
            f"JOIN flows ON flows.artifact = a.id AND flows.{MADE} "
            "LEFT JOIN runs ON runs.id = flows.run "
            "LEFT JOIN external_artifacts AS e ON e.id = flows.run AND e.until IS NULL "
            "WHERE a.id = ? AND coalesce(runs.id, e.id) IS NOT NULL "
            "ORDER BY runs.position LIMIT 1",
            [id],
        )
        if not rows:
            raise NotFound("artifact", id, "it was deleted concurrently")
        return artifact_view(rows[0][:-1]), cell(rows[0][-1])

    def aliases(self, name: str, until: int | None = None) -> dict[str, int]:
        """The aliases of a name → the number of the version that each stands for."""
        found = alias_targets(self._database, name, until)
        return {alias: target["version"] for alias, target in sorted(found.items())}

    def _by_name(self, name: str, which: str) -> NamedArtifact:
        pipeline, step, *output = name.split("/")
        if len(output) > 1:
            raise NotFound("artifact", name, "give pipeline/step/output")
        condition = "t.pipeline = ? AND t.step = ?"
        values: list[Any] = [pipeline, step]
        if output and (alias := self._of_alias(name, which)):
            return alias
        if which and not which.isdecimal():
            condition, values = self._of_run(pipeline, step, which)
        if output:
            condition, values = f"{condition} AND t.name = ?", [*values, output[0]]
        else:
            condition = f"{condition} AND {RETURNED}"
        if which.isdecimal():
            version = int(which) if len(which) < 19 else 0  # there are not so many
            condition, values = f"{condition} AND t.version = ?", [*values, version]
        if not which:
            names = f"{NAMES} AS t WHERE {condition}"
            upto = "" if self._until is None else f"AND l.position <= {self._until} "
            newest = NEWEST_UP_TO.format(upto=upto)
            condition = f"t.id IN (SELECT ({newest}) FROM ({names}) AS n)"
        # A step may have saved several of one name: the latest counts.
        found = self._found(condition, values)[: 1 if output else None]
        if not found:
            raise NotFound("artifact", f"{name}@{which}" if which else name, self._known(name))
        return _only(name, found)

    def _is_own_name(self, name: str) -> bool:
        return bool(
            self._database.read("SELECT 1 FROM artifact_versions WHERE name = ? LIMIT 1", [name])
        )

    def _by_own_name(self, name: str, which: str) -> NamedArtifact:
        """The version of an own name with a number, a label, or produced by a run."""
        condition = "o.name = ?"
        values: list[Any] = [name]
        if alias := self._of_alias(name, which):
            return alias
        if which and which != "latest":
            number = _number(which)
            condition += " AND o.label = ?" if number is None else " AND o.version = ?"
            values = [name, which if number is None else number]
        newest = self._found(condition, values, order="o.version DESC", limit=1)
        if not newest and which and _number(which) is None:
            newest = self._own_of_run(name, which)
        if not newest:
            hint = f"its latest version is {self._by_own_name(name, '').version}" if which else ""
            raise NotFound("artifact", f"{name}@{which}" if which else name, hint)
        return newest[0]

    def _of_alias(self, name: str, which: str) -> NamedArtifact | None:
        """The version that an alias stands for, if it is one and the version exists."""
        if not which or which == "latest" or _number(which) is not None:
            return None
        target = alias_targets(self._database, name, self._until).get(which)
        found = self._found("t.id = ?", [target["artifact"]]) if target else []
        return found[0] if found else None

    def _own_of_run(self, name: str, reference: str) -> list[NamedArtifact]:
        """The version of an own name that a run produced, or had from the cache."""
        run = relative_run(self._database, reference) or reference
        return self._found(
            f"o.name = ? AND t.id IN (SELECT artifact FROM flows WHERE {MADE} AND run IN "
            "(SELECT id FROM runs WHERE id = ? OR name = ?))",
            [name, run, run],
            order="o.version DESC",
            limit=1,
        )

    def _of_version(self, reference: str, version: FoundVersion, output: str) -> NamedArtifact:
        """The artifact that a version of a model stands for, or another output of its runs.

        The outputs of the run that made the version come first.
        """
        later = runs_of_versions(self._database, [version.id], self._until)[version.id]
        others = [each.id for each in reversed(later) if each.completed and each.id != version.run]
        for run in [version.run, *others] if output else [version.run]:
            named, values = "", [run]
            if output:
                named, values = " AND (name = ? OR step || '/' || name = ?)", [run, output, output]
            condition = (
                f"t.id IN (SELECT artifact FROM flows WHERE run = ? AND direction = 'out'{named})"
            )
            found = self._found(condition, values)
            main = len(found) > 1 and self._found(
                f"{condition} AND instr(coalesce(note.tags, t.tags), ?) > 0", [*values, f'"{MAIN}"']
            )
            if found:
                return _only(reference, main or found)
        raise NotFound("artifact", reference, "its run has no such output, or was deleted")

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
            f"t.id IN (SELECT artifact FROM flows WHERE {MADE} AND run = ? AND step = ?)",
            [rows[0][0], step],
        )

    def _found(
        self,
        condition: str,
        values: Sequence[Any],
        order: str = "t.position DESC, t.ordinal",
        limit: int | None = 100,
    ) -> list[NamedArtifact]:
        if self._until is not None:
            condition = f"({condition}) AND t.position <= {self._until}"
        rows = self._database.read(
            f"{self._then(SELECT)} WHERE {EXISTS} AND {condition} "
            f"ORDER BY {order}{'' if limit is None else ' LIMIT ?'}",
            [*values, *([] if limit is None else [limit])],
        )
        return [_named(row) for row in rows]

    def _then(self, select: str) -> str:
        """A statement with the notes of artifacts that counted then."""
        if self._until is None:
            return select
        ended = f"(note.until IS NULL OR note.until > {self._until})"
        return select.replace("note.until IS NULL", f"note.since <= {self._until} AND {ended}")

    def _origin(self, view: ArtifactView) -> tuple[str, str, str, str]:
        """The name of the run, who and why, and the source of an external artifact."""
        select = "SELECT '', by, why, source FROM external_artifacts WHERE id = ? AND until IS NULL"
        if view.run:
            select = "SELECT name, by, why, '' FROM runs WHERE id = ?"
        rows = self._database.read(select, [view.run or view.id])
        return tuple(rows[0]) if rows else (view.run, "", "", "")

    def _count(self, view: ArtifactView, output: str) -> int:
        """The number of versions of an artifact's name."""
        condition, values = "o.name = ?", [view.own_name or ""]
        if not view.own_name:
            condition, values = "t.pipeline = ? AND t.step = ? AND t.name = ?", _parts(output)
        ((count,),) = self._database.read(
            f"SELECT count(*) {FROM} WHERE {EXISTS} AND {condition}", values
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
        newest = NEWEST_UP_TO.format(upto="")
        of_pipeline = [("t.pipeline = ?", [name.partition("/")[0]])] if name else []
        for condition, values in [*of_pipeline, ("1 = 1", [])]:
            rows = self._database.read(
                f"SELECT DISTINCT {NAME} {FROM} WHERE t.id IN (SELECT ({newest}) "
                f"FROM ({NAMES} AS t WHERE {condition}) AS n) ORDER BY 1 LIMIT {_SHOWN + 1}",
                values,
            )
            names = [name for (name,) in rows[:_SHOWN]] + ["…"] * (len(rows) > _SHOWN)
            if names:
                return f"there is {', '.join(names)}"
        return "no run has produced any yet"


def _number(which: str) -> int | None:
    """The number of a version, as "3" or "v3"; None if it is a text."""
    digits = which[1:] if which[:1] == "v" else which
    if not digits.isdecimal():
        return None
    return int(digits) if len(digits) < 19 else 0  # there are not so many


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
