"""Steps that are executed on a node of a real Ray cluster, and tracked from there: W&B, offline."""

import os

import pytest
import ray_pipelines
from ray_stacks import on

from stackfold.domain.errors import RunFailed
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.tracking_tool import TRACKER, ids_of, the_only

NOBODY = "http://127.0.0.1:1"
KEY = "0123456789abcdef" * 2 + "planted1"


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def tracked(ws, two_nodes, wandb_tool):
    """A function that makes a stack with a tracker, and runs a pipeline on it."""

    def run(pipeline, **configuration):
        configuration = wandb_tool.configuration(**configuration)
        ws.components.register(TRACKER, "tracking", "wandb", configuration)
        # The default folder of W&B: the nodes were started before.
        variables = {name: value for name, value in os.environ.items() if name.startswith("WANDB")}
        start = on(ws, two_nodes, runtime_env={"env_vars": variables})
        ws.stacks.update("ray", experiment_tracker=["tracking"])
        return ws.runs.describe(start(pipeline).id)

    return run


def test_a_step_is_tracked_from_its_node(tracked, wandb_tool):
    run = tracked(ray_pipelines.tracking)
    seen = wandb_tool.seen(run)
    assert sorted(seen) == ["train", "train_2"]  # `answer` said nothing
    for number, name in enumerate(("train", "train_2"), start=1):
        told = the_only(seen, name)
        assert told.ended == "completed"
        assert told.metrics == {"loss": [number / 2], "again": [number / 4]}
        assert told.parameters["depth"] == str(number)
    recorded = next(each for each in run.steps if each.name == "train")
    assert recorded.metadata["metrics"] == {"loss": 0.5}
    assert ids_of(recorded)["run_id"] == the_only(seen, "train").ids["run_id"]


def online(**more):
    return {
        "mode": "online",
        "base_url": NOBODY,
        "api_key": "{{wandb.key}}",
        "timeout": 3,
        **more,
    }


def test_a_step_continues_with_a_warning_without_the_server(ws, tracked, wandb_tool):
    ws.secrets.create("wandb", {"key": KEY})
    run = tracked(ray_pipelines.tracking, **online())
    assert run.status == "completed"
    # It had the key, which no node has.
    problem = f"the experiment tracker at {NOBODY} cannot be used: nothing answers: start it, or "
    assert ids_of(run.steps[0])["problem"] == f"{problem}correct base_url; it is tracked offline"
    assert problem in "".join(ws.runs.logs(run.id, "train"))
    assert the_only(wandb_tool.seen(run), "train").metrics == {"loss": [0.5], "again": [0.25]}


def test_with_a_strict_tracker_the_run_fails(ws, tracked):
    ws.secrets.create("wandb", {"key": KEY})
    with pytest.raises(RunFailed, match="nothing answers: start it, or correct base_url"):
        tracked(ray_pipelines.tracking, **online(strict=True))
    assert ws.runs.list()[0].status == "failed"
