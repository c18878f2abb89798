"""What runs produced is found by name, described, loaded, and traced."""

import subprocess
import sys

import pytest
from runnable import STORE, load, single, total, training

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import Ambiguous, InvalidListing, NotFound, PickleForbidden
from stackfold.domain.pipelines.options import StepOptions
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.materializers import ALL
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def artifacts(workspace):
    return workspace.artifacts


@step(enable_cache=False)
def count(rows: int) -> int:
    return rows


@Pipeline
def counting(rows: int = 1):
    count(rows)


class Odd:
    pass


# -- names and versions


def test_an_artifact_is_found_by_pipeline_step_and_output(runs, artifacts):
    run = runs.start(training)
    found = artifacts.get("training/split/right")
    assert (found.name, found.version) == ("training/split/right", 1)
    assert found.view.run == run.id
    assert found.load() == artifacts.load("training/split/right") == [2, 3]
    assert found.view.reference == "training/split/right@1"


def test_the_output_may_be_left_out_if_there_is_one(runs, artifacts):
    runs.start(training)
    assert artifacts.load("training/total") == 2.0
    with pytest.raises(Ambiguous, match="training/split/left@1, training/split/right@1"):
        artifacts.get("training/split")


def test_versions_are_counted_for_each_name(runs, artifacts):
    for rows in (5, 6, 7):
        runs.start(counting, {"rows": rows})
    runs.start(single(lambda: 1))
    assert artifacts.get("counting/count/output").version == 3
    loaded = [artifacts.load(f"counting/count@{version}") for version in (1, 2, 3)]
    assert loaded == [5, 6, 7]
    assert artifacts.get("alone/only").version == 1
    assert artifacts.describe("counting/count").versions == 3
    for missing in (0, 4, 10**30):
        with pytest.raises(NotFound):
            artifacts.get(f"counting/count@{missing}")


def test_an_older_one_is_found_by_its_run(runs, artifacts):
    first, second = (runs.start(counting, {"rows": rows}) for rows in (5, 6))
    for reference in (first.id, first.name, first.id[:13]):
        assert artifacts.load(f"counting/count/output@{reference}") == 5
    assert artifacts.load(f"counting/count@{second.name}") == 6
    with pytest.raises(Ambiguous):
        artifacts.get("counting/count@counting-")
    with pytest.raises(NotFound, match="there is no run 'other'"):
        artifacts.get("counting/count@other")


def test_an_id_or_a_unique_prefix_of_one_will_do(runs, artifacts):
    run = runs.start(counting)
    (view,) = runs.artifacts(run.id)
    assert artifacts.get(view.id) == artifacts.get(view.id[:13])
    assert artifacts.get(view.id).view.id == view.id


def test_what_is_not_there_is_refused_with_what_there_is(runs, artifacts):
    with pytest.raises(NotFound, match="no run has produced any yet"):
        artifacts.get("training/total")
    runs.start(counting)
    for missing in ("counting/other", "counting/count/other", "other/count", "", "zzz"):
        with pytest.raises(NotFound, match="there is counting/count/output"):
            artifacts.get(missing)
    with pytest.raises(NotFound, match="give pipeline/step/output"):
        artifacts.get("counting/count/output/more")


def test_a_step_from_the_cache_has_the_artifact_of_the_run_that_made_it(runs, artifacts):
    made, shared = runs.start(training), runs.start(training)
    assert artifacts.get("training/total").version == 1
    found = artifacts.get(f"training/total@{shared.name}")
    assert found.view.run == made.id
    assert runs.load(shared.id, "total") == found.load() == 2.0


# -- lists


def names(views):
    return [view.reference for view in views]


def test_the_latest_comes_first(runs, artifacts):
    runs.start(training)
    runs.start(counting)
    assert names(artifacts.list()) == [
        "counting/count/output@1",
        "training/total_2/output@1",
        "training/total/output@1",
        "training/split/left@1",
        "training/split/right@1",
        "training/load/output@1",
    ]


