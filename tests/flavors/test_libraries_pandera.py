"""The data validator `pandera`: the contract, and what only pandera has."""

from importlib.metadata import version
from pathlib import Path

import pytest
from documents import comparable, rerun

from stackfold import Workspace, pipeline
from stackfold.domain.errors import InvalidExpectations, RunFailed, ValidatorFailed
from stackfold.steps import validate
from stackfold.testing.contracts.data_validator import DataValidatorContract, frame

pandera = pytest.importorskip(
    "pandera.pandas", reason="pandera is installed by `make test-flavors` only"
)

from stackfold.infrastructure.flavors.pandera.data_validator import (  # noqa: E402
    PanderaConfiguration,
    PanderaDataValidator,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "data-validation.md"
TEXT = """
columns:
  age:
    dtype: int64
    greater_than_or_equal_to: 0
    less_than_or_equal_to: 120
  country:
    nullable: true
    isin: [de, fr]
"""


def schema(**options):
    return pandera.DataFrameSchema(
        {
            "age": pandera.Column(int, pandera.Check.in_range(0, 120)),
            "country": pandera.Column(None, pandera.Check.isin(["de", "fr"])),
        },
        **options,
    )


class People(pandera.DataFrameModel):
    age: int = pandera.Field(ge=0, le=120)


class TestPandera(DataValidatorContract):
    @pytest.fixture
    def flavor(self):
        return "pandera"

    @pytest.fixture
    def expectations(self):
        return schema()

    @pytest.fixture
    def expectations_text(self):
        return TEXT


def validator(**configuration):
    return PanderaDataValidator(PanderaConfiguration(**configuration), Path("/"))


def failed(data, expectations):
    report = validator().check(data, expectations)
    return {(each.column, each.name): each.problem for each in report.failures}


def test_its_version_is_that_of_pandera():
    assert validator().check(frame(), schema()).version == version("pandera")


@pytest.mark.parametrize("form", ["schema", "model", "yaml", "json", "mapping"])
def test_every_form_of_a_schema_is_taken(form):
    simple = pandera.DataFrameSchema({"age": pandera.Column(int, pandera.Check.le(120))})
    given = {
        "schema": simple,
        "model": People,
        "yaml": simple.to_yaml(),
        "json": simple.to_json(),
        "mapping": {"columns": {"age": {"dtype": "int64", "less_than_or_equal_to": 120}}},
    }[form]
    assert validator().check(frame(), given).passed
    assert {column for column, _ in failed(frame(age=[121] * 400), given)} == {"age"}


@pytest.mark.parametrize(
    "given",
    [
        "",
        "- a\n- b",
        "a: [1",
        "columns: {age: {dtype: nonsense}}",
        "columns: {age: {no_such_check: 3}}",
        "columns: !!python/object/apply:os.system ['false']",
        {"age": int},
        {"columns": 3},
        7,
        None,
        frame,
        int,
    ],
)
def test_what_is_no_schema_is_rejected_in_one_line(given):
    with pytest.raises(InvalidExpectations) as raised:
        validator().check(frame(), given)
    assert "\n" not in str(raised.value)


def test_a_column_of_another_type_is_one_problem():
    texts = frame(age=["31", "x"] * 200)
    for options, name in (({}, "dtype('int64')"), ({"coerce": True}, "coerce_dtype('int64')")):
        found = failed(texts, schema(**options))
        assert found == {
            ("age", name): "200 of 400 rows",
            ("age", "in_range(0, 120)"): "it raised TypeError",
        }


def test_rules_between_columns_and_of_the_index_are_checked():
    rules = pandera.DataFrameSchema(
        checks=[
            pandera.Check(lambda rows: rows["age"] < rows["income"], name="rich"),
            pandera.Check(lambda rows: rows["nowhere"] > 0, name="broken"),
        ],
        index=pandera.Index(int, pandera.Check.ge(1)),
        unique=["age", "income"],
        strict=True,
        columns={"age": pandera.Column(int), "income": pandera.Column(float)},
    )
    rows = frame(3, age=[20, 20, 5000], income=[1000.0, 1000.0, 1.0])
    assert failed(rows, rules) == {
        ("", "rich"): "1 of 3 rows",
        ("", "broken"): "it raised KeyError",
        ("index", "greater_than_or_equal_to(1)"): "1 of 3 rows",
        ("", "multiple_fields_uniqueness"): "2 of 3 rows",
        ("country", "column_in_schema"): "the schema has no such column",
    }


def test_checks_of_one_name_are_numbered():
    checks = [pandera.Check(lambda age, n=n: age != n) for n in (20, 27, -1)]
    rules = pandera.DataFrameSchema({"age": pandera.Column(int, checks)})
    assert {*failed(frame(2), rules)} == {("age", "<lambda>"), ("age", "<lambda> (2)")}


def test_examples_can_be_left_out():
    bad = frame(country=["xx"] * 400)
    assert validator().check(bad, schema()).failures[0].examples == ("xx",)
    assert validator(examples=0).check(bad, schema()).failures[0].examples == ()


def test_what_pandera_raises_is_one_line():
    class Odd(pandera.DataFrameSchema):
        def validate(self, *_, **__):
            raise ValueError("odd\nschema")

    with pytest.raises(ValidatorFailed, match="could not check: ValueError: odd schema"):
        validator().check(frame(), Odd())


def test_a_million_rows_are_checked_or_sampled():
    rows = frame(1_000_000)
    rows.loc[rows.index[-1], "age"] = 999
    assert failed(rows, schema()) == {("age", "in_range(0, 120)"): "1 of 1,000,000 rows"}
    report = validator(max_rows=1000).check(rows, schema())
    assert (report.metrics["rows"], report.metrics["sampled_rows"]) == (1_000_000, 1000)


def test_schemas_of_polars_check_frames_of_polars():
    polars = pytest.importorskip("polars")
    native = pytest.importorskip("pandera.polars")
    rules = native.DataFrameSchema({"age": native.Column(int, native.Check.le(60))})
    for data in (polars.DataFrame({"age": [7, 61]}), {"age": [7, 61]}):
        assert failed(data, rules) == {("age", "less_than_or_equal_to(60)"): "1 of 2 rows"}


@pipeline
def people(age: int) -> None:
    validate(frame(age=[age] * 400), schema(), name="as-schema")
    validate(frame(age=[age] * 400), People, name="as-model")


def test_schemas_are_given_to_steps_as_they_are():
    with Workspace.in_memory() as workspace:
        workspace.components.register("data_validator", "checks", "pandera")
        workspace.stacks.register(
            "checked",
            orchestrator="default",
            artifact_store="default",
            data_validator="checks",
            activate=True,
        )
        workspace.run(people, age=30)
        for name in ("as-schema", "as-model"):
            assert workspace.artifacts.load(name).passed
        with pytest.raises(RunFailed, match="400 of 400 rows"):
            workspace.run(people, age=999)


def test_the_document_prints_what_it_shows(tmp_path_factory):
    document = DOCUMENT.read_text()
    printed = rerun(document, tmp_path_factory.mktemp("documents-"))
    assert comparable(printed) == comparable(document)
