"""An output with a name of its own is one artifact across pipelines and steps."""

from datetime import UTC, datetime
from typing import Annotated

import pytest

from stackfold.domain.errors import InvalidName, InvalidPipeline, InvalidTag, NotFound, RunFailed
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def load(rows: int = 1) -> Annotated[int, Output("dataset", tags=["eu"], metadata={"rows": 3})]:
    return rows


@step
def clean(rows: int) -> Annotated[int, Output("dataset", label="clean")]:
    return rows + 10


@Pipeline
def loading(rows: int = 1):
    load(rows)


@Pipeline
def cleaning(rows: int = 1):
    clean(load(rows))


@pytest.fixture
def artifacts(workspace):
    return workspace.artifacts


def test_versions_are_counted_across_pipelines_and_steps(runs, artifacts):
    runs.start(loading)
    runs.start(cleaning, {"rows": 2})
    found = artifacts.versions("dataset")
    assert [(each.reference, each.output) for each in found] == [
        ("dataset@3", "cleaning/clean/dataset"),
        ("dataset@2", "cleaning/load/dataset"),
        ("dataset@1", "loading/load/dataset"),
    ]


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        ("dataset", 3),
        ("dataset@latest", 3),
        ("dataset@1", 1),
        ("dataset@v2", 2),
        ("dataset@clean", 3),
        ("loading/load/dataset", 1),
        ("cleaning/load", 2),
        ("cleaning/load/dataset@1", 2),
    ],
)
def test_a_version_is_found_by_number_label_or_output(runs, artifacts, reference, version):
    runs.start(loading)
    runs.start(cleaning, {"rows": 2})
    found = artifacts.get(reference)
    assert (found.name, found.version) == ("dataset", version)
    assert found.load() == {1: 1, 2: 2, 3: 12}[version]


def test_a_version_is_found_by_the_run_that_produced_it(runs, artifacts):
    first = runs.start(loading)
    runs.start(loading, {"rows": 2})
    assert artifacts.get(f"dataset@{first.name}").version == 1
    assert artifacts.get("dataset@good").version == 2


def test_an_unknown_version_names_the_latest_one(runs, artifacts):
    runs.start(loading)
    for which in ("2", "spring", "9" * 30):
        with pytest.raises(NotFound, match="its latest version is 1"):
            artifacts.get(f"dataset@{which}")


def test_renaming_a_step_continues_the_versions(runs, artifacts):
    runs.start(loading)
    renamed = Pipeline(lambda: load.with_options(name="fetch")(2), name="loading")
    runs.start(renamed)
    assert artifacts.get("dataset").view.output == "loading/fetch/dataset"
    assert artifacts.get("dataset").version == 2


def test_an_equal_execution_is_the_same_version(runs, artifacts):
    runs.start(loading)
    runs.start(loading)
    assert [each.version for each in artifacts.versions("dataset")] == [1]


def test_tags_and_metadata_of_the_annotation_are_recorded(runs, artifacts):
    runs.start(loading)
    described = artifacts.describe("dataset")
    assert (described.tags, described.metadata) == (["eu"], {"rows": 3})


def test_the_latest_of_each_name_is_listed(runs, artifacts):
    runs.start(loading)
    runs.start(cleaning, {"rows": 2})
    assert [each.reference for each in artifacts.list(only_latest=True)] == ["dataset@3"]


def test_lineage_shows_own_names(runs, artifacts):
    runs.start(cleaning)
    nearest, *_ = artifacts.lineage("dataset@clean").upstream
    assert (nearest.inputs, nearest.outputs) == ({"rows": "dataset@1"}, ["dataset@2"])


def test_placeholders_stand_for_the_day_and_for_parameters(runs, artifacts):
    @step
    def export(region: str) -> Annotated[str, Output("sales-{region}", label="{date}")]:
        return region

    runs.start(Pipeline(lambda: export("north"), name="exporting"))
    found = artifacts.get("sales-north").view
    assert found.label == f"{datetime.now(UTC):%Y-%m-%d}"
    assert found.output == "exporting/export/output"


def test_a_parameter_that_makes_no_name_fails_the_step_before_it_begins(runs):
    begun = []

    @step
    def export(region: str) -> Annotated[str, Output("sales-{region}")]:
        begun.append(region)
        return region

    with pytest.raises(RunFailed, match="'sales-a/b' cannot name an artifact"):
        runs.start(Pipeline(lambda: export("a/b"), name="exporting"))
    assert not begun


def test_an_unknown_placeholder_is_rejected():
    @step
    def export() -> Annotated[int, Output("sales-{region}")]:
        return 1

    with pytest.raises(InvalidPipeline, match="'region' is neither 'date' or 'time' nor a param"):
        export.signature  # noqa: B018


@pytest.mark.parametrize("name", ["a/b", "", "deadbeef", "a@b", "-a"])
def test_a_name_follows_the_rule(name):
    with pytest.raises(InvalidName):
        Output(name)


@pytest.mark.parametrize("label", ["3", "v3", "latest", "0123456789ab", "a b"])
def test_a_label_is_no_number_and_no_id(label):
    with pytest.raises(InvalidName):
        Output("dataset", label=label)


def test_tags_and_metadata_are_checked():
    with pytest.raises(InvalidTag):
        Output("dataset", tags=["a b"])
    with pytest.raises(InvalidPipeline, match="the metadata of output 'dataset'"):
        Output("dataset", metadata={"model": object()})


def test_two_annotations_of_an_output_are_rejected():
    @step
    def make() -> Annotated[int, Output("one"), Output("two")]:
        return 1

    with pytest.raises(InvalidPipeline, match=r"Output\('one'\) and Output\('two'\): remove one"):
        make.signature  # noqa: B018
