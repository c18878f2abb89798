"""The data validator `evidently`: the contract, and what only Evidently has."""

import socket
from pathlib import Path

import pytest
from documents import comparable, rerun

from stackfold.domain.errors import InvalidExpectations, InvalidTable, ValidatorCannot
from stackfold.testing.contracts.data_validator import MARKUP, DataValidatorContract, frame

evidently = pytest.importorskip(
    "evidently", reason="evidently is installed by `make slow-flavors` only"
)

from stackfold.infrastructure.flavors.evidently.data_validator import (  # noqa: E402
    EvidentlyConfiguration,
    EvidentlyDataValidator,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "flavors" / "data-validator-evidently.md"


def expected():
    from evidently.metrics import OutListValueCount, OutRangeValueCount
    from evidently.tests import eq

    return [
        OutRangeValueCount(column="age", left=0, right=120, tests=[eq(0)]),
        OutListValueCount(column="country", values=["de", "fr"], tests=[eq(0)]),
    ]


class TestEvidently(DataValidatorContract):
    @pytest.fixture
    def flavor(self):
        return "evidently"

    @pytest.fixture
    def configuration(self):
        return {"full_report": False}

    @pytest.fixture
    def expectations(self):
        return expected()


def validator(**configuration):
    configuration = {"full_report": False, **configuration}
    return EvidentlyDataValidator(EvidentlyConfiguration(**configuration), Path("/"))


def failed(report):
    return {(each.name, each.column) for each in report.failures}


def test_a_comparison_fails_from_a_share_of_drifted_columns_on():
    recent = frame(income=[9000.0 + at for at in range(400)])
    report = validator().compare(recent, frame())
    assert report.passed
    assert report.metrics["drift_share"] == pytest.approx(1 / 3)
    assert report.columns["income"]["drifted"] == "yes"
    assert report.metrics["drift.income"] == report.columns["income"]["drift"]
    report = validator(drift_share=0.3).compare(recent, frame())
    assert failed(report) == {("drift_share", "")}
    assert report.summary == (
        "1 of 4 checks failed: drift_share: 1 of 3 columns have drifted: income"
    )


def test_columns_that_are_lost_or_have_another_type_fail():
    recent = frame(age=["old"] * 400, income=[None] * 200 + [1000.0] * 200)
    report = validator().compare(recent.drop(columns="country"), frame())
    assert {("column_in_data", "country"), ("type", "age"), ("missing_share", "income")} <= failed(
        report
    )


def test_no_rows_fail():
    assert failed(validator().compare(frame(0), frame())) == {("rows", "")}


def test_true_values_are_only_needed_for_the_quality():
    truth = [float(at % 97) for at in range(400)]
    before = frame(truth=truth, guess=[each + 1 for each in truth])
    later = before.drop(columns="truth")
    check = validator()
    assert check.compare(later, before, target="truth", prediction="guess").passed
    worse = before.assign(guess=before["truth"] + 2)
    report = check.compare(worse, before, target="truth", prediction="guess")
    assert ("mean_absolute_error", "") in failed(report)
    assert report.metrics["mean_absolute_error"] == 2
    assert report.metrics["reference_mean_absolute_error"] == 1
    with pytest.raises(InvalidTable, match="data has no column 'guess'"):
        check.compare(frame(), before, prediction="guess")


def test_a_drift_of_the_true_values_fails():
    before, later = frame(truth=["a", "b"] * 200), frame(truth=["a"] * 400)
    assert ("target_drift", "truth") in failed(validator().compare(later, before, target="truth"))


@pytest.mark.parametrize(
    ("numerical", "categorical"),
    [
        ("hellinger", "chisquare"),
        ("jensenshannon", "hellinger"),
        ("kl_div", "jensenshannon"),
        ("ks", "kl_div"),
        ("psi", "psi"),
        ("wasserstein", "TVD"),
    ],
)
def test_the_methods_can_be_chosen(numerical, categorical):
    check = validator(numerical_method=numerical, categorical_method=categorical, drift_share=0.1)
    assert check.compare(frame(), frame()).passed
    shifted = frame(income=[9000.0 + at for at in range(400)], country=["fr"] * 400)
    report = check.compare(shifted, frame())
    drifted = {name for name, of in report.columns.items() if of["drifted"] == "yes"}
    assert drifted == {"income", "country"}


def test_names_and_ids_are_not_compared():
    data = frame(user=[f"user-{at}" for at in range(400)])
    report = validator(max_categories=100).compare(data, data)
    assert report.columns["user"] == {
        "drifted": "not compared",
        "why": "it has more than 100 distinct values",
    }
    assert report.metrics["skipped_columns"] == 1


def test_large_tables_are_sampled_always_the_same():
    import numpy

    numbers = numpy.random.default_rng(1).normal(size=300_000)
    data = frame(300_000).assign(income=numbers)
    check = validator(max_rows=1000)
    report = check.compare(data, data.assign(income=numbers + 0.02))
    assert (report.metrics["rows"], report.metrics["sampled_rows"]) == (300_000, 1000)
    assert check.compare(data, data.assign(income=numbers + 0.02)) == report


def test_two_columns_of_one_name_are_rejected():
    data = frame().set_axis(["a", "b", "a"], axis="columns")
    with pytest.raises(InvalidTable, match="two columns are named 'a'"):
        validator().compare(data, data)


def test_the_page_of_evidently_contains_no_markup_of_the_data():
    data = frame(400, **{MARKUP: [MARKUP, "b"] * 200})
    check = validator(full_report=True)
    for report in (check.compare(data, data), check.profile(data)):
        assert report.html.startswith("<!DOCTYPE html>")
        assert len(report.html) > 1_000_000
        assert MARKUP not in report.html
        assert "alert(1)" in report.html


def test_nothing_is_sent_anywhere(monkeypatch):
    def reached(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", reached)
    check = validator(full_report=True)
    check.compare(frame(), frame())
    check.profile(frame())


def test_expectations_are_metrics_with_tests():
    from evidently import Report
    from evidently.metrics import MinValue, RowCount
    from evidently.presets import DataSummaryPreset
    from evidently.tests import gte

    check = validator()
    least = MinValue(column="age", tests=[gte(30)])
    for given in (least, [least, RowCount()], Report([least])):
        report = check.check(frame(), given)
        assert [(each.column, each.value, each.threshold) for each in report.failures] == [
            ("age", 20, 30)
        ]
    assert check.check(frame(), Report([DataSummaryPreset()], include_tests=True)).total > 5
    with pytest.raises(InvalidExpectations, match="have no tests"):
        check.check(frame(), [RowCount()])
    for given in ("age > 3", {"age": 3}, [3], []):
        with pytest.raises(InvalidExpectations, match="list of metrics"):
            check.check(frame(), given)
    with pytest.raises(ValidatorCannot, match="module:object"):
        check.read_expectations("columns: {}")


def test_the_document_prints_what_it_shows(tmp_path_factory):
    document = DOCUMENT.read_text()
    printed = rerun(document, tmp_path_factory.mktemp("documents-"))
    assert comparable(printed) == comparable(document)