def test_a_list_is_narrowed_sorted_and_shown_by_the_page(runs, artifacts):
    runs.start(training)
    for rows in (5, 6):
        runs.start(counting, {"rows": rows})

    def listed(*conditions, **options):
        where = tuple(Condition(*each) for each in conditions)
        return names(artifacts.list(Listing(where=where, **options)))

    assert listed(("name", "equals", "training/split/left")) == ["training/split/left@1"]
    assert listed(("pipeline", "equals", "counting"), sort_by="version") == [
        "counting/count/output@1", "counting/count/output@2",
    ]  # fmt: skip
    assert listed(("output", "oneof", "left,right")) == [
        "training/split/left@1", "training/split/right@1",
    ]  # fmt: skip
    assert listed(("materializer", "equals", "json"), size=2, page=4) == [
        "training/total_2/output@1"
    ]
    with pytest.raises(InvalidListing):
        listed(("colour", "equals", "red"))


def test_a_list_of_names_shows_the_latest_of_each(runs, artifacts):
    for rows in (5, 6, 7):
        runs.start(counting, {"rows": rows})
    runs.delete(runs.list()[0].id)
    assert names(artifacts.list(only_latest=True)) == ["counting/count/output@2"]


def test_looking_up_loads_neither_pydantic_nor_eventsourcing(tmp_path):
    with Workspace.open(tmp_path) as workspace:
        run = workspace.runs.start(training)
    program = (
        "import sys\n"
        "from stackfold.infrastructure.workspace import Workspace\n"
        "with Workspace.open(sys.argv[1]) as ws:\n"
        "    assert ws.artifacts.list()\n"
        "    assert ws.artifacts.describe('training/total').version == 1\n"
        "    assert ws.artifacts.lineage('training/total').upstream\n"
        "    assert not ws.runs.diff(sys.argv[2], sys.argv[2]).differences\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program, tmp_path, run.id],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"pydantic", "eventsourcing", "cloudpickle"} & {*loaded}


# -- descriptions


def test_a_description_says_where_an_artifact_comes_from_and_where_it_is(
    workspace, runs, artifacts, other_stack
):
    run = runs.start(training, stack="other")
    described = artifacts.describe("training/total")
    assert (described.run, described.stack, described.stack_revision) == (run.name, "other", 1)
    assert (described.store, described.store_flavor) == ("other", "local")
    assert described.store_configuration == {"path": str(other_stack)}
    assert (described.type, described.materializer, described.trust) == (
        "builtins.float", "json", "",
    )  # fmt: skip
    assert described.written_with == {}


def test_a_pickle_is_described_as_one_that_needs_trust(runs, artifacts):
    runs.start(single(lambda: [Odd()][0]))
    described = artifacts.describe("alone/only")
    assert described.trust.startswith("loading it executes code from the store")
    assert described.written_with["python"]


def test_every_way_of_writing_that_executes_is_described_so():
    from stackfold.infrastructure.queries.artifacts import _PICKLES

    assert {each.name for each in ALL if each.executes} == {*_PICKLES}


def test_the_same_bytes_elsewhere_are_told(runs, artifacts):
    runs.start(training)
    assert artifacts.describe("training/load").same_bytes == []
    runs.start(single(lambda: [0, 1, 2, 3]))
    assert artifacts.describe("training/load").same_bytes == ["alone/only/output@1"]


# -- loading


def test_an_old_artifact_is_read_from_where_it_was(
    workspace, runs, artifacts, other_stack, tmp_path
):
    runs.start(training, stack="other")
    workspace.components.update(STORE, "other", {"path": str(tmp_path / "moved")})
    workspace.components.rename(STORE, "other", "another")
    assert artifacts.load("training/total") == 2.0
    workspace.stacks.delete("other")
    workspace.components.delete(ComponentType.ARTIFACT_STORE, "another")
    assert artifacts.load("training/total") == 2.0
    assert artifacts.describe("training/total").store_configuration == {"path": str(other_stack)}


def test_a_pickle_is_not_loaded_where_pickles_are_refused(runs, artifacts):
    runs.start(single(lambda: [Odd()][0]))
    with pytest.raises(PickleForbidden):
        artifacts.load("alone/only", no_pickle=True)
    assert type(artifacts.load("alone/only")) is Odd
    runs.start(counting)
    assert artifacts.load("counting/count", no_pickle=True) == 1


# -- what becomes of them when a run is deleted


def test_the_artifacts_of_a_deleted_run_are_gone_and_their_numbers_stay_taken(runs, artifacts):
    first, second = (runs.start(counting, {"rows": rows}) for rows in (5, 6))
    runs.delete(second.id)
    assert names(artifacts.list()) == ["counting/count/output@1"]
    assert artifacts.get("counting/count").version == 1
    with pytest.raises(NotFound):
        artifacts.get("counting/count@2")
    runs.start(counting, {"rows": 7})
    assert names(artifacts.list()) == ["counting/count/output@3", "counting/count/output@1"]
    runs.delete(first.id)
    assert artifacts.describe("counting/count").versions == 1


def test_an_artifact_that_another_run_shares_stays(runs, artifacts):
    made, shared = runs.start(training), runs.start(training)
    runs.delete(made.id)
    assert artifacts.load("training/total") == 2.0
    assert artifacts.describe("training/total").run == made.id
    (maker, *_) = artifacts.lineage("training/total").upstream
    assert maker.run == shared.name
    runs.delete(shared.id)
    with pytest.raises(NotFound):
        artifacts.get("training/total")


# -- lineage


def told(steps):
    return [(each.depth, each.step) for each in steps]


def test_lineage_goes_up_to_the_sources_and_down_to_the_products(runs, artifacts):
    run = runs.start(training)
    lineage = artifacts.lineage("training/split/left")
    assert told(lineage.upstream) == [(1, "split"), (2, "load")]
    assert told(lineage.downstream) == [(1, "total"), (2, "forget")]
    split, source = lineage.upstream
    assert (split.run, split.pipeline, split.stack, split.stack_revision) == (
        run.name, "training", "default", 1,
    )  # fmt: skip
    assert split.inputs == {"data": "training/load/output@1"}
    assert split.outputs == ["training/split/left@1", "training/split/right@1"]
    assert source.inputs == {}
    assert lineage.artifact.reference == "training/split/left@1"


def test_either_direction_can_be_left_out(runs, artifacts):
    runs.start(training)
    up = artifacts.lineage("training/split/left", downstream=False)
    assert (bool(up.upstream), up.downstream) == (True, [])
    down = artifacts.lineage("training/split/left", upstream=False)
    assert (down.upstream, bool(down.downstream)) == ([], True)


def test_lineage_crosses_runs_by_the_cache_and_never_by_equal_bytes(runs, artifacts):
    first = runs.start(training)
    runs.start(single(lambda: [0, 1, 2, 3]))  # the bytes that `load` makes
    second = runs.start(training, {"factor": 3.0})  # load and split from the cache
    down = artifacts.lineage("training/split/left").downstream
    assert {(each.run, each.step) for each in down} == {
        (run.name, step) for run in (first, second) for step in ("total", "forget")
    }
    (up, source) = artifacts.lineage("training/split/left").upstream
    assert (up.run, source.run) == (first.name, first.name)


def test_an_artifact_that_was_taken_twice_is_told_once(runs, artifacts):
    @step
    def add(one: float, other: float) -> float:
        return one + other

    @Pipeline
    def diamond():
        data = load()
        add(total(data), total(data, factor=2.0))

    runs.start(diamond)
    lineage = artifacts.lineage("diamond/load")
    assert told(lineage.downstream) == [(1, "total"), (1, "total_2"), (2, "add")]
    assert told(artifacts.lineage("diamond/add").upstream) == [
        (1, "add"), (2, "total"), (2, "total_2"), (3, "load"),
    ]  # fmt: skip


def test_options_stay_what_they_are():
    assert count.options == StepOptions(enable_cache=False)
