"""The model deployer `mlflow`: the contract, on its real server."""

import importlib.util
import subprocess

import pytest
from contracts.deployed_models import DeployedModelsContract
from contracts.local_model_servers import LocalModelServersContract
from flavor_environments import environment
from models_to_serve import FLOWERS, made

from stackfold import Directory, Workspace, pipeline, step
from stackfold.application.ports.model_deployer import Deployed
from stackfold.application.ports.tensors import tensors_of
from stackfold.domain.errors import DeploymentFailed, NoManifest
from stackfold.infrastructure.flavors.mlflow.model_deployer import MlflowModelDeployer


@pytest.fixture(scope="session", autouse=True)
def mlflow_installed():
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("no mlflow here: `make slow-flavors` installs it")


ELSEWHERE = environment("mlflow-server") / "bin" / "python"


class TestMlflow(LocalModelServersContract):
    @pytest.fixture(scope="class")
    @classmethod
    def flavor(cls):
        return MlflowModelDeployer


class TestMlflowByTheCommandLine(DeployedModelsContract):
    flavor = "mlflow"


@pytest.mark.filterwarnings("ignore::UserWarning")  # of mlflow, about type hints of its own
def test_a_folder_that_mlflow_saved_is_deployed(tmp_path):
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    @step
    def train() -> Directory:
        import mlflow.sklearn

        model = LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))
        directory = Directory()
        mlflow.sklearn.save_model(model, str(directory.path))
        return directory

    @step
    def empty() -> Directory:
        return Directory()

    @pipeline
    def saving():
        train()
        empty()

    with Workspace.open(tmp_path / "home") as ws:
        ws.components.register("model_deployer", "serving", "mlflow")
        needed = {"orchestrator": "default", "artifact_store": "default"}
        ws.stacks.register("prod", **needed, model_deployer="serving")
        ws.stacks.activate("prod")
        ws.runs.start(saving)
        try:
            ws.deployments.deploy("flowers", "saving/train")
            assert ws.deployments.predict("flowers", FLOWERS) == [0, 1, 2]
            with pytest.raises(DeploymentFailed, match="a folder without the file MLmodel"):
                ws.deployments.deploy("empty", "saving/empty")
        finally:
            for view in ws.deployments.list():
                ws.deployments.delete(view.id)


def test_there_is_no_manifest(tmp_path):
    deployer = MlflowModelDeployer(MlflowModelDeployer.Configuration(), tmp_path)
    with pytest.raises(NoManifest, match="on this machine only: use the flavor kserve or seldon"):
        deployer.manifest(None)


def test_stackfold_need_not_be_where_the_server_is(tmp_path):
    if not ELSEWHERE.exists():
        pytest.skip("no environment without Stackfold here: `make slow-flavors` makes it")
    asked = [str(ELSEWHERE), "-c", "import importlib.util as u; print(u.find_spec('stackfold'))"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "None\n"
    configuration = MlflowModelDeployer.Configuration(python=str(ELSEWHERE))
    deployer = MlflowModelDeployer(configuration, tmp_path)
    model = made(tmp_path)
    try:
        deployed = Deployed(model.id, model.name, deployer.deploy(model).reference)
        (answer,) = deployer.predict(deployed, tensors_of(FLOWERS))
        assert answer.data == [0, 1, 2]
    finally:
        deployer.delete(Deployed(model.id, model.name, None))
