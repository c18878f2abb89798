"""Comparison: what has changed between a table and its reference, as checks and numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

from stackfold.domain.validation.validation_report import Check
from stackfold.infrastructure.flavors.evidently.configuration import EvidentlyConfiguration
from stackfold.infrastructure.flavors.evidently.model_quality import Quality, quality
from stackfold.infrastructure.flavors.evidently.prepared_table import Prepared, is_number
from stackfold.infrastructure.flavors.evidently.snapshot import Drift, drifts, run

_MOST_NAMED = 5
_MOST_METRICS = 50


class Comparison:
    """Compares a table with a reference."""

    def __init__(
        self,
        configuration: EvidentlyConfiguration,
        frames: Sequence[Any],
        tables: Prepared,
        compared: Sequence[str],
        target: str,
        prediction: str,
    ) -> None:
        """Create a comparison; `run` must follow if there are `columns`.

        Args:
            configuration: Methods and thresholds.
            frames: The table and its reference, as they were given.
            tables: Both, as Evidently takes them.
            compared: The columns to compare; the table may lack some of them.
            target: The column with the true values; empty for none.
            prediction: The column with the predictions; empty for none.
        """
        self._configuration = configuration
        self._data, self._reference = frames
        self._tables = tables
        self._compared = compared
        self._roles = {target: "target_drift", prediction: "prediction_drift"}
        self._roles.pop("", None)
        self._drifts: dict[str, Drift] = {}
        known = [*tables.numerical, *tables.categorical]
        # Evidently raises for a column without any value.
        self._empty = [
            name for name in known if any(each[name].isna().all() for each in tables.frames)
        ]
        self.columns = [name for name in known if name not in self._empty]
        """The columns that Evidently compares."""
        self._quality: Quality | None = None
        if target in self._data.columns and prediction and target:
            drop = configuration.quality_drop
            self._quality = quality(self._data, self._reference, target, prediction, drop)

    def run(self) -> Any:
        """Let Evidently compare the columns, and return its snapshot."""
        from evidently.presets import DataDriftPreset

        wanted = self._configuration
        preset = DataDriftPreset(
            columns=self.columns,
            drift_share=wanted.drift_share,
            num_method=wanted.numerical_method,
            num_threshold=wanted.numerical_threshold,
            cat_method=wanted.categorical_method,
            cat_threshold=wanted.categorical_threshold,
        )
        snapshot = run([preset], self._tables, default_tests=True)
        self._drifts = drifts(snapshot.dict())
        return snapshot

    def checks(self) -> Iterator[Check]:
        """The checks, of which a single drifted column is none unless it has a role."""
        if not len(self._data):
            yield Check("rows", passed=False, value=0, problem="the data has no rows")
            return
        drifted, features = self._drifted, self._features
        share = len(drifted) / len(features) if features else 0
        limit = self._configuration.drift_share
        failed = bool(drifted) and share >= limit
        named = ", ".join(drifted[:_MOST_NAMED])
        more = f" and {len(drifted) - _MOST_NAMED:,} more" if len(drifted) > _MOST_NAMED else ""
        problem = f"{len(drifted):,} of {len(features):,} columns have drifted: {named}{more}"
        yield Check("drift_share", "", not failed, share, limit, problem if failed else "")
        for column, name in self._roles.items():
            if drift := self._drifts.get(column):
                problem = f"has drifted, by {drift.method}" if drift.drifted else ""
                yield Check(name, column, not drift.drifted, drift.score, drift.threshold, problem)
        yield from self._of_columns()
        if found := self._quality:
            worse = f"{found.value:.4g}, {found.reference:.4g} on the reference"
            problem = "" if found.is_accepted else worse
            yield Check(found.name, "", found.is_accepted, found.value, found.limit, problem)

    def _of_columns(self) -> Iterator[Check]:
        """The checks of single columns besides their drift."""
        allowed = self._configuration.missing_share
        for name in self._compared:
            if name not in self._data.columns:
                if name not in self._roles:
                    yield Check(
                        "column_in_data", name, False, problem="the data has no such column"
                    )
                continue
            new, old = self._data[name], self._reference[name]
            if (
                is_number(old)
                and not is_number(new)
                and new.dtype.kind != "b"
                and new.notna().any()
            ):
                problem = f"{old.dtype} in the reference, {new.dtype} in the data"
                yield Check("type", name, False, problem=problem)
            was = float(old.isna().mean()) if len(old) else 0.0
            now, limit = float(new.isna().mean()), min(was + allowed, 1.0)
            problem = f"{now:.0%} of the values are missing, {was:.0%} in the reference"
            yield Check("missing_share", name, now <= limit, now, limit, problem * (now > limit))

    @property
    def _features(self) -> list[str]:
        return [each for each in self.columns if each not in self._roles]

    @property
    def _drifted(self) -> list[str]:
        return [
            name for name in self._features if name in self._drifts and self._drifts[name].drifted
        ]

    def metrics(self) -> dict[str, float | None]:
        """The numbers of a report."""
        features, drifted = self._features, self._drifted
        found: dict[str, float | None] = {
            "drift_share": len(drifted) / len(features) if features else 0,
            "drifted_columns": len(drifted),
            "compared_columns": len(features),
            "skipped_columns": len(self._tables.skipped) + len(self._empty),
        }
        for column, name in self._roles.items():
            if column in self._drifts:
                found[name] = float(self._drifts[column].drifted)
        if self._quality:
            found[self._quality.name] = self._quality.value
            found[f"reference_{self._quality.name}"] = self._quality.reference
        for name in [*self._drifts][:_MOST_METRICS]:
            found[f"drift.{name}"] = self._drifts[name].score
        return found

    def facts(self) -> dict[str, dict[str, float | str | None]]:
        """Column → its drift, or why it was not compared."""
        found: dict[str, dict[str, float | str | None]] = {}
        for name in self._compared:
            if drift := self._drifts.get(name):
                found[name] = {
                    "drifted": "yes" if drift.drifted else "no",
                    "drift": drift.score,
                    "threshold": drift.threshold,
                    "method": drift.method,
                }
            else:
                reason = self._tables.skipped.get(name, "one of the tables has no values")
                found[name] = {"drifted": "not compared", "why": reason}
        return found
