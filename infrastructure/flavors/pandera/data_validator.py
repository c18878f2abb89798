"""The data validator `pandera`: checks tables against schemas, and suggests schemas."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import Field

from stackfold.application import ports
from stackfold.application.ports.data_validator import DataValidator
from stackfold.domain.errors import InvalidExpectations, InvalidFile, ValidatorFailed
from stackfold.domain.errors.wording import text_of
from stackfold.domain.exact_json.class_finder import type_name
from stackfold.domain.validation.validation_report import ValidationReport, one_line
from stackfold.infrastructure.flavors.pandera.failures import checks_of
from stackfold.infrastructure.flavors.table_facts import column_facts
from stackfold.infrastructure.flavors.tables import Sample, as_pandas, sample

_FORMS = (
    "give a DataFrameSchema or DataFrameModel of pandera, or a schema that pandera wrote as YAML "
    "or JSON"
)
_OF_COLUMNS = frozenset(
    {
        "checks", "coerce", "default", "description", "drop_invalid_rows", "dtype", "name",
        "nullable", "regex", "report_duplicates", "required", "title", "unique",
    }
)  # fmt: skip
"""The keys of a column in pandera's YAML and JSON; other keys are checks."""


class PanderaConfiguration(ports.Configuration):
    """How much of a table is checked, and what a report shows of it."""

    max_rows: int | None = Field(
        None,
        ge=1,
        description="The most rows to check: of a larger table, as many rows drawn at random, "
        "always the same ones; by default all rows.",
    )
    examples: int = Field(
        3,
        ge=0,
        le=5,
        description="How many values that failed a report shows for each check; 0 for none, where "
        "they are not to be seen by everyone who sees the report.",
    )


class PanderaDataValidator(DataValidator[PanderaConfiguration]):
    """Checks tables against schemas of pandera, and infers schemas from tables."""

    flavor = "pandera"

    @property
    def tool_version(self) -> str:
        return version("pandera")

    def profile(self, data: Any) -> ValidationReport:
        """Describe data by the types and statistics of its columns, and infer a schema.

        Args:
            data: The table.

        Returns:
            The report, whose `expectations` are the inferred schema as YAML.
        """
        taken = self._sample(data)
        return ValidationReport.of(
            "profile",
            metrics=_sizes(taken),
            columns=column_facts(taken.frame),
            tool="pandera",
            version=self.tool_version,
            expectations=_inferred(taken.frame),
        )

    def check(self, data: Any, expectations: Any) -> ValidationReport:
        """Check data against a schema; all failed checks are reported.

        Args:
            data: The table.
            expectations: A DataFrameSchema or DataFrameModel, or what `read_expectations` reads.
        """
        from pandera.errors import SchemaErrors

        schema = self._schema(expectations)
        taken = self._sample(data)
        frame, failures = taken.frame, []
        if type(schema).__module__.startswith("pandera.api.polars"):
            frame = _as_polars(data, taken)
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            failures = [*error.schema_errors]
        except Exception as error:  # of a check, or of pandera itself
            raise ValidatorFailed(self.flavor, "check", _line(error)) from error
        checks = checks_of(schema, failures, len(taken.frame), self.configuration.examples)
        return ValidationReport.of(
            "check",
            checks,
            metrics=_sizes(taken),
            tool="pandera",
            version=self.tool_version,
        )

    def read_expectations(self, text: str) -> Any:
        """Read a schema that pandera wrote as YAML or JSON.

        Args:
            text: The YAML or JSON.

        Raises:
            InvalidExpectations: It is no such schema.
        """
        from stackfold.infrastructure.files.yaml import parse_yaml

        try:
            record = parse_yaml(text, "the schema")
        except InvalidFile as error:
            raise InvalidExpectations(str(error)) from error
        return self._deserialized(record)

    def _schema(self, expectations: Any) -> Any:
        if isinstance(expectations, str):
            return self.read_expectations(expectations)
        if isinstance(expectations, Mapping):
            return self._deserialized(expectations)
        kind = expectations if isinstance(expectations, type) else type(expectations)
        names = {each.__name__ for each in kind.__mro__ if each.__module__.startswith("pandera.")}
        try:
            if "DataFrameModel" in names and isinstance(expectations, type):
                return expectations.to_schema()  # type: ignore[attr-defined]
        except Exception as error:  # of the class of the user
            raise InvalidExpectations(_line(error)) from error
        if "DataFrameSchema" not in names:
            what = type_name(type(expectations))
            raise InvalidExpectations(f"a {what} is no schema of pandera: {_FORMS}")
        return expectations

    def _deserialized(self, record: Any) -> Any:
        from pandera.io import pandas_io

        reader: Any = pandas_io
        if not isinstance(record, Mapping) or not {"columns", "index", "checks"} & {*record}:
            raise InvalidExpectations(f"the text is no schema of pandera: {_FORMS}")
        unknown = _unknown_keys(record)
        if unknown:
            raise InvalidExpectations(f"pandera has no check {unknown[0]!r:.100} of a column")
        try:
            return reader.deserialize_schema(dict(record))
        except Exception as error:  # pandera raises many classes
            raise InvalidExpectations(_line(error)) from error

    def _sample(self, data: Any) -> Sample:
        return sample(as_pandas(data), self.configuration.max_rows)


def _unknown_keys(record: Mapping[str, Any]) -> list[Any]:
    """The keys of columns that pandera would ignore, such as misspelt checks."""
    from pandera.pandas import Check

    columns = record.get("columns")
    described = columns.values() if isinstance(columns, Mapping) else columns or ()
    return [
        key
        for each in (described if isinstance(described, Iterable) else ())
        for key in (each if isinstance(each, Mapping) else ())
        if key not in _OF_COLUMNS and not hasattr(Check, str(key))
    ]


def _inferred(frame: Any) -> str:
    """The schema that pandera infers, as YAML; empty if it cannot express it."""
    import pandera.pandas

    try:
        schema: Any = pandera.pandas.infer_schema(frame)
        return str(schema.to_yaml())
    except Exception:  # of odd types and names of columns
        return ""


def _as_polars(data: Any, taken: Sample) -> Any:
    import polars

    whole = len(taken.frame) == taken.rows and isinstance(data, polars.DataFrame)
    return data if whole else polars.from_pandas(taken.frame)


def _sizes(taken: Sample) -> dict[str, float]:
    sizes: dict[str, float] = {"rows": taken.rows, "columns": taken.frame.shape[1]}
    checked = len(taken.frame)
    return sizes | ({"sampled_rows": checked} if checked < taken.rows else {})


def _line(error: BaseException) -> str:
    return one_line(f"{type(error).__name__}: {text_of(error)}", 200)
