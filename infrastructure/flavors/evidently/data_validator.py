"""The data validator `evidently`: drift of data and models, profiles, and Evidently's tests."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from stackfold.application.ports.data_validator import DataValidator
from stackfold.domain.errors import InvalidExpectations, InvalidTable
from stackfold.domain.exact_json.class_finder import type_name
from stackfold.domain.validation.validation_report import Check, ValidationReport
from stackfold.infrastructure.flavors.evidently.comparison import Comparison
from stackfold.infrastructure.flavors.evidently.configuration import EvidentlyConfiguration
from stackfold.infrastructure.flavors.evidently.metric_tests import metrics_of, results
from stackfold.infrastructure.flavors.evidently.prepared_table import (
    Prepared,
    named,
    prepared,
)
from stackfold.infrastructure.flavors.evidently.snapshot import failing_as, page, run
from stackfold.infrastructure.flavors.table_facts import column_facts
from stackfold.infrastructure.flavors.tables import Sample, as_pandas, sample


class EvidentlyDataValidator(DataValidator[EvidentlyConfiguration]):
    """Finds drift of data and models with Evidently."""

    flavor = "evidently"

    @property
    def tool_version(self) -> str:
        return version("evidently")

    def profile(self, data: Any) -> ValidationReport:
        """Describe data by the types and statistics of its columns, with Evidently's summary.

        Args:
            data: The table.
        """
        taken = self._sample(data)
        frame = named(taken)
        tables = self._prepared(frame)
        html = ""
        if self.configuration.full_report and tables.frames[0].size:
            from evidently.presets import DataSummaryPreset

            with failing_as(self.flavor, "profile"):
                html = page(run([DataSummaryPreset()], tables), _texts(tables))
        return ValidationReport.of(
            "profile",
            metrics={**_sizes(taken), "skipped_columns": len(tables.skipped)},
            columns=column_facts(frame),
            tool="evidently",
            version=self.tool_version,
            html=html,
        )

    def check(self, data: Any, expectations: Any) -> ValidationReport:
        """Check data by metrics of Evidently that have tests.

        Args:
            data: The table.
            expectations: A list of metrics and presets, or a `Report` of them.
        """
        with failing_as(self.flavor, "check"):
            metrics = metrics_of(expectations)
        if metrics is None:
            what = type_name(type(expectations))
            raise InvalidExpectations(
                f"a {what} is nothing that Evidently checks: give a list of metrics with tests"
            )
        taken = self._sample(data)
        frame = named(taken)
        missing = [
            Check("column_in_dataframe", column, False, problem="there is no such column")
            for metric in metrics
            if (column := getattr(metric, "column", None)) and column not in frame.columns
        ]
        columns = {each.column for each in missing}
        metrics = [each for each in metrics if getattr(each, "column", None) not in columns]
        checks, html = [*dict.fromkeys(missing)], ""
        tables = self._prepared(frame)
        if metrics:
            with failing_as(self.flavor, "check"):
                default_tests = bool(getattr(expectations, "include_tests", False))
                snapshot = run(metrics, tables, default_tests)
                checks += results(snapshot.dict())
                html = self._page(snapshot, tables)
        if not checks:
            raise InvalidExpectations(
                "the metrics have no tests: add them, such as MissingValueCount(tests=[eq(0)])"
            )
        return ValidationReport.of(
            "check",
            checks,
            metrics=_sizes(taken),
            tool="evidently",
            version=self.tool_version,
            html=html,
        )

    def compare(
        self,
        data: Any,
        reference: Any,
        *,
        target: str = "",
        prediction: str = "",
        columns: Sequence[str] = (),
    ) -> ValidationReport:
        """Find the columns whose distribution differs from that in a reference.

        The comparison fails if the configured share of the columns has drifted, if the predictions
        or the true values have, if a column of the reference is missing, has another type or has
        many more missing values, or if the model has become worse.

        Args:
            data: The table, such as recent requests.
            reference: The table to compare it with.
            target: The column with the true values; empty for none.
            prediction: The column with a model's predictions; empty for none.
            columns: The columns to compare; empty for all of the reference.
        """
        samples = [self._sample(each) for each in (data, reference)]
        frames = [named(each) for each in samples]
        roles = [each for each in (target, prediction) if each]
        for frame, which in zip(frames, ("data", "reference"), strict=True):
            for name in (*columns, *(roles if which == "reference" else [prediction])):
                if name and name not in frame.columns:
                    raise InvalidTable(f"the {which} has no column {name!r:.100}")
        compared = [*dict.fromkeys(columns or frames[1].columns)]
        compared += [each for each in roles if each not in compared]
        shared = [each for each in compared if each in frames[0].columns]
        tables = prepared(frames, shared, self.configuration.max_categories)
        comparison = Comparison(self.configuration, frames, tables, compared, target, prediction)
        html = ""
        if comparison.columns:
            with failing_as(self.flavor, "compare"):
                snapshot = comparison.run()
                html = self._page(snapshot, tables)
        sizes = _sizes(samples[0])
        return ValidationReport.of(
            "compare",
            comparison.checks(),
            metrics={**sizes, "reference_rows": samples[1].rows, **comparison.metrics()},
            columns=comparison.facts(),
            tool="evidently",
            version=self.tool_version,
            html=html,
        )

    def _page(self, snapshot: Any, tables: Prepared) -> str:
        return page(snapshot, _texts(tables)) if self.configuration.full_report else ""

    def _sample(self, data: Any) -> Sample:
        return sample(as_pandas(data), self.configuration.max_rows)

    def _prepared(self, frame: Any) -> Prepared:
        return prepared([frame], [*frame.columns], self.configuration.max_categories)


def _texts(tables: Prepared) -> list[str]:
    """The names and categories of tables."""
    values = {
        str(value)
        for frame in tables.frames
        for name in tables.categorical
        for value in frame[name].dropna().unique()
    }
    return [*tables.numerical, *tables.categorical, *values]


def _sizes(taken: Sample) -> dict[str, float]:
    sizes: dict[str, float] = {"rows": taken.rows, "columns": taken.frame.shape[1]}
    used = len(taken.frame)
    return sizes | ({"sampled_rows": used} if used < taken.rows else {})
