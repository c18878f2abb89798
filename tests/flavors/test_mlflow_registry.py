"""The model registry `mlflow`: the contract, and what other tools see, on a real server."""

from pathlib import Path

import pytest

from stackfold.application.notices import notices_to
from stackfold.domain.errors import ModelRegistryRejected, ModelRegistryUnavailable
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts.model_registry import ModelRegistryContract, training


class TestMlflowRegistry(ModelRegistryContract):
    @pytest.fixture
    def flavor(self):
        return "mlflow"

    @pytest.fixture
    def configuration(self, mlflow_tool):
        return {"tracking_uri": mlflow_tool.url}

    @pytest.fixture
    def unreachable(self):
        return {"tracking_uri": "http://127.0.0.1:1", "timeout": 3, "retries": 0}


@pytest.fixture
def ws(mlflow_client):
    with Workspace.in_memory() as workspace:
        yield workspace


def promoted(ws, url, model, **configuration):
    """A workspace with a promoted version; the run was tracked on the same server."""
    ws.components.register(
        "model_registry", "registry", "mlflow", {"tracking_uri": url, **configuration}
    )
    ws.components.register("experiment_tracker", "tracking", "mlflow", {"tracking_uri": url})
    ws.stacks.register(
        "registered",
        orchestrator="default",
        artifact_store="default",
        model_registry="registry",
        experiment_tracker=["tracking"],
        activate=True,
    )
    ws.runs.start(Pipeline(training, model=model))
    ws.models.promote(model, 1)


def test_other_tools_find_the_version_its_bytes_and_its_run(ws, mlflow_server, tmp_path):
    import mlflow

    promoted(ws, mlflow_server.url, "linked", prefix="team.", tags={"owner": "ada"})
    client = mlflow.MlflowClient(mlflow_server.url, mlflow_server.url)
    version = client.get_model_version_by_alias("team.linked", "production")
    ours = ws.models.version("linked", 1)
    assert version.tags["stackfold.version_id"] == ours.id
    assert (version.tags["owner"], version.tags["stackfold.run"]) == ("ada", ours.run)
    assert client.get_run(version.run_id).data.tags["stackfold.run"] == ws.runs.get(ours.run).id
    mlflow.set_tracking_uri(mlflow_server.url)
    try:
        found = mlflow.artifacts.download_artifacts(
            "models:/team.linked@production", dst_path=str(tmp_path)
        )
    finally:
        mlflow.set_tracking_uri(None)
    assert (Path(found) / "model").read_bytes() == b'{"weight":1.0}'


def test_a_local_file_is_rejected_unless_it_is_uploaded(ws, mlflow_server):
    notices = []
    with notices_to(notices.append):
        promoted(ws, mlflow_server.url, "local", upload=False)
    (notice,) = notices
    assert "is a local file: set upload" in notice
    assert ws.models.get("local").aliases == {"production": 1}
    with pytest.raises(ModelRegistryRejected):
        ws.model_registries.sync("local")


def test_an_interrupted_upload_is_used_again(ws, mlflow_server, monkeypatch):
    import mlflow

    def fail(*args, **more):
        raise OSError("the connection was cut")

    with monkeypatch.context() as patch, notices_to(lambda text: None):
        patch.setattr(mlflow.MlflowClient, "create_model_version", fail)
        promoted(ws, mlflow_server.url, "interrupted")
    ws.model_registries.sync("interrupted")
    client = mlflow.MlflowClient(mlflow_server.url, mlflow_server.url)
    version = client.get_model_version_by_alias("interrupted", "production")
    id = ws.models.version("interrupted", 1).id
    experiment = client.get_experiment_by_name("training").experiment_id
    models = client.search_logged_models([experiment], f"tags.`stackfold.version_id` = '{id}'")
    assert [version.source] == [f"models:/{each.model_id}" for each in models]


def test_its_connection_is_checked(ws, mlflow_server):
    def registry(uri):
        configuration = {"tracking_uri": uri, "timeout": 3}
        return ws.flavors.build("model_registry", "mlflow", configuration)

    registry(mlflow_server.url).check_connection()
    with pytest.raises(ModelRegistryUnavailable, match="nothing answers: start it, or correct"):
        registry("http://127.0.0.1:1").check_connection()
