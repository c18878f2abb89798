"""Runs on the orchestrator `kubeflow`, by a server that speaks its API.

No Kubeflow exists here: what is submitted is executed by `kfp.local` instead. See `kfp_api_server`.
"""

import os

import pytest
from flavors import kubeflow_pipelines
from flavors.kfp_api_server import KfpApiServer
from workspaces import ORCHESTRATOR

from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def kubeflow(kfp, tmp_path):
    with KfpApiServer(tmp_path) as server:
        yield server


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def on_kubeflow(ws, kubeflow):
    """A function that makes a stack `kubeflow` with these settings."""

    def registered(**settings):
        ws.components.register(
            ORCHESTRATOR,
            "kf",
            "kubeflow",
            {"kubeflow_hostname": kubeflow.url, "poll_interval": 0.2, **settings},
        )
        ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
        return ws

    return registered


def statuses(ws, run):
    return {each.name: each.status for each in ws.runs.steps(run)}


def test_each_step_is_executed_in_a_process_that_kubeflow_starts(on_kubeflow, kubeflow):
    ws = on_kubeflow()
    run = ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert run.status == "completed"
    assert set(statuses(ws, run.id).values()) == {"completed"}
    assert ws.runs.load(run.id, "total") == 2.0
    assert ws.runs.load(run.id, "where") != os.getpid()
    assert "loading 4" in "".join(ws.runs.logs(run.id, "load"))
    (submitted,) = kubeflow.runs.values()
    assert submitted["display_name"] == run.name
    described = ws.runs.describe(run.id)
    assert described.submitted == {
        "orchestrator": "kf",
        "reference": submitted["run_id"],
        "url": f"{kubeflow.url}/#/runs/details/{submitted['run_id']}",
    }
