"""The ready-made steps `validate` and `compare_with_reference`."""

import logging

import pytest

from stackfold import Workspace, artifact, pipeline, save_artifact, step
from stackfold.errors import (
    NoComponent,
    NotInStep,
    RunFailed,
    ValidationFailed,
    ValidatorCannot,
)
from stackfold.steps import compare_with_reference, validate

TYPE = "data_validator"


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        for flavor in ("Limits", "ProfilesOnly"):
            workspace.flavors.register(TYPE, f"plain_validator.{flavor}")
        workspace.components.register(TYPE, "limits", "limits")
        workspace.components.register(TYPE, "profiles", "profiles-only")
        workspace.components.register(
            "orchestrator", "processes", "local", {"isolation": "process", "max_parallel": 1}
        )
        default = {"orchestrator": "default", "artifact_store": "default"}
        workspace.stacks.register("checked", **default, data_validator="limits", activate=True)
        workspace.stacks.register("described", **default, data_validator="profiles")
        workspace.stacks.register(
            "apart",
            orchestrator="processes",
            artifact_store="default",
            data_validator="limits",
        )
        yield workspace


@step
def rows(largest: int) -> dict[str, list[int]]:
    return {"a": [1, 2, largest], "b": [0, 0, 0]}


@pipeline
def checking(largest: int = 3, on_failure: str = "fail") -> None:
    validate(rows(largest), {"a": 3, "b": 0}, on_failure=on_failure)


@pytest.mark.parametrize("stack", ["checked", "apart"])
def test_data_that_passes_goes_on_with_a_report(workspace, stack):
    run = checking.run(stack=stack)
    report = run.load("validate")
    assert (report.passed, report.total, report.tool) == (True, 2, "limits")
    assert workspace.artifacts.load("validation") == report
    metadata = workspace.runs.describe(run.id).steps[-1].metadata
    assert metadata == {"passed": True, "checks": 2, "failed_checks": 0, "rows": 3}


@pytest.mark.parametrize("stack", ["checked", "apart"])
def test_a_failed_check_fails_the_step_and_its_report_is_stored(workspace, stack):
    with pytest.raises(RunFailed, match="1 of 2 checks failed: a: limit: 1 of 3 rows") as raised:
        checking.run(largest=41, stack=stack)
    failed = raised.value.__cause__
    assert isinstance(failed, ValidationFailed)
    assert workspace.artifacts.load("validation") == failed.report
    assert failed.report.failures[0].examples == ("41",)
    described = workspace.runs.describe("latest")
    assert described.steps[-1].metadata["failed_checks"] == 1
    assert "41" not in described.error
    assert "\n" not in described.error


def test_a_failed_check_may_only_warn(workspace, caplog):
    with caplog.at_level(logging.WARNING):
        run = checking.run(largest=41, on_failure="warn")
    assert not run.load("validate").passed
    assert "1 of 2 checks failed" in caplog.text


def test_a_check_is_never_found_in_the_cache(workspace):
    checking.run()
    workspace.components.update(TYPE, "limits", {"tolerance": 100})
    run = checking.run(largest=41)
    assert run.load("validate").passed
    again = checking.run(largest=41)
    assert [step.status for step in again.describe().steps] == ["cached", "completed"]


@step
def train(rows: dict[str, list[int]], report: object) -> int:
    return len(rows)


@pipeline
def training() -> None:
    data = rows(3)
    train(data, validate(data, {"a": 3}))


def test_steps_after_an_equal_report_are_found_in_the_cache(workspace):
    training()
    statuses = {each.name: each.status for each in training().describe().steps}
    assert statuses == {"rows": "cached", "validate": "completed", "train": "cached"}


@pipeline
def comparing(largest: int) -> None:
    compare_with_reference(rows(largest), artifact("dataset@approved"), columns=("a",))


def test_data_is_compared_with_an_approved_artifact(workspace):
    with workspace:
        save_artifact({"a": [1, 9], "b": [7]}, "dataset")
        workspace.artifacts.alias("dataset", "approved")
        run = comparing(9)
        assert run.load("compare_with_reference").metrics["drift_share"] == 0
        with pytest.raises(RunFailed, match="1 of 1 check failed"):
            comparing(10)
        found = workspace.artifacts.versions("comparison")
    assert len(found) == 2


def test_a_text_is_read_by_the_validator(workspace):
    @pipeline
    def reading() -> None:
        validate(rows(3), "a=2")

    with pytest.raises(RunFailed, match="a: limit: 1 of 3 rows"):
        workspace.run(reading)


def test_what_a_validator_cannot_do_is_an_error(workspace):
    with pytest.raises(RunFailed) as raised:
        checking.run(stack="described")
    cannot = raised.value.__cause__
    assert isinstance(cannot, ValidatorCannot)
    assert str(cannot) == (
        "the data validator 'profiles-only' cannot check: it can profile: use a data validator of "
        "another flavor"
    )
    with pytest.raises(RunFailed) as raised:
        checking.run(stack="default")
    assert isinstance(raised.value.__cause__, NoComponent)
    with pytest.raises(NotInStep):
        validate({"a": [1]}, {})


def test_of_several_validators_the_first_that_has_the_method_is_taken(workspace):
    default = {"orchestrator": "default", "artifact_store": "default"}
    workspace.stacks.register("both", **default, data_validator=["profiles", "limits"])
    assert checking.run(stack="both").load("validate").tool == "limits"
