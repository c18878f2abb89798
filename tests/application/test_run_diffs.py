"""Between a good and a bad run, the difference is the answer."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from runnable import OPERATOR, STORE, load, total

from stackfold import get_context
from stackfold.domain.errors import Invalid, NotFound, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.runs.environment import Environment
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system import environment


@Pipeline
def training(rows: int = 4, factor: float = 2.0):
    total(load(rows), factor)


def told(diff, about=None):
    """(field, before, after), of one subject or with the subject."""
    return [
        each[1:] if about else tuple(each) for each in diff.differences if about in (None, each[0])
    ]


def test_runs_that_are_alike_do_not_differ(runs):
    first, second = runs.start(training), runs.start(training)
    diff = runs.diff(first.name, second.id[:13])
    assert (diff.before, diff.after) == (first, second)
    assert told(diff) == []
    assert diff.changes == []


def test_a_changed_component_is_told_with_who_and_why(workspace, runs, other_stack, tmp_path):
    workspace.components.update(STORE, "other", labels={"before": "both"})
    first = runs.start(training, stack="other")
    moved = str(tmp_path / "moved")
    workspace.components.update(STORE, "other", {"path": moved}, why="the disk is full")
    workspace.components.register(STORE, "unrelated", "local", {"path": "x"})
    workspace.stacks.update("other", description="new")
    second = runs.start(training, stack="other")
    workspace.stacks.update("other", description="later")
    diff = runs.diff(first.id, second.id)
    assert told(diff) == [
        ("stack", "revision", 1, 2),
        ("stack", "artifact_store.revision", 2, 3),
        ("configuration", "artifact_store.path", str(other_stack), moved),
    ]
    assert [(each.kind, each.name, each.action) for each in diff.changes] == [
        ("stack", "other", "updated"),
        ("artifact_store", "other", "updated"),
    ]
    assert diff.changes[1].why == "the disk is full"
    assert [change.after for change in diff.changes[1].changes] == [moved]
    # the other way round the same happened, and the differences are turned round
    turned = runs.diff(second.id, first.id)
    assert turned.changes == diff.changes
    assert told(turned, "stack")[0] == ("revision", 2, 1)


def test_a_change_that_was_taken_back_in_between_is_told_too(workspace, runs, other_stack):
    first = runs.start(training, stack="other")
    workspace.components.register(STORE, "third", "local")
    workspace.stacks.update("other", artifact_store="third")
    workspace.components.update(STORE, "third", {"path": "elsewhere"})
    workspace.stacks.update("other", artifact_store="other")
    workspace.components.update(STORE, "third", {"path": "nobody cares"})
    second = runs.start(training, stack="other")
    diff = runs.diff(first.id, second.id)
    assert told(diff) == [("stack", "revision", 1, 3)]
    assert [(each.name, each.action) for each in diff.changes] == [
        ("other", "updated"),
        ("third", "updated"),
        ("other", "updated"),
    ]


def test_another_stack_is_told_with_what_is_behind_it(workspace, runs, other_stack):
    first = runs.start(training)
    workspace.stacks.activate("other", why="to try it")
    second = runs.start(training)
    diff = runs.diff(first.id, second.id)
    assert ("stack", "default", "other") in told(diff, "stack")
    assert ("artifact_store", "default", "other") in told(diff, "stack")
    assert ("step_operator", None, "first, second") in told(diff, "stack")
    assert ("step_operator[first].flavor", None, "local") in told(diff, "flavor")
    assert ("artifact_store.path", "artifacts", str(other_stack)) in told(diff, "configuration")
    assert [(each.kind, each.why) for each in diff.changes] == [("activation", "to try it")]


def test_parameters_and_what_came_of_them_are_told(runs):
    first, second = runs.start(training), runs.start(training, {"rows": 5})
    diff = runs.diff(first.id, second.id)
    assert told(diff, "parameters") == [("rows", 4, 5), ("load.rows", 4, 5)]
    ((field, before, after),) = told(diff, "inputs")
    assert field == "total.data"
    assert (before, after) == (
        runs.artifacts(first.id)[0].digest, runs.artifacts(second.id)[0].digest,
    )  # fmt: skip
    assert [each[0] for each in told(diff, "outputs")] == ["load.output", "total.output"]


def with_step(value, fails=False):
    def made() -> int:
        if fails:
            raise ValueError("no")
        return value

    @Pipeline
    def making():
        total([step(name="make")(made)()])

    return making


def test_changed_code_is_told(runs):
    first, second = runs.start(with_step(1)), runs.start(with_step(2))
    diff = runs.diff(first.id, second.id)
    ((field, before, after),) = told(diff, "code")
    assert field == "make"
    assert len({before, after}) == 2
    assert [each[0] for each in told(diff, "outputs")] == ["make.output", "total.output"]


def test_of_a_step_that_did_not_end_only_the_outcome_is_told(runs):
    good = runs.start(with_step(1))
    with pytest.raises(RunFailed):
        runs.start(with_step(1, fails=True))
    bad = runs.list()[0]
    diff = runs.diff(good.id, bad.id)
    assert {each.about for each in diff.differences} == {"outcome", "code"}
    assert told(diff, "outcome")[:3] == [
        ("status", "completed", "failed"),
        ("error", None, "ValueError: no"),
        ("make", "completed", "failed"),
    ]


def test_packages_and_python_are_told(workspace, runs, monkeypatch):
    first = runs.start(training)
    there = runs.describe(first.id).environment
    assert there["packages"]["stackfold"]
    changed = Environment.model_validate(
        {**there, "python": "3.99.0", "packages": {**there["packages"], "numpy": "9", "pip": "1"}}
    )
    monkeypatch.setattr(environment, "environment", lambda: changed)
    second = runs.start(training)
    diff = runs.diff(first.id, second.id)
    assert told(diff, "packages") == [
        (name, there["packages"].get(name), changed.packages[name])
        for name in there["packages"]
        if name in ("numpy", "pip")
    ]
    assert told(diff, "python") == [("version", there["python"], "3.99.0")]


def test_the_version_of_the_package_that_ships_a_flavor_is_pinned(runs):
    pin = runs.describe(runs.start(training).id).pin
    (orchestrator,) = pin["components"]["orchestrator"]
    assert orchestrator["flavor_version"] == "0.1.0"
    assert orchestrator["source"].endswith("local.orchestrator.LocalOrchestrator")


def test_inputs_that_are_lists_are_compared_one_by_one(runs):
    @step
    def add(numbers: list[list[int]]) -> int:
        return sum(map(sum, numbers))

    @Pipeline
    def adding(rows: int = 1):
        add([load(2), load(rows)])

    first, second = runs.start(adding), runs.start(adding, {"rows": 3})
    ((field, before, after),) = told(runs.diff(first.id, second.id), "inputs")
    assert field == "add.numbers[1]"
    assert before != after


def test_an_unknown_run_is_refused(runs):
    first = runs.start(training)
    for pair in ((first.id, "nothing"), ("nothing", first.id)):
        with pytest.raises(NotFound, match="there is no run 'nothing'"):
            runs.diff(*pair)


def test_step_operators_are_told_by_name(workspace, runs, other_stack):
    first = runs.start(training, stack="other")
    workspace.stacks.set_default("other", {OPERATOR: "second"})
    workspace.components.update(OPERATOR, "first", labels={"a": "b"})
    second = runs.start(training, stack="other")
    stack = told(runs.diff(first.id, second.id), "stack")
    assert (str(ComponentType.STEP_OPERATOR), "first, second", "second, first") in stack
    assert ("step_operator[first].revision", 1, 2) in stack


# -- several runs, metrics and small values


@step
def measured(factor: float) -> dict[str, float]:
    get_context().log_metadata({"auc": factor / 4, "kind": f"x{factor:g}"})
    return {"w": factor}


@Pipeline
def measuring(factor: float = 1.0):
    measured(factor)


@pytest.fixture
def measured_runs(runs):
    return [runs.start(measuring, {"factor": factor}) for factor in (1.0, 2.0, 2.0, 3.0)]


def compared(comparison, *abouts):
    return {each.field: each.values for each in comparison.of(*abouts)}


def test_several_runs_are_compared_by_what_differs(runs, measured_runs):
    first, second, _, third = measured_runs
    found = runs.compare([first.name, second.id, third.id])
    assert found.runs == [first, second, third]
    assert [(each.about, each.field, each.values) for each in found.causes()] == [
        ("parameters", "factor", (1.0, 2.0, 3.0))
    ]
    assert compared(found, "metrics") == {"auc": (0.25, 0.5, 0.75)}
    assert compared(found, "metadata") == {"measured.kind": ("x1", "x2", "x3")}
    outputs = compared(found, "outputs")["measured.output"]
    assert [*map(found.shown, outputs)] == [{"w": 1.0}, {"w": 2.0}, {"w": 3.0}]
    assert [run.metrics for run in found.runs] == [{"auc": 0.25}, {"auc": 0.5}, {"auc": 0.75}]


def test_equal_runs_do_not_differ_in_a_comparison(runs, measured_runs):
    assert runs.compare([run.id for run in measured_runs[1:3]]).differences == []


def test_tags_are_compared(runs, measured_runs):
    runs.tag(measured_runs[1].id, ["b", "a"])
    found = runs.compare([run.id for run in measured_runs[1:3]])
    assert compared(found, "tags") == {"tags": (["a", "b"], None)}


@pytest.mark.parametrize("count", [0, 1, 13])
def test_too_few_and_too_many_runs_are_not_compared(runs, measured_runs, count):
    with pytest.raises(Invalid, match=f"give 2 to 12 runs to compare, not {count}"):
        runs.compare([measured_runs[0].id] * count)


def test_values_that_are_large_missing_or_changed_are_digests(runs, measured_runs):
    ids = [measured_runs[0].id, measured_runs[1].id]
    one, other = (runs.artifacts(id)[0] for id in ids)
    path = Path(url2pathname(urlsplit(other.uri).path))
    path.chmod(0o600)
    path.write_text('{"w": 9.0}')
    assert runs.compare(ids).values == {one.digest: {"w": 1.0}}
    path.unlink()
    assert runs.diff(*ids).values == {one.digest: {"w": 1.0}}


def test_large_values_are_not_read(runs):
    ids = [runs.start(training, {"rows": rows}).id for rows in (3, 1000)]
    values = runs.compare(ids).values.values()
    assert [0, 1, 2] in values
    assert max(map(len, (value for value in values if isinstance(value, list)))) == 3
