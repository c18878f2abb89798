"""Queries for models and their versions, in plain SQL."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.models.queries import EVERY_VERSION, Linked, VersionPart
from stackfold.application.models.views import ModelVersionView, ModelView, VerdictView
from stackfold.application.runs.metrics import Metric, named
from stackfold.domain.models.alias import STAGES
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lookup import find, marks, valid_at
from stackfold.infrastructure.queries.metrics import metrics_of
from stackfold.infrastructure.queries.run_rows import parts
from stackfold.infrastructure.queries.text import normal
from stackfold.infrastructure.queries.version_references import COMPLETED

_MODEL = ("id", "name", "description", "aliases", "gates", "tags", "revision", "created", "updated")
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
            "SELECT t.id, t.number, t.status, t.run, t.stack, t.stack_revision, t.description, "
            "t.tags, t.revision, t.created, t.updated, t.by "
            f"{source} AND t.model = ?{wanted}",
            [*parameters, model.id, *values],
        )
        runs = {row[3]: (row[3], "") for row in rows}
        for some in parts([*runs]):
            found = self._database.read(
                f"SELECT id, name, pipeline FROM runs WHERE id IN ({marks(some)})", some
            )
            runs |= {id: (name, pipeline) for id, name, pipeline in found}
        metrics = metrics_of(self._database, runs)
        return [_version_view(row, model, runs, metrics) for row in rows]

    @one_state
    def linked(self, version: str, as_of: int | None = None) -> Linked:
        """What is linked to the version with an id."""
        source, parameters = valid_at("model_versions", as_of)
        ((run, metadata),) = self._database.read(
            f"SELECT t.run, t.metadata {source} AND t.id = ?", [*parameters, version]
        )
        artifacts = self._database.read(
            "SELECT a.id, a.pipeline, a.step, a.name, a.version FROM flows AS f "
            "JOIN artifacts AS a ON a.id = f.artifact WHERE f.run = ? AND f.direction = 'out' "
            "ORDER BY a.position, a.ordinal",
            [run],
        )
        pinned = self._database.read("SELECT pinned_artifacts FROM runs WHERE id = ?", [run])
        ids = {id for id, *_ in artifacts}
        deployments = self._database.read(
            "SELECT name, artifact FROM deployments WHERE until IS NULL ORDER BY name"
        )
        return Linked(
            [f"{pipeline}/{step}/{name}@{at}" for _, pipeline, step, name, at in artifacts],
            {name: each["reference"] for name, each in cell(pinned[0][0]).items()}
            if pinned
            else {},
            [name for name, artifact in deployments if cell(artifact)["id"] in ids],
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

    def metrics(self, versions: Sequence[str]) -> dict[str, list[Metric]]:
        """The id of each version → the metrics of its run."""
        rows = self._database.read(
            f"SELECT id, run FROM model_versions WHERE revision = 1 AND id IN ({marks(versions)})",
            versions,
        )
        metrics = metrics_of(self._database, {run for _, run in rows})
        return {id: metrics[run] for id, run in rows}

    def version_of_run(self, run: str) -> tuple[str, str, int] | None:
        """The version that the run with an id makes: its id, its model's id, and its number."""
        rows = self._database.read(
            "SELECT id, model, number FROM model_versions WHERE run = ? AND until IS NULL", [run]
        )
        return tuple(rows[0]) if rows else None

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
    id, name, description, aliases, gates, tags, *rest = row
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


def _version_view(
    row: Sequence[Any],
    model: ModelView,
    runs: Mapping[str, tuple[str, str]],
    metrics: Mapping[str, Sequence[Metric]],
) -> ModelVersionView:
    id, number, status, run, stack, stack_revision, description, tags, *rest = row
    return ModelVersionView(
        id,
        model.name,
        number,
        status,
        [alias for alias, stands_for in model.aliases.items() if stands_for == number],
        *runs[run],
        stack,
        stack_revision,
        named(metrics[run]),
        description,
        cell(tags),
        *rest,
    )
