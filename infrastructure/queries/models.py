"""Queries for models and their versions, in plain SQL."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.models.queries import (
    EVERY_VERSION,
    Linked,
    Publishable,
    VersionPart,
)
from stackfold.application.models.views import ModelVersionView, ModelView, VerdictView
from stackfold.application.runs.linked_version import LinkedVersion
from stackfold.application.runs.metrics import Metric, named
from stackfold.domain.models.alias import STAGES
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.deployments import deployments_serving
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lookup import find, marks, valid_at
from stackfold.infrastructure.queries.metrics import metrics_of
from stackfold.infrastructure.queries.run_rows import parts
from stackfold.infrastructure.queries.text import normal
from stackfold.infrastructure.queries.version_references import (
    COMPLETED,
    VersionRun,
    existing_version,
    runs_of_versions,
)

_MODEL = (
    *("id", "name", "description", "aliases", "gates", "tags", "card"),
    *("revision", "created", "updated"),
)
_MODEL_COLUMNS = {field: f"t.{field}" for field in (*_MODEL, "by")}
_REFUSED = "model.promotion_refused"
_JUDGED = (_REFUSED, "model.promoted")
_SELECT_MODEL = f"SELECT {', '.join(_MODEL_COLUMNS.values())}"


class SqlModelQueries:
    """Implements `ModelQueries`."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
        """
        self._database = database

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        return position_of(self._database, as_of)

    @one_state
    def models(self, listing: Listing = ALL, as_of: int | None = None) -> list[ModelView]:
        """The existing models that match a listing."""
        source, parameters = valid_at("models", as_of)
        wanted = listing_clauses(listing, _MODEL_COLUMNS)
        rows = self._database.read(
            f"{_SELECT_MODEL} {source}{wanted.where}{wanted.tail}",
            [*parameters, *wanted.parameters],
        )
        latest = self._latest([row[0] for row in rows], as_of)
        return [_model_view(row, latest) for row in rows]

    @one_state
    def model(self, reference: str, as_of: int | None = None) -> ModelView:
        """The model with a name, id or unique prefix."""
        id = self.find_model(reference, as_of).id
        source, parameters = valid_at("models", as_of)
        (row,) = self._database.read(f"{_SELECT_MODEL} {source} AND t.id = ?", [*parameters, id])
        return _model_view(row, self._latest([id], as_of))

    def find_model(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a model."""
        return find(self._database, "models", "model", "", (), reference, as_of)

    @one_state
    def versions(
        self, model: ModelView, as_of: int | None = None, part: VersionPart = EVERY_VERSION
    ) -> list[ModelVersionView]:
        """The existing versions of a model, newest first."""
        if part.numbers is not None and not part.numbers:
            return []
        source, parameters = valid_at("model_versions", as_of)
        wanted, values = _of_part(part)
        rows = self._database.read(
            "SELECT t.id, t.number, t.label, t.status, t.run, t.stack, t.stack_revision, "
            "t.description, t.tags, t.revision, t.created, t.updated, t.by "
            f"{source} AND t.model = ?{wanted}",
            [*parameters, model.id, *values],
        )
        runs = runs_of_versions(self._database, [row[0] for row in rows], as_of)
        metrics = self._metrics(runs)
        return [_version_view(row, model, runs[row[0]], metrics[row[0]]) for row in rows]

    @one_state
    def linked(self, version: str, as_of: int | None = None) -> Linked:
        """What is linked to the version with an id."""
        source, parameters = valid_at("model_versions", as_of)
        ((metadata, model, number),) = self._database.read(
            f"SELECT t.metadata, t.model, t.number {source} AND t.id = ?", [*parameters, version]
        )
        runs = runs_of_versions(self._database, [version], as_of)[version]
        ids = [each.id for each in runs]
        artifacts = (
            self._database.read(
                "SELECT DISTINCT a.id, a.pipeline, a.step, a.name, a.version, a.position, "
                "a.ordinal "
                "FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact "
                f"WHERE f.run IN ({marks(ids)}) AND f.direction = 'out' "
                "ORDER BY a.position, a.ordinal",
                ids,
            )
            if ids
            else []
        )
        pinned = (
            self._database.read(
                f"SELECT pinned_artifacts FROM runs WHERE id IN ({marks(ids)}) ORDER BY position",
                ids,
            )
            if ids
            else []
        )
        outputs = {row[0] for row in artifacts}
        return Linked(
            [each.name for each in runs],
            [f"{pipeline}/{step}/{name}@{at}" for _, pipeline, step, name, at, *_ in artifacts],
            {text: each["reference"] for (taken,) in pinned for text, each in cell(taken).items()},
            deployments_serving(self._database, model, number, outputs, as_of),
            cell(metadata),
        )

    @one_state
    def verdicts(
        self, model: str, as_of: int | None = None, limit: int | None = None
    ) -> list[VerdictView]:
        """What gates found about versions of the model with an id, newest first."""
        upto, most = ("", []) if as_of is None else (" AND position <= ?", [as_of])
        rows = self._database.read(
            "SELECT position, recorded_at, topic, state FROM events WHERE originator_id = ? "
            f"AND topic IN (?, ?){upto} ORDER BY originator_version DESC",
            [model, *_JUDGED, *most],
        )
        found = (_verdict_view(row) for row in rows)
        return [*islice((each for each in found if each), limit)]

    @one_state
    def publishable(self, version: str) -> Publishable:
        """What a model registry needs to know of the version with an id."""
        ((run, published),) = self._database.read(
            "SELECT run, published FROM model_versions WHERE id = ? AND until IS NULL", [version]
        )
        artifacts = self._database.read(
            "SELECT a.id, a.tags FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact "
            "WHERE f.run = ? AND f.direction = 'out' ORDER BY a.position, a.ordinal",
            [run],
        )
        metadata = self._database.read("SELECT metadata FROM runs WHERE id = ?", [run])
        return Publishable(
            [(id, cell(tags)) for id, tags in artifacts],
            cell(published),
            cell(metadata[0][0]) if metadata else {},
        )

    def published(self, model: str, registry: str) -> dict[str, Mapping[str, Any]]:
        """The id of each version of a model that was published in a registry → its reference."""
        rows = self._database.read(
            "SELECT id, published FROM model_versions WHERE model = ? AND until IS NULL", [model]
        )
        published = {id: cell(there) for id, there in rows}
        return {id: at[registry]["reference"] for id, at in published.items() if registry in at}

    def metrics(self, versions: Sequence[str]) -> dict[str, list[Metric]]:
        """The id of each version → the metrics of its runs."""
        return self._metrics(runs_of_versions(self._database, versions))

    def _metrics(self, runs: Mapping[str, Sequence[VersionRun]]) -> dict[str, list[Metric]]:
        """The metrics of the runs of each version; those of a later run of the same step count."""
        counting = {id: _counting(found) for id, found in runs.items()}
        measured = metrics_of(
            self._database, {run.id for found in counting.values() for run in found}
        )
        return {
            id: [
                *{
                    (metric.step, metric.name): metric
                    for run in found
                    for metric in measured[run.id]
                }.values()
            ]
            for id, found in counting.items()
        }

    def existing(self, model: str, which: str) -> LinkedVersion:
        """A version of a model, which may be open."""
        found = existing_version(self._database, model, which)
        return LinkedVersion(found.id, model, found.number)

    def linked_version(self, id: str) -> LinkedVersion:
        """The version with an id, even if it was deleted."""
        ((name, number, current),) = self._database.read(
            "SELECT t.name, t.number, (SELECT m.name FROM models AS m WHERE m.id = t.model AND "
            "m.until IS NULL) FROM model_versions AS t WHERE t.id = ? AND t.revision = 1",
            [id],
        )
        return LinkedVersion(id, current or name.rpartition("@")[0], number)

    def labeled(self, model: str, label: str) -> int | None:
        """The number of the version of a model with a label or an alias."""
        rows = self._database.read(
            "SELECT number FROM model_versions WHERE until IS NULL AND model = ? AND label = ?",
            [model, label],
        )
        if rows:
            return int(rows[0][0])
        ((aliases,),) = self._database.read(
            "SELECT aliases FROM models WHERE until IS NULL AND id = ?", [model]
        )
        target = cell(aliases).get(label)
        return target["number"] if target else None

    def model_named(self, name: str) -> str | None:
        """The id of the model with a name; None if there is none."""
        rows = self._database.read(
            "SELECT id FROM models WHERE until IS NULL AND name = ?", [normal(name)]
        )
        return str(rows[0][0]) if rows else None

    def next_number(self, model: str, name: str) -> int:
        """The number of the next version of a model."""
        ((last,),) = self._database.read(
            "SELECT coalesce(max(number), 0) FROM model_versions WHERE revision = 1 "
            "AND (model = ? OR substr(name, 1, length(?)) = ?)",
            [model, f"{name}@", f"{name}@"],
        )
        return int(last) + 1

    def _latest(self, models: Sequence[str], as_of: int | None) -> dict[str, int]:
        source, parameters = valid_at("model_versions", as_of)
        latest: dict[str, int] = {}
        for part in parts(models):
            rows = self._database.read(
                f"SELECT t.model, max(t.number) {source} AND t.model IN ({marks(part)}) "
                f"AND t.status IN ({marks(COMPLETED)}) GROUP BY t.model",
                [*parameters, *part, *COMPLETED],
            )
            latest |= dict(rows)
        return latest


