"""Queries for runs, in plain SQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.listing.listing import Listing
from stackfold.application.runs.metrics import LazyMetrics, Metric, MetricPoint
from stackfold.application.runs.run_views import (
    NEWEST_FIRST,
    PipelineView,
    RunDescription,
    RunView,
    StepView,
)
from stackfold.application.runs.where import Comparison
from stackfold.domain.errors import Ambiguous, NotFound
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.artifact_uses import aliases_of_run
from stackfold.infrastructure.queries.data_frames import data_frame
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.metrics import course, metrics_of
from stackfold.infrastructure.queries.run_filters import is_sorted_by_metric, matching_runs
from stackfold.infrastructure.queries.run_references import NO_RUN_YET, relative_run
from stackfold.infrastructure.queries.run_rows import parameters_of, rows_in_order
from stackfold.infrastructure.queries.text import encodable

if TYPE_CHECKING:
    from stackfold.application.runs.recorded_parameters import RecordedParameters
    from stackfold.domain.runs.pin import PinnedArtifact

_SORTABLE = {
    field: f"t.{field}" for field in (*RunView._fields, "position", "stack_id", "source", "error")
}
# The log does not record that a process was killed, so a query checks whether the run is still
# claimed. Runs that were submitted to an engine are not claimed.
_SORTABLE["status"] = (
    "CASE WHEN t.status = 'running' AND t.submitted IS NULL AND NOT run_is_claimed(t.id) "
    "THEN 'interrupted' "
    "ELSE t.status END"
)
_SORTABLE["model_version"] = (
    "CASE WHEN t.model_version IS NOT NULL THEN (SELECT coalesce((SELECT m.name FROM models AS m "
    "WHERE m.id = v.model AND m.until IS NULL) || '@' || v.number, v.name) "
    "FROM model_versions AS v WHERE v.id = t.model_version AND v.revision = 1) END"
)
_SORTABLE["schedule"] = (
    "(SELECT s.name FROM scheduled_runs AS o JOIN schedules AS s ON s.id = o.schedule "
    "AND s.until IS NULL WHERE o.run = t.id)"
)
STATUS = _SORTABLE["status"]
"""SQL for the status of a run `t`."""
_RUN = (
    f"SELECT {', '.join(_SORTABLE[field] for field in RunView._fields)} FROM runs AS t WHERE true"
)
_PIPELINE = {
    "name": "t.pipeline",
    "runs": "n.runs",
    "last_run": "t.name",
    **{field: _SORTABLE[field] for field in ("status", "stack", "started", "ended", "by")},
}
_PIPELINES = (
    f"SELECT {', '.join(_PIPELINE[field] for field in PipelineView._fields)} FROM (SELECT "
    "pipeline, max(position) AS last, count(*) AS runs FROM runs GROUP BY pipeline) AS n "
    "JOIN runs AS t ON t.pipeline = n.pipeline AND t.position = n.last WHERE true"
)
ARTIFACT_COLUMNS = ", ".join(
    {
        "own_name": "o.name",
        "own_version": "o.version",
        # What was changed later counts.
        "metadata": "coalesce(note.metadata, a.metadata)",
        "tags": "coalesce(note.tags, a.tags)",
    }.get(field, f"a.{field}")
    for field in ArtifactView._fields
)
"""The columns of `ArtifactView`, of artifacts `a` and their own names `o`."""
OWN_NAMES = (
    "LEFT JOIN artifact_versions AS o ON o.artifact = a.id "
    "LEFT JOIN artifact_notes AS note ON note.artifact = a.id AND note.until IS NULL"
)
_FLOWS = f"FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact {OWN_NAMES} WHERE f.run = ?"
_ARTIFACT = f"SELECT {ARTIFACT_COLUMNS} {_FLOWS} AND f.direction = 'out'"
_FLOW = (
    f"SELECT f.step, f.direction, f.name, {ARTIFACT_COLUMNS} {_FLOWS} AND f.direction <> 'in' "
    "ORDER BY f.ordinal, f.name"
)


def _recorded_status(listing: Listing) -> tuple[str, list[str]]:
    """SQL for the status that the log has of the wanted runs, as only that one has an index."""
    for condition in listing.where:
        if condition.column == "status" and condition.operator == "equals":
            status = encodable(condition.value)
            return " AND t.status = ?", ["running" if status == "interrupted" else status]
    return "", []


class SqlRunQueries:
    """Implements `RunQueries`."""

    def __init__(self, database: Database, claims: Claims) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
            claims: Know which runs are being executed.
        """
        self._database = database
        database.define("run_is_claimed", claims.is_claimed)

    def runs(
        self, listing: Listing = NEWEST_FIRST, comparisons: Sequence[Comparison] = ()
    ) -> list[RunView]:
        """The runs that match a listing and all comparisons."""
        if comparisons or is_sorted_by_metric(self._database, listing, _SORTABLE):
            ids = matching_runs(self._database, listing, comparisons, _SORTABLE)
            return self._views(rows_in_order(self._database, _RUN, ids))
        wanted = listing_clauses(listing, _SORTABLE)
        recorded, statuses = _recorded_status(listing)
        return self._views(
            self._database.read(
                f"{_RUN}{recorded}{wanted.where}{wanted.tail}", [*statuses, *wanted.parameters]
            )
        )

    def run(self, reference: str) -> RunView:
        """The run with a name, id or unique prefix, or with a relative reference."""
        exact = self._exact(reference)
        if not exact and (id := relative_run(self._database, reference)):
            exact = self._exact(id)
        if exact:
            return exact[0]
        begins = "substr(t.id, 1, length(?)) = ? OR substr(t.name, 1, length(?)) = ?"
        fitting = self._found(begins, *[reference] * 4) if reference else []
        if not fitting:
            raise NotFound("run", reference, NO_RUN_YET.get(reference, ""))
        if len(fitting) > 1:
            raise Ambiguous("run", reference, [view.name for view in fitting[:10]])
        return fitting[0]

    def pipelines(self, listing: Listing) -> list[PipelineView]:
        """The pipelines that have run and match a listing."""
        wanted = listing_clauses(listing, _PIPELINE)
        rows = self._database.read(f"{_PIPELINES}{wanted.where}{wanted.tail}", wanted.parameters)
        return [*map(PipelineView._make, rows)]

    @one_state
    def describe_run(self, reference: str) -> RunDescription:
        """The run with a name, id or unique prefix, with its steps."""
        view = self.run(reference)
        ((source, import_root, why, error, parameters, graph, pin, *rest),) = self._database.read(
            "SELECT source, import_root, why, error, parameters, graph, pin, rerun_of, "
            "environment, position, configuration, metadata, submitted, parameter_form, "
            "pinned_artifacts, returns FROM runs WHERE id = ?",
            (view.id,),
        )
        rerun_of, environment, position, configuration, metadata, submitted, form, *more = rest
        pinned, returns = map(cell, more)
        return RunDescription(
            *view,
            source=source,
            import_root=import_root,
            why=why,
            error=error,
            parameters=_values(parameters, form),
            parameter_form=form,
            configuration=_configuration(configuration, form),
            steps=self._steps(view.id, cell(graph)),
            pin=cell(pin),
            rerun_of=rerun_of,
            environment=cell(environment),
            position=position,
            metadata=cell(metadata),
            submitted=cell(submitted) if submitted else None,
            references={text: each["reference"] for text, each in pinned.items()},
            returns=returns,
        )

    @one_state
    def previous(self, reference: str, status: str | None) -> RunView | None:
        """The run of the same pipeline and stack before one."""
        clause, values = (f" AND {_SORTABLE['status']} = ?", [status]) if status else ("", [])
        this = self._database.read(
            "SELECT stack_id, pipeline, position FROM runs WHERE id = ?", (self.run(reference).id,)
        )
        rows = self._database.read(
            f"{_RUN} AND t.stack_id = ? AND t.pipeline = ? AND t.position < ?{clause} "
            "ORDER BY t.position DESC LIMIT 1",
            [*this[0], *values],
        )
        return self._views(rows)[0] if rows else None

    def metrics(self, runs: Collection[str]) -> dict[str, list[Metric]]:
        """The metrics of each of the runs with some ids."""
        return metrics_of(self._database, runs)

    def parameters(
        self, runs: Collection[str], steps: Collection[str] = ()
    ) -> dict[str, dict[str, Any]]:
        """The parameters of each of the runs with some ids, and of some steps as "step.name"."""
        return {
            run: {
                f"{step}.{name}" if step else name: value
                for step, form, text in recorded
                for name, value in _values(text, form).items()
            }
            for run, recorded in parameters_of(self._database, runs, steps).items()
        }

    def data_frame(self, columns: Mapping[str, list[Any]], times: Collection[str] = ()) -> Any:
        """A table of pandas."""
        return data_frame(columns, times)

    def course(
        self, name: str, pipeline: str | None, stack_id: str | None, limit: int
    ) -> list[MetricPoint]:
        """The values of a metric in several runs, the latest run first."""
        return course(self._database, name, pipeline, stack_id, limit)

    def recorded_parameters(self, run: str) -> "RecordedParameters":
        """The recorded parameters of the run with an id."""
        from stackfold.application.runs.recorded_parameters import RecordedParameters

        ((form, parameters, configuration),) = self._database.read(
            "SELECT parameter_form, parameters, configuration FROM runs WHERE id = ?", (run,)
        )
        return RecordedParameters(form, cell(parameters), cell(configuration))

    def pinned_artifacts(self, run: str) -> "dict[str, PinnedArtifact]":
        """Reference → the artifact of an earlier run that the run with an id takes."""
        from stackfold.domain.runs.pin import PinnedArtifact

        ((pinned,),) = self._database.read("SELECT pinned_artifacts FROM runs WHERE id = ?", (run,))
        return {text: PinnedArtifact.model_validate(each) for text, each in cell(pinned).items()}

    def artifacts(self, run: str, step: str | None = None) -> Sequence[ArtifactView]:
        """The artifacts that the run with an id, or one of its steps, produced."""
        if step is None:
            rows = self._database.read(f"{_ARTIFACT} ORDER BY a.position, f.ordinal", (run,))
        else:
            select = f"{_ARTIFACT} AND f.step = ? ORDER BY f.ordinal"
            rows = self._database.read(select, (run, step))
        return [artifact_view(row) for row in rows]

    def aliases(self, run: str) -> Sequence[str]:
        """The aliases that stand for artifacts that would vanish with a run."""
        return aliases_of_run(self._database, run)

    def _exact(self, reference: str) -> list[RunView]:
        return self._found("t.id = ? OR t.name = ?", reference, reference)

    def _found(self, condition: str, *values: str) -> list[RunView]:
        rows = self._database.read(f"{_RUN} AND ({condition}) ORDER BY t.position DESC", values)
        return self._views(rows)

    def _views(self, rows: Sequence[Any]) -> list[RunView]:
        views = [_run(row) for row in rows]
        metrics = LazyMetrics([view.id for view in views], self.metrics)
        for view in views:
            view.lazy_metrics = metrics
        return views

    def _steps(self, run: str, graph: list[dict[str, Any]]) -> list[StepView]:
        rows = self._database.read(
            f"SELECT name, {', '.join(_STEP)} FROM steps WHERE run = ?", (run,)
        )
        executed = {row[0]: row[1:] for row in rows}
        annotations = self._database.read(
            "SELECT step, metadata, tags FROM step_annotations WHERE run = ?", (run,)
        )
        annotated = {step: tuple(texts) for step, *texts in annotations}
        flows: dict[tuple[str, str], list[tuple[str, ArtifactView]]] = {}
        # By the step that they are outputs of: from the cache, another step may have produced them.
        for step, direction, name, *artifact in self._database.read(_FLOW, (run,)):
            flows.setdefault((step, direction), []).append((name, artifact_view(artifact)))
        return [
            _step(node, executed.get(node["name"]), annotated.get(node["name"]), flows)
            for node in graph
        ]


