"""What W&B records of runs, and what happens when its server is unavailable."""

import json
import logging

import pytest

from stackfold.application.runs.context import get_context
from stackfold.domain.errors import InvalidConfiguration, RunFailed, TrackerUnavailable
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.tracking_tool import TRACKER, ids_of, the_only

KEY = "0123456789abcdef" * 2 + "planted0"
"""Of the length that W&B's keys have."""
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def ws(home):
    with Workspace.open(home) as workspace:
        yield workspace


@pytest.fixture
def on(ws, wandb_tool):
    """Creates a stack with the given configuration of its tracker, and returns its name."""

    def register(**configuration):
        configuration = wandb_tool.configuration(**configuration)
        ws.components.register(TRACKER, "tracking", "wandb", configuration)
        ws.stacks.register(
            "tracked",
            orchestrator="default",
            artifact_store="default",
            experiment_tracker=["tracking"],
        )
        return "tracked"

    return register


def alone(function, **options):
    only = step(experiment_tracker=True, enable_cache=False, **options)(function)

    def tracked():
        only()

    return Pipeline(tracked)


def train(depth: int = 3) -> int:
    import wandb

    wandb.log({"loss": 0.5})
    wandb.summary["best"] = 0.5
    return depth


def test_a_run_is_named_grouped_and_tagged(ws, on, wandb_tool):
    stack = on(project="digits", entity="team", tags=["nightly"])
    run = ws.runs.describe(ws.runs.start(alone(train), stack=stack).id)
    (told,) = wandb_tool.runs(run)
    assert (told.run.project, told.run.entity) == ("digits", "team")
    assert (told.run.display_name, told.run.run_group) == (f"{run.name}/train", run.name)
    assert [*told.run.tags] == ["nightly"]
    assert told.config["depth"] == 3
    assert told.config["stackfold"] == {
        "run": run.id,
        "pipeline": "tracked",
        "stack": "tracked",
        "stack_revision": "1",
        "fingerprint": run.fingerprint,
        "step": "train",
    }
    assert ids_of(run) == {
        "group": run.name,
        "project": "digits",
        "entity": "team",
        "mode": "offline",
    }
    assert ids_of(run.steps[0]) == {
        "group": run.name,
        "project": "digits",
        "mode": "offline",
        "run_id": told.run.run_id,
        "folder": str(told.folder),
    }


def test_without_a_project_each_pipeline_has_its_own(ws, on, wandb_tool):
    run = ws.runs.start(alone(train), stack=on())
    (told,) = wandb_tool.runs(run)
    assert told.run.project == "tracked"


def test_environment_variables_do_not_change_the_destination(ws, on, wandb_tool, monkeypatch):
    for name, value in {
        "WANDB_MODE": "disabled",
        "WANDB_PROJECT": "other",
        "WANDB_RUN_GROUP": "other",
        "WANDB_NAME": "other",
        "WANDB_DIR": "/nowhere",
        "WANDB_BASE_URL": NOBODY,
    }.items():
        monkeypatch.setenv(name, value)
    run = ws.runs.start(alone(train), stack=on())
    (told,) = wandb_tool.runs(run)
    assert told.run.project == "tracked"
    assert told.run.display_name == f"{run.name}/train"


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.WARNING, "stackfold.trackers")
    return lambda: [r.getMessage() for r in caplog.records if r.name == "stackfold.trackers"]


def online(**configuration):
    return {
        "mode": "online",
        "base_url": NOBODY,
        "api_key": "{{wandb.key}}",
        "timeout": 3,
        **configuration,
    }


def test_a_step_is_tracked_offline_when_the_server_does_not_answer(
    ws, on, wandb_tool, lines, home, tmp_path
):
    ws.secrets.create("wandb", {"key": KEY})

    def work() -> int:
        train()
        get_context().tracker.log_metrics({"accuracy": 0.75})
        return 1

    run = ws.runs.describe(ws.runs.start(alone(work), stack=on(**online())).id)
    seen = the_only(wandb_tool.seen(run), "work")
    assert seen.metrics == {"loss": [0.5], "accuracy": [0.75]}
    recorded = ids_of(run.steps[0])
    assert recorded["mode"] == "offline"
    problem = f"the experiment tracker at {NOBODY} cannot be used: nothing answers: start it, or "
    assert recorded["problem"] == problem + "correct base_url; it is tracked offline"
    assert lines() == [f"step 'work' goes on: {recorded['problem']}"]
    for each in [*home.rglob("*"), *tmp_path.rglob("wandb/**/*")]:
        if each.is_file() and "secrets" not in each.parts:
            assert KEY.encode() not in each.read_bytes(), each


def test_a_strict_tracker_fails_the_step(ws, on):
    ws.secrets.create("wandb", {"key": KEY})
    with pytest.raises(RunFailed, match="failed in step 'train': the experiment tracker") as caught:
        ws.runs.start(alone(train), stack=on(**online(strict=True)))
    assert isinstance(caught.value.__cause__, TrackerUnavailable)
    assert KEY not in caught.value.traceback + str(caught.value)


@pytest.mark.parametrize("other", [NOBODY, "http://127.0.0.1:2"])
def test_the_key_of_one_tracker_is_given_to_no_other(ws, on, wandb_tool, monkeypatch, other):
    monkeypatch.setenv("NETRC", "/nowhere")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    ws.secrets.create("wandb", {"key": KEY})
    stack = on(**online())
    assert ws.runs.start(alone(train), stack=stack).status == "completed"
    without = online(strict=True, api_key=None, base_url=other)
    ws.components.register(TRACKER, "keyless", "wandb", wandb_tool.configuration(**without))
    ws.stacks.update(stack, experiment_tracker=["keyless"])
    with pytest.raises(RunFailed, match="there is no API key: give api_key, or set mode"):
        ws.runs.start(alone(train), stack=stack)


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("api_key", KEY, "is a secret and the log is forever"),
        ("base_url", "ftp://x", "must be http://host:port"),
        ("base_url", "https://me:secret@x", "may hold no password: give api_key"),
        ("project", "a/b", "may not hold /"),
        ("tags", json.dumps([""]), "a tag must have 1 to 64 characters"),
    ],
)
def test_an_invalid_configuration_is_rejected(ws, on, attribute, value, words):
    with pytest.raises(InvalidConfiguration, match=words) as caught:
        on(**{attribute: json.loads(value) if attribute == "tags" else value})
    assert KEY not in str(caught.value)
    assert "secret@" not in str(caught.value)