def _model_view(row: Sequence[Any], latest: Mapping[str, int]) -> ModelView:
    id, name, description, aliases, gates, tags, card, *rest = row
    numbers = {alias: target["number"] for alias, target in cell(aliases).items()}
    in_order = sorted(numbers, key=_alias_order)
    return ModelView(
        id,
        name,
        description,
        latest.get(id),
        {alias: numbers[alias] for alias in in_order},
        cell(gates),
        cell(tags),
        cell(card),
        *rest,
    )


def _of_part(part: VersionPart) -> tuple[str, list[Any]]:
    """The end of a statement that reads a part of the versions, and its parameters."""
    conditions = ""
    values: list[Any] = []
    if part.numbers is not None:
        conditions += f" AND t.number IN ({marks(part.numbers)})"
        values += part.numbers
    if part.below is not None:
        conditions += " AND t.number < ?"
        values.append(part.below)
    if part.label:
        conditions += " AND t.label = ?"
        values.append(part.label)
    if part.statuses:
        conditions += f" AND t.status IN ({marks(part.statuses)})"
        values += part.statuses
    conditions += " ORDER BY t.number DESC"
    if part.limit is not None:
        conditions += " LIMIT ?"
        values.append(part.limit)
    return conditions, values


def _verdict_view(row: Sequence[Any]) -> VerdictView | None:
    """What a gate found, from an event; None if the alias had no gate."""
    position, recorded_at, topic, state = row
    event = json.loads(bytes(state))
    verdict = event.get("verdict")
    if verdict is None:
        return None
    outcome = "passed" if verdict["passed"] else "forced"
    return VerdictView(
        number=event["number"],
        alias=event["alias"],
        outcome="refused" if topic == _REFUSED else outcome,
        rule=verdict["rule"],
        findings=verdict.get("findings", []),
        failures=verdict.get("failures", []),
        compared=verdict.get("compared", {}),
        position=position,
        when=recorded_at,
        by=event["by"],
        why=event.get("why", ""),
    )


def _alias_order(alias: str) -> tuple[bool, str]:
    return alias not in STAGES, alias


def _counting(runs: Sequence[VersionRun]) -> list[VersionRun]:
    """The runs whose metrics count: those that completed, and the first one, which made it."""
    return [run for place, run in enumerate(runs) if run.completed or place == 0]


def _version_view(
    row: Sequence[Any],
    model: ModelView,
    runs: Sequence[VersionRun],
    metrics: Sequence[Metric],
) -> ModelVersionView:
    id, number, label, status, run, stack, stack_revision, description, tags, *rest = row
    names = {each.id: (each.name, each.pipeline) for each in runs}
    name, pipeline = names.get(run, (run, ""))
    aliases = [alias for alias, stands_for in model.aliases.items() if stands_for == number]
    return ModelVersionView._make(
        [
            *(id, model.name, number, label, status, aliases, name, pipeline),
            *(stack, stack_revision, named(metrics), description, cell(tags), *rest),
        ]
    )
