"""Images: what is built for a pipeline on a stack, and for a run that an engine executes.

The builder here only pretends to build; `tests/flavors` has real ones.
"""

import sys
from pathlib import Path

import pytest
from runnable import training
from workspaces import ORCHESTRATOR, stack

from stackfold.application import ports
from stackfold.application.ports.submitting_orchestrator import Submission, SubmittingOrchestrator
from stackfold.domain.errors import BuildFailed, InvalidPipeline, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.stacks.component_type import ComponentType

REGISTRY = ComponentType.CONTAINER_REGISTRY
BUILDER = ComponentType.IMAGE_BUILDER
STORE = ComponentType.ARTIFACT_STORE

JOBS = []
"""What the engine was handed."""


class Engine(SubmittingOrchestrator):
    """Takes runs, and does nothing with them."""

    flavor = "engine"
    awaited = False
    takes_image = True
    Configuration = ports.Configuration

    def submit(self, job):
        JOBS.append(job)
        return Submission("engine-1")

    def document(self, job):
        return f"{job.image.name if job.image else 'no image'}"

    def follow(self, reference, poll): ...

    def is_executing(self, reference):
        return False

    def terminate(self, reference): ...


class ChoosyEngine(Engine):
    """Somebody chose its image."""

    flavor = "choosy"
    takes_image = False


@pytest.fixture
def ws(ws, monkeypatch):
    """With the stack `boxes`, which has an image builder and a container registry."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent)])
    JOBS.clear()
    for type, source in (
        (BUILDER, "own_stacks.Builder"),
        (REGISTRY, "own_stacks.Hub"),
        (STORE, "own_stacks.Lake"),
        (ORCHESTRATOR, f"{__name__}.Engine"),
        (ORCHESTRATOR, f"{__name__}.ChoosyEngine"),
    ):
        view = ws.flavors.register(type, source)
        ws.components.register(type, view.name, view.name)
    stack(ws, "boxes", image_builder="builder", container_registry="hub", artifact_store="lake")
    return ws


@pytest.fixture
def on(ws):
    """A function that gives the stack another orchestrator, and returns the workspace."""

    def changed(orchestrator, **more):
        ws.stacks.update("boxes", orchestrator=orchestrator, **more)
        return ws

    return changed


@pytest.fixture
def broken(monkeypatch):
    def build(self, plan, registry, *, rebuild=False):
        raise BuildFailed("hub.example.com/training:1", "pip is out of order")

    monkeypatch.setattr(sys.modules["own_stacks"].Builder, "build", build)


# -- by itself


def test_the_image_of_a_pipeline_is_built_by_its_stack(ws):
    image = ws.images.build(training, stack="boxes")
    assert image.reference == "hub.example.com/training@sha256:ab"


def test_the_active_stack_counts_where_none_is_named(ws):
    ws.stacks.activate("boxes")
    assert ws.images.build(training).name == "hub.example.com/training:1"


def test_without_a_registry_an_image_stays_where_it_is(ws):
    stack(ws, "here", image_builder="builder")
    image = ws.images.build(training, stack="here")
    assert (image.reference, image.is_pushed) == ("localhost/training:1", False)


def test_it_is_made_of_what_the_stack_requires(ws):
    recipe = ws.images.recipe(training, stack="boxes")
    assert recipe.requirements.splitlines() == ["stackfold", "lake-client>=2"]


def test_the_builder_is_told_where_the_pipeline_is(ws):
    assert ws.images.recipe(training, stack="boxes").files == ("runnable.py:training",)


def test_a_stack_without_an_image_builder_is_refused(ws):
    with pytest.raises(InvalidPipeline, match="run `stackfold stack update default --image-build"):
        ws.images.build(training)


def test_a_pipeline_in_no_file_is_refused(ws):
    space = {}
    exec("def typed(): ...", space)
    with pytest.raises(InvalidPipeline, match="'typed' is not in a file"):
        ws.images.build(Pipeline(space["typed"]), stack="boxes")


# -- for a run


def test_an_engine_gets_the_image_of_a_run(on):
    on("engine").runs.start(training, stack="boxes")
    (job,) = JOBS
    assert job.image.name == "hub.example.com/training@sha256:ab"
    assert job.image.source == "runnable.py:training"


def test_a_run_tells_which_image_it_had(on):
    ws = on("engine")
    run = ws.runs.start(training, stack="boxes")
    assert ws.runs.describe(run.id).metadata == {"image": "hub.example.com/training@sha256:ab"}


def test_nothing_is_built_where_the_image_was_chosen(on, broken):
    on("choosy").runs.start(training, stack="boxes")
    (job,) = JOBS
    assert job.image is None


def test_nothing_is_built_by_a_stack_that_has_no_builder(ws):
    stack(ws, "plain", orchestrator="engine")
    ws.runs.start(training, stack="plain")
    (job,) = JOBS
    assert job.image is None


def test_a_dry_run_tells_what_the_image_would_be_called_and_builds_nothing(on, broken):
    ws = on("engine")
    assert ws.runs.document(training, stack="boxes") == "hub.example.com/training:1"


def test_a_run_whose_image_cannot_be_built_fails_and_says_so(on, broken):
    ws = on("engine")
    with pytest.raises(RunFailed, match="pip is out of order"):
        ws.runs.start(training, stack="boxes")
    (run,) = ws.runs.list()
    assert run.status == "failed"
    assert JOBS == []
