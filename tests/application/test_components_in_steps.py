"""Steps, hooks and programs reach the components of a stack."""

import importlib
from pathlib import Path

import pytest
from runnable import single

from stackfold import Workspace, get_context
from stackfold.errors import (
    ComponentUnusable,
    InvalidComponentType,
    NoComponent,
    NotFound,
    RunFailed,
)
from stackfold.testing import step_context

TRACKER = "experiment_tracker"
PROCESSES = {"isolation": "process", "max_parallel": 1}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setenv("STACKFOLD_SECRET_STORE", "file")
    with Workspace.open(tmp_path / "home") as workspace:
        for flavor in ("Safe", "Unsendable", "Unloadable"):
            workspace.flavors.register(TRACKER, f"own_components.{flavor}")
        workspace.secrets.create("safe", {"key": "open sesame"})
        yield workspace


def with_trackers(workspace, folder, *flavors, isolation="inline"):
    """A stack with a tracker of each flavor, each with a secret."""
    configuration = {"folder": str(folder), "password": "{{safe.key}}"}
    for flavor in flavors:
        workspace.components.register(TRACKER, flavor, flavor, configuration)
    settings = {"isolation": isolation, "max_parallel": 1}
    workspace.components.register("orchestrator", "ours", "local", settings)
    workspace.stacks.register(
        "ours", orchestrator="ours", artifact_store="default", experiment_tracker=[*flavors]
    )


def run(workspace, function, **options):
    started = workspace.runs.start(single(function, **options), stack="ours")
    return workspace.runs.load(started.id, "only")


def length_of_the_secret() -> int:
    return len(get_context().component("experiment_tracker", "safe").opened())


def default_and_typed() -> list[str]:
    context = get_context()
    return [context.experiment_tracker.flavor, context.component("artifact_store").flavor]


def all_of_a_type() -> list[list[str]]:
    context = get_context()
    return [[*context.components("experiment_tracker")], [*context.components("alerter")]]


def nothing() -> int:
    return 1


def unsendable() -> str:
    return get_context().component("experiment_tracker", "unsendable").flavor


def unloadable() -> str:
    return get_context().component("experiment_tracker", "unloadable").flavor


def alerting() -> None:
    get_context().alerter  # noqa: B018 -- reading it is what is tested


def misnamed() -> None:
    get_context().component("experiment_tracker", "third")


@pytest.mark.parametrize("isolation", ["inline", "thread", "process"])
def test_a_component_has_its_secrets_where_the_step_runs(workspace, tmp_path, isolation):
    with_trackers(workspace, tmp_path, "safe", isolation=isolation)
    assert run(workspace, length_of_the_secret) == len("open sesame")


def test_the_default_component_is_that_of_the_pin(workspace, tmp_path):
    with_trackers(workspace, tmp_path, "safe", "unsendable")
    assert run(workspace, default_and_typed) == ["safe", "local"]
    assert run(workspace, all_of_a_type) == [["safe", "unsendable"], []]


@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize(
    ("function", "message", "available"),
    [
        (alerting, "stack 'ours' has no alerter: register one and add it to the stack", ()),
        (misnamed, "stack 'ours' has no experiment tracker 'third': it has 'safe'", ("safe",)),
    ],
)
def test_a_component_that_the_stack_has_not(
    workspace, tmp_path, isolation, function, message, available
):
    with_trackers(workspace, tmp_path, "safe", isolation=isolation)
    with pytest.raises(RunFailed) as failed:
        run(workspace, function)
    cause = failed.value.__cause__
    assert isinstance(cause, NoComponent)
    assert (str(cause), cause.stack, cause.available) == (message, "ours", available)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (unsendable, "it cannot be pickled: cannot pickle 'generator' object"),
        (unloadable, "it cannot be loaded where the step runs: no such device"),
    ],
)
def test_only_a_step_that_asks_fails_of_a_component_that_cannot_be_sent(
    workspace, tmp_path, function, problem
):
    # The default tracker is sent with each step, so these are not the default.
    with_trackers(workspace, tmp_path, "safe", "unsendable", "unloadable", isolation="process")
    assert run(workspace, nothing) == 1
    with pytest.raises(RunFailed) as failed:
        run(workspace, function)
    cause = failed.value.__cause__
    assert isinstance(cause, ComponentUnusable)
    assert cause.problem == problem


def test_a_hook_reaches_the_components_of_its_run(workspace, tmp_path):
    seen = []
    with_trackers(workspace, tmp_path, "safe")
    run(workspace, nothing, on_end=lambda call: seen.append(call.components.get(TRACKER).opened()))
    assert seen == ["open sesame"]


def test_a_program_reaches_the_components_of_a_stack(workspace, tmp_path):
    with_trackers(workspace, tmp_path, "safe")
    assert workspace.component(TRACKER, stack="ours").opened() == "open sesame"
    assert workspace.component(TRACKER, "safe", stack="ours").flavor == "safe"
    with pytest.raises(NoComponent):
        workspace.component(TRACKER)
    with pytest.raises(NotFound):
        workspace.component(TRACKER, stack="theirs")


def test_a_step_that_is_called_as_a_function_has_the_components_that_its_test_gives(
    workspace, tmp_path
):
    Safe = importlib.import_module("own_components").Safe
    given = Safe(Safe.Configuration(folder=str(tmp_path)), tmp_path)
    with step_context(components={TRACKER: given}) as context:
        assert context.experiment_tracker is context.component(TRACKER, "default") is given
        assert context.components(TRACKER) == {"default": given}
        with pytest.raises(NoComponent, match="has no alerter"):
            context.alerter  # noqa: B018 -- reading it is what is tested
        with pytest.raises(NoComponent, match="it has 'default'"):
            context.component(TRACKER, "second")


def test_a_type_that_nobody_declares_is_said_at_once(workspace, tmp_path):
    with pytest.raises(NoComponent, match="has no vector store"):
        workspace.component("vector_store")
    with pytest.raises(InvalidComponentType):
        workspace.component("no type at all")