def _values(text: str, form: str) -> dict[str, Any]:
    """The values of parameters that were recorded in a format."""
    records: dict[str, Any] = cell(text)
    if form == "plain" or '"$' not in text:
        return records
    from stackfold.application.runs.recorded_parameters import values_of

    return values_of(records)


def _configuration(text: str, form: str) -> dict[str, Any]:
    """A recorded configuration, with the values of the parameters of its steps."""
    chosen: dict[str, Any] = cell(text)
    if form == "plain" or '"$' not in text:
        return chosen
    from stackfold.application.runs.recorded_parameters import values_of_configuration

    return values_of_configuration(chosen)


def _run(row: Sequence[Any]) -> RunView:
    *plain, tags, version = row
    return RunView._make((*plain, cell(tags), version))


def artifact_view(row: Sequence[Any]) -> ArtifactView:
    """The view of a row with the columns of `ArtifactView`."""
    return ArtifactView(*row[:-4], *map(cell, row[-4:]))


_JSON = ("inputs", "retried", "log", "metadata", "tags")
_STEP = (
    *("status", "started", "ended", "error", "traceback", "key", "cached_from"),
    *("parameters", "parameter_form", *_JSON),
)
_NEVER = ("pending", None, None, "", "", "", None, "{}", "exact", "{}", "[]", "null", "{}", "[]")


def _step(
    node: dict[str, Any],
    row: tuple[Any, ...] | None,
    annotated: tuple[str, ...] | None,
    flows: Mapping[tuple[str, str], list[tuple[str, ArtifactView]]],
) -> StepView:
    returned, saved, used = (flows.get((node["name"], way), ()) for way in ("out", "saved", "used"))
    known: dict[str, Any] = dict(zip(_STEP, row or _NEVER, strict=True))
    if annotated:  # what was changed later counts
        known["metadata"], known["tags"] = annotated
    known |= {name: cell(known[name] or "null") for name in _JSON}
    known["parameters"] = _values(known["parameters"], known["parameter_form"])
    return StepView(
        name=node["name"],
        upstream=node["upstream"],
        step_operator=node["step_operator"],
        outputs=[artifact for _, artifact in returned],
        code=node["code"],
        declares=node["outputs"],
        materializers=node["materializers"],
        could_be_cached=node["cache"],
        # Older runs have neither field.
        code_form=node.get("code_form", 1),
        opaque=node.get("opaque", []),
        saved=[artifact for _, artifact in saved],
        used={reference: artifact.reference for reference, artifact in used},
        **known,
    )
