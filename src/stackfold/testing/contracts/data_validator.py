"""What every data validator must do, as steps and commands use it."""

import pickle
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from stackfold.application.ports import DataValidator
from stackfold.application.validation.report_page import report_page
from stackfold.domain.errors import InvalidTable, ValidatorCannot
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.validation.validation_report import ValidationReport
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts import not_given

TYPE = ComponentType.DATA_VALIDATOR
MARKUP = "</script><script>alert(1)</script>"


def frame(rows: int = 400, **columns: Any) -> Any:
    """Return a frame of pandas that fulfils the expectations.

    Args:
        rows: Their number.
        **columns: Columns to replace or add.
    """
    ages = [20 + (7 * at) % 50 for at in range(rows)]
    made = {
        "age": ages,
        "income": [1000.0 + 13.0 * ((at * at) % 97) for at in range(rows)],
        "country": ["de" if at % 3 else "fr" for at in range(rows)],
    }
    return import_module("pandas").DataFrame({**made, **columns})


class DataValidatorContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    They are `flavor`, `configuration` and, for flavors that can check, `expectations` and
    `expectations_text`. They need pandas.
    """

    @pytest.fixture
    def flavor(self) -> str:
        """The name of the flavor; one of your own is registered by `workspace`."""
        raise NotImplementedError("override the fixture 'flavor'")

    @pytest.fixture
    def configuration(self) -> Mapping[str, Any]:
        """The configuration of the data validator."""
        return {}

    @pytest.fixture
    def expectations(self) -> Any:
        """What `check` takes: "age" within 0 to 120, and "country" one of "de" and "fr"."""
        not_given("expectations", "checks")

    @pytest.fixture
    def expectations_text(self) -> str:
        """The same as a text."""
        not_given("expectations_text", "expectations in files")

    @pytest.fixture
    def workspace(self) -> Iterator[Workspace]:
        """The workspace; override it to register a flavor of your own."""
        with Workspace.in_memory() as workspace:
            yield workspace

    @pytest.fixture
    def validator(
        self, workspace: Workspace, flavor: str, configuration: Mapping[str, Any]
    ) -> DataValidator:
        """The data validator."""
        found = workspace.flavors.build(TYPE, flavor, configuration)
        assert isinstance(found, DataValidator)
        return found

    def must_can(self, validator: DataValidator, method: Any) -> None:
        """Skip a test of a method that the tool does not have.

        Args:
            validator: The data validator.
            method: The name of the method.
        """
        if method not in validator.can:
            pytest.skip(f"{validator.flavor} cannot {method}")

    def test_it_says_what_it_can(self, validator: DataValidator) -> None:
        assert validator.can
        calls = {
            "profile": lambda: validator.profile(frame()),
            "check": lambda: validator.check(frame(), {}),
            "compare": lambda: validator.compare(frame(), frame()),
        }
        for method in {*calls} - {*validator.can}:
            with pytest.raises(ValidatorCannot) as raised:
                calls[method]()
            assert raised.value.can == validator.can
            assert raised.value.method == method

    def test_a_profile_describes_the_columns(self, validator: DataValidator) -> None:
        self.must_can(validator, "profile")
        report = validator.profile(frame())
        assert (report.kind, report.passed) == ("profile", True)
        assert (report.metrics["rows"], report.metrics["columns"]) == (400, 3)
        assert {*report.columns} == {"age", "income", "country"}
        assert report.tool
        assert report.version == validator.tool_version

    def test_what_a_profile_suggests_holds_for_its_data(self, validator: DataValidator) -> None:
        self.must_can(validator, "profile")
        suggested = validator.profile(frame()).expectations
        if not suggested:
            pytest.skip(f"{validator.flavor} suggests nothing")
        expectations = validator.read_expectations(suggested)
        assert validator.check(frame(), expectations).passed
        assert not validator.check(frame(age=[-5] * 400), expectations).passed

    def test_data_that_fulfils_the_expectations_passes(
        self, validator: DataValidator, expectations: Any
    ) -> None:
        report = validator.check(frame(), expectations)
        assert (report.kind, report.passed, report.failed) == ("check", True, 0)
        assert report.total == len(report.checks) >= 2
        assert report.metrics["rows"] == 400

    def test_all_failed_checks_are_reported(
        self, validator: DataValidator, expectations: Any
    ) -> None:
        bad = frame(age=[-1, *range(1, 400)][:400], country=["xx"] * 400)
        report = validator.check(bad, expectations)
        assert not report.passed
        assert {each.column for each in report.failures} == {"age", "country"}
        assert all(each.problem for each in report.failures)
        assert report.metrics["failed_checks"] == report.failed >= 2

    def test_expectations_are_read_from_a_text(
        self, validator: DataValidator, expectations_text: str
    ) -> None:
        read = validator.read_expectations(expectations_text)
        assert validator.check(frame(), read).passed
        assert not validator.check(frame(age=[999] * 400), read).passed

    def test_a_missing_column_fails(self, validator: DataValidator, expectations: Any) -> None:
        report = validator.check(frame().drop(columns="age"), expectations)
        assert "age" in {each.column for each in report.failures}

    def test_summaries_and_metadata_contain_no_data(
        self, validator: DataValidator, expectations: Any, workspace: Workspace
    ) -> None:
        private = "private-value-417"
        report = validator.check(frame(country=[private] * 400), expectations)
        workspace.artifacts.save(report, "report")
        recorded = workspace.artifacts.describe("report").metadata
        assert recorded["passed"] is False
        assert private not in report.summary
        assert private not in str(recorded)

    def test_equal_data_has_not_drifted(self, validator: DataValidator) -> None:
        self.must_can(validator, "compare")
        report = validator.compare(frame(), frame())
        assert (report.kind, report.passed) == ("compare", True)
        assert report.metrics["drift_share"] == 0
        assert (report.metrics["rows"], report.metrics["reference_rows"]) == (400, 400)

    def test_a_shifted_column_has_drifted(self, validator: DataValidator) -> None:
        self.must_can(validator, "compare")
        shifted = frame(income=[9000.0 + at for at in range(400)])
        report = validator.compare(shifted, frame(), columns=["income"])
        assert not report.passed
        assert report.metrics["drift_share"] == 1

    def test_drift_of_predictions_fails(self, validator: DataValidator) -> None:
        self.must_can(validator, "compare")
        reference = frame(prediction=["yes", "no"] * 200)
        recent = frame(prediction=["yes"] * 390 + ["no"] * 10)
        assert validator.compare(reference, reference, prediction="prediction").passed
        report = validator.compare(recent, reference, prediction="prediction")
        assert not report.passed
        assert "prediction" in {each.column for each in report.failures}

    def test_a_model_that_became_worse_fails(self, validator: DataValidator) -> None:
        self.must_can(validator, "compare")
        truth = ["yes", "no"] * 200
        good = frame(target=truth, prediction=truth)
        poor = frame(target=truth, prediction=["no", "yes"] * 200)
        arguments = {"target": "target", "prediction": "prediction"}
        assert validator.compare(good, good, **arguments).passed
        assert not validator.compare(poor, good, **arguments).passed

    def test_a_column_that_is_named_must_exist(self, validator: DataValidator) -> None:
        self.must_can(validator, "compare")
        with pytest.raises(InvalidTable, match="nowhere"):
            validator.compare(frame(), frame(), columns=["nowhere"])

    @pytest.mark.parametrize("data", [7, "text", None, [1, 2], [{"a": 1}, 2], object()])
    def test_what_is_no_table_is_rejected(self, validator: DataValidator, data: Any) -> None:
        for call in self.calls(validator, data):
            with pytest.raises(InvalidTable):
                call()

    def test_tables_of_other_libraries_are_converted(self, validator: DataValidator) -> None:
        made = frame()
        tables = [made.to_dict("list"), made.to_dict("records")]
        if find_spec("polars") is not None:
            tables.append(import_module("polars").DataFrame(made.to_dict("list")))
        if find_spec("pyarrow") is not None:
            tables.append(import_module("pyarrow").Table.from_pandas(made))
        for table in tables:
            for call in self.calls(validator, table):
                assert call().metrics["rows"] == 400

    def test_odd_tables_have_a_result(self, validator: DataValidator) -> None:
        pandas = import_module("pandas")
        nothing = float("nan")
        odd = {
            "empty": frame(0),
            "no columns": pandas.DataFrame(index=range(3)),
            "missing": frame(income=[nothing] * 400),
            "infinite": frame(income=[float("inf"), *range(399)]),
            "mixed": frame(country=[1, "a", None, 2.5] * 100),
            "lists": frame(country=[[1], [2]] * 200),
            "categories": frame(country=pandas.Categorical(["de", "fr"] * 200)),
            "times": frame(income=pandas.date_range("2026-01-01", periods=400)),
            "booleans": frame(income=[True, False] * 200),
            "one value": frame(income=[1.0] * 400),
            "names": frame(400, **{"": 1.0, "a b": 1.0, "a\n'\"é": 2.0, MARKUP: 3.0}),
            "numbers as names": pandas.DataFrame({0: range(50), 1: range(50)}),
        }
        for name, data in odd.items():
            before = data.copy(deep=True)
            for call in self.calls(validator, data):
                report = call()
                assert ValidationReport.from_json(report.to_json()).summary == report.summary, name
                assert "\n" not in report.summary
            pandas.testing.assert_frame_equal(data, before)

    def test_pages_contain_no_markup_of_the_data(self, validator: DataValidator) -> None:
        data = frame(400, **{MARKUP: [MARKUP, "b"] * 200})
        for call in self.calls(validator, data):
            report = call()
            assert "<script" not in report_page(report)
            assert MARKUP not in report_page(report) + report.html

    def test_a_report_is_stored_and_read_back(
        self, validator: DataValidator, workspace: Workspace, tmp_path: Path
    ) -> None:
        for call in self.calls(validator, frame()):
            report = call()
            workspace.artifacts.save(report, "report")
            assert workspace.artifacts.load("report") == report
            found = workspace.artifacts.describe("report")
            assert found.metadata["passed"] is report.passed
            assert found.materializer == "validation-report"
            with workspace.artifacts.open_preview("report") as preview:
                assert preview.read(15) == b"<!doctype html>"

    def test_it_can_be_sent_to_another_process(self, validator: DataValidator) -> None:
        again = pickle.loads(pickle.dumps(validator))
        assert again.configuration == validator.configuration
        for call in self.calls(again, frame()):
            assert pickle.loads(pickle.dumps(call())).passed

    def calls(self, validator: DataValidator, data: Any) -> Iterator[Any]:
        """Return each method that needs nothing but data, to be called.

        Args:
            validator: The data validator.
            data: The table.
        """
        if "profile" in validator.can:
            yield lambda: validator.profile(data)
        if "compare" in validator.can:
            yield lambda: validator.compare(data, data)
