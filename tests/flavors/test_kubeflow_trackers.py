"""Steps in processes that Kubeflow starts, `kfp.local` here, tracked by a real MLflow server."""

import kubeflow_pipelines
import pytest
from kfp_api_server import KfpApiServer
from workspaces import ORCHESTRATOR

from stackfold.domain.errors import RunFailed
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.tracking_tool import TRACKER, ids_of, the_only

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def tracked(ws, kfp, tmp_path):
    """A function that makes a stack with a tracker, and runs the pipeline `tracking` on it."""
    with KfpApiServer(tmp_path) as server:

        def run(**configuration):
            where = {"kubeflow_hostname": server.url, "poll_interval": 0.2}
            ws.components.register(ORCHESTRATOR, "kf", "kubeflow", where)
            ws.components.register(TRACKER, "tracking", "mlflow", configuration)
            ws.stacks.register(
                "kubeflow",
                orchestrator="kf",
                artifact_store="default",
                experiment_tracker=["tracking"],
            )
            return ws.runs.describe(ws.runs.start(kubeflow_pipelines.tracking, stack="kubeflow").id)

        yield run


def test_a_step_is_tracked_from_the_process_that_kubeflow_starts(tracked, mlflow_tool):
    run = tracked(**mlflow_tool.configuration())
    seen = mlflow_tool.seen(run)
    assert sorted(seen) == ["train", "train_2"]
    for number, name in enumerate(("train", "train_2"), start=1):
        told = the_only(seen, name)
        assert told.ended == "completed"
        assert told.metrics == {"loss": [number / 2], "again": [number / 4]}
        assert told.parameters == {"number": str(number), "depth": str(number)}
    recorded = next(each for each in run.steps if each.name == "train")
    assert recorded.metadata["metrics"] == {"loss": 0.5}
    assert ids_of(recorded)["run_id"] == the_only(seen, "train").ids["run_id"]
    parent = mlflow_tool.runs(run)[0]
    assert (parent.info.run_name, parent.info.status) == (run.name, "FINISHED")


def test_a_run_continues_with_a_warning_without_the_server(tracked):
    run = tracked(tracking_uri=NOBODY, timeout=1)
    assert run.status == "completed"
    problem = run.metadata["experiment_tracker"]["tracking"]["problem"]
    assert problem.startswith(f"the experiment tracker at {NOBODY} cannot be used: ")


def test_with_a_strict_tracker_the_run_fails(ws, tracked):
    with pytest.raises(RunFailed, match=f"the experiment tracker at {NOBODY} cannot be used"):
        tracked(tracking_uri=NOBODY, timeout=1, strict=True)
    assert ws.runs.list()[0].status == "failed"
