"""Run: one execution of a pipeline on a pinned stack."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from stackfold.domain.errors import NotFound, NothingToChange, TooLarge
from stackfold.domain.limits import TAGS
from stackfold.domain.name import LONGEST, valid_name
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.run import Run, StepDefinition
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.testing import event, given

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def component(configuration=None, revision=1):
    return PinnedComponent(
        id=UUID(int=10),
        type=ComponentType.ARTIFACT_STORE,
        name="shared",
        flavor="local",
        revision=revision,
        configuration=configuration or {"path": "artifacts"},
    )


def pin(*components, revision=3):
    held = {ComponentType.ARTIFACT_STORE: components or (component(),)}
    return Pin(stack_id=UUID(int=20), stack="prod", revision=revision, components=held)


STEPS = (StepDefinition(name="load"), StepDefinition(name="train", upstream=("load",)))
ARTIFACT = Artifact(
    id=UUID(int=30),
    name="output",
    type="builtins.int",
    materializer="json",
    uri="file:///store/ab/cd",
    digest="abcd",
    size=1,
)

started = event(
    Run.Started,
    name="training-00000000",
    pipeline="training",
    source="file.py:training",
    parameters={"rate": 0.1},
    steps=STEPS,
    pin=pin(),
    fingerprint=pin().fingerprint,
)


def start(pipeline="training"):
    return Run.start(pipeline, "file.py:training", {"rate": 0.1}, STEPS, pin())


def test_a_run_starts_with_its_graph_and_its_pin():
    run = start()
    (event,) = run.pending_events
    assert type(event) is Run.Started
    assert (event.pipeline, event.source, event.parameters, event.steps, event.pin) == (
        "training", "file.py:training", {"rate": 0.1}, STEPS, pin(),
    )  # fmt: skip
    assert event.fingerprint == pin().fingerprint
    assert run.status == "running"


@pytest.mark.parametrize("pipeline", ["training", "a" * LONGEST])
def test_the_name_of_a_run_is_that_of_its_pipeline_and_the_start_of_its_id(pipeline):
    run = start(pipeline)
    assert run.name.endswith(f"-{run.id.hex[:8]}")
    assert pipeline.startswith(run.name.rpartition("-")[0])
    assert valid_name("run", run.name) == run.name


def test_a_completed_step_is_recorded_with_its_inputs_and_outputs():
    facts = {
        "step": "load",
        "started": NOON,
        "parameters": {"rows": 3},
        "inputs": {"data": UUID(int=31)},
        "outputs": (ARTIFACT,),
    }
    run = given(Run, started).when(lambda run: run.step_completed(**facts))
    assert run.then(event(Run.StepCompleted, parameter_form="exact", **facts)).status == "running"


def test_a_failed_step_is_recorded_with_its_traceback():
    facts = {"step": "load", "started": NOON, "error": "ValueError: x", "traceback": "line 1"}
    given(Run, started).when(lambda run: run.step_failed(**facts)).then(
        event(Run.StepFailed, **facts)
    )


def test_a_run_completes():
    run = given(Run, started).when(lambda run: run.complete()).then(event(Run.Completed))
    assert run.status == "completed"


def test_a_run_fails():
    run = given(Run, started).when(lambda run: run.fail("x")).then(event(Run.Failed, error="x"))
    assert run.status == "failed"


# -- later tags and metadata of a step

completed = event(
    Run.StepCompleted,
    step="train",
    started=NOON,
    parameters={},
    inputs={},
    outputs=(),
    tags=("costly", "draft"),
    metadata={"auc": 0.5},
)
reviewed = event(
    Run.StepAnnotated,
    step="train",
    tags=("costly", "reviewed"),
    metadata={"auc": 0.5, "by": "ada"},
    later_tags={"draft": False, "reviewed": True},
    later_metadata=("by",),
)


def test_tags_and_metadata_are_added_to_those_that_a_step_recorded():
    given(Run, started, completed).when(
        lambda run: run.annotate_step(
            "train", {"draft": False, "unknown": False, "reviewed": True}, {"by": "ada"}
        )
    ).then(reviewed)


def test_a_step_that_has_not_ended_gets_them_before_its_own():
    given(Run, started).when(lambda run: run.annotate_step("train", {"watch": True}, {})).then(
        event(
            Run.StepAnnotated,
            step="train",
            tags=("watch",),
            metadata={},
            later_tags={"watch": True},
            later_metadata=(),
        )
    )


def test_a_step_that_runs_again_keeps_what_was_added_and_removed():
    failed = event(Run.Failed, error="x")
    resumed = given(Run, started, completed, reviewed, failed).when(
        lambda run: run.resume(("train",))
    )
    kept = {"later_tags": {"draft": False, "reviewed": True}, "later_metadata": ("by",)}
    resumed.then(
        event(Run.Resumed, redone=("train",)),
        event(Run.StepAnnotated, step="train", tags=("reviewed",), metadata={"by": "ada"}, **kept),
    )
    again = {"step": "train", "started": NOON, "error": "x", "traceback": "line 1"}
    recorded = {"tags": ("draft", "slow"), "metadata": {"auc": 0.7, "by": "bob"}}
    given(Run, started, reviewed).when(lambda run: run.step_failed(**again, **recorded)).then(
        event(Run.StepFailed, **again, **recorded),
        event(
            Run.StepAnnotated,
            step="train",
            tags=("slow", "reviewed"),
            metadata={"auc": 0.7, "by": "ada"},
            **kept,
        ),
    )


@pytest.mark.parametrize(
    ("step", "tags", "metadata", "error"),
    [
        ("train", {"costly": True, "other": False}, {"auc": 0.5}, NothingToChange),
        ("score", {"a": True}, {}, NotFound),
        ("train", {f"t{number}": True for number in range(TAGS)}, {}, TooLarge),
    ],
)
def test_an_invalid_annotation_of_a_step_is_rejected(step, tags, metadata, error):
    given(Run, started, completed).when(
        lambda run: run.annotate_step(step, tags, metadata)
    ).rejected(error)


def test_an_unknown_step_is_answered_with_the_steps_of_the_run():
    with pytest.raises(NotFound, match=r"no step 'score': run 'training-.{8}' has load, train"):
        start().annotate_step("score", {"a": True}, {})


# -- the pin


def test_equal_pins_have_equal_fingerprints():
    again = Pin.model_validate_json(pin().model_dump_json())
    assert again.fingerprint == pin().fingerprint
    assert len(pin().fingerprint) == 64


def test_every_difference_in_a_pin_changes_the_fingerprint():
    others = [
        pin(revision=4),
        pin(component(revision=2)),
        pin(component({"path": "elsewhere"})),
        pin(component(), component()),
    ]
    assert len({each.fingerprint for each in [pin(), *others]}) == 5


def test_a_pin_returns_the_default_component_or_one_by_name():
    other = component().model_copy(update={"name": "other"})
    both = pin(component(), other)
    type = ComponentType.ARTIFACT_STORE
    assert both.component(type).name == "shared"
    assert both.component(type, "other").name == "other"
    assert both.component(type, "third") is None
    assert both.component(ComponentType.ALERTER) is None


# -- being gone


def test_a_run_is_deleted_once():
    run = given(Run, started, event(Run.Completed))
    assert run.when(lambda run: run.delete()).then(event(Run.Deleted)).deleted
    given(Run, started, event(Run.Deleted)).when(lambda run: run.delete()).rejected(
        NotFound, "there is no run"
    )


def test_a_deleted_run_is_not_resumed():
    given(Run, started, event(Run.Failed, error="x"), event(Run.Deleted)).when(
        lambda run: run.resume(())
    ).rejected(NotFound, "there is no run")
