"""The image of a run on Kubeflow, built by the stack and pushed to its registry.

Nothing starts pods from it here: what is looked at is what Kubeflow is handed.
"""

import json
from uuid import uuid4

import pytest
import yaml
from kfp_api_server import KfpApiServer
from workspaces import ORCHESTRATOR

from stackfold.domain.errors import InvalidStack, RunFailed
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

CLUSTER = "https://kubeflow.example.com/pipeline"

PIPELINE = """
from stackfold import pipeline, step

@step
def load() -> int:
    return 3

@step
def double(number: int) -> int:
    return 2 * number

@pipeline
def training():
    double(load())
"""


@pytest.fixture
def ws(kfp, tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def training(ws, tmp_path):
    folder = tmp_path / "code" / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").touch()
    (folder / "train.py").write_text(PIPELINE)
    return ws.pipelines.load(str(folder / "train.py"))


@pytest.fixture
def on_kubeflow(ws):
    """A function that makes a stack whose image builder pushes to some registry."""

    def registered(hostname, registry, builder, **settings):
        settings = {"kubeflow_hostname": hostname, "poll_interval": 0.2, **settings}
        ws.components.register(ORCHESTRATOR, "kf", "kubeflow", settings)
        ws.components.register(ComponentType.IMAGE_BUILDER, "builder", "local", builder)
        ws.components.register(
            ComponentType.CONTAINER_REGISTRY, "hub", "default", {"uri": registry}
        )
        stack = {"image_builder": "builder", "container_registry": "hub"}
        ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default", **stack)

    return registered


def containers_of(submitted):
    return [each["container"] for each in submitted["deploymentSpec"]["executors"].values()]


@pytest.mark.filterwarnings("ignore::stackfold.domain.errors.WouldNotRun")
def test_a_dry_run_names_the_image_and_builds_nothing(ws, training, monkeypatch):
    monkeypatch.setenv("STACKFOLD_STORE", "postgresql://ada@db.example.com/log")
    monkeypatch.setenv("PATH", "")  # no program to build with
    ws.components.register(ORCHESTRATOR, "kf", "kubeflow", {"kubeflow_hostname": CLUSTER})
    ws.components.register(ComponentType.IMAGE_BUILDER, "builder", "local", {})
    ws.components.register(
        ComponentType.CONTAINER_REGISTRY, "hub", "default", {"uri": "hub.example.com/team"}
    )
    ws.components.register(ComponentType.ARTIFACT_STORE, "s3", "s3", {"path": "s3://bucket"})
    ws.stacks.register(
        "kubeflow",
        orchestrator="kf",
        artifact_store="s3",
        image_builder="builder",
        container_registry="hub",
    )
    (pipeline, *_) = yaml.safe_load_all(ws.runs.document(training, stack="kubeflow"))
    name = ws.images.recipe(training, stack="kubeflow").name
    assert name.startswith("hub.example.com/team/training:")
    assert {each["image"] for each in containers_of(pipeline)} == {name}
    assert "code.models.train:training" in json.dumps(pipeline)


def test_a_stack_on_this_machine_only_is_no_registry_for_a_cluster(ws, training, on_kubeflow):
    with pytest.raises(InvalidStack, match="which cannot reach container registry 'hub'"):
        on_kubeflow(CLUSTER, "localhost:5000", {})


def test_kubeflow_gets_the_image_that_was_pushed(
    ws, training, on_kubeflow, engine, tiny, hub, tmp_path
):
    place = f"t{uuid4().hex[:8]}"
    with KfpApiServer(tmp_path) as kubeflow:
        on_kubeflow(kubeflow.url, f"{hub.host}/{place}", {"base_image": tiny, **engine})
        run = ws.runs.start(training, stack="kubeflow")
        (submitted,) = kubeflow.runs.values()
    assert run.status == "completed"
    (image,) = {each["image"] for each in containers_of(submitted["pipeline_spec"])}
    assert ws.runs.describe(run.id).metadata == {"image": image}
    pulled = hub.image(image)
    assert "models/train.py" in "".join(pulled.code())
    given = pulled.files["pip-was-given"].decode().splitlines()
    assert given[0].startswith("stackfold[kubeflow] @ file:///app/")


def test_a_run_whose_image_cannot_be_pushed_fails(ws, training, on_kubeflow, tmp_path):
    with KfpApiServer(tmp_path) as kubeflow:
        on_kubeflow(kubeflow.url, "127.0.0.1:9", {"base_image": "python:3"})
        with pytest.raises(RunFailed, match="cannot be used: nothing answers there"):
            ws.runs.start(training, stack="kubeflow")
        assert kubeflow.runs == {}
    (run,) = ws.runs.list()
    assert run.status == "failed"
