"""What a pod of Kubeflow does, in a container of the image that the stack has built.

There is no Kubeflow to start pods: Buildah executes in the image what Kubeflow was handed, command
for command. The log is shared as a folder.
"""

import json
from uuid import uuid4

from engine_containers import Container
from kfp_api_server import KfpApiServer
from workspaces import ORCHESTRATOR

from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

PIPELINE = """
from stackfold import pipeline, step


@step
def load() -> int:
    return 3


@step
def double(number: int) -> int:
    print("doubling", number)
    return 2 * number


@pipeline
def training():
    double(load())
"""


def executions(submitted, run):
    """Step → the command of its pod, as Kubeflow fills it in, and its variables."""
    found = {}
    inner = submitted["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    tasks = {task["taskInfo"]["name"]: task for task in inner.values()}
    tasks["settle"] = submitted["root"]["dag"]["tasks"]["settle"]
    for name, task in tasks.items():
        label = submitted["components"][task["componentRef"]["name"]]["executorLabel"]
        container = submitted["deploymentSpec"]["executors"][label]["container"]
        given = {
            key: each["runtimeValue"]["constant"] if "runtimeValue" in each else run
            for key, each in task["inputs"]["parameters"].items()
        }
        told = {
            "inputs": {"parameterValues": given},
            "outputs": {"outputFile": "/tmp/output.json"},
        }
        words = [*container["command"], *container["args"]]
        environment = {each["name"]: each["value"] for each in container["env"]}
        found[name] = [json.dumps(told) if each == "{{$}}" else each for each in words], environment
    return found


def test_its_pods_find_the_code_and_record_what_came_of_it(
    kfp, index, python, buildah, hub, tmp_path
):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text(PIPELINE)
    with KfpApiServer(tmp_path, executes=False) as kubeflow, Workspace.open(tmp_path / "h") as ws:
        ws.components.register(
            ORCHESTRATOR,
            "kf",
            "kubeflow",
            {"kubeflow_hostname": kubeflow.url, "synchronous": False},
        )
        settings = {**buildah, "base_image": python}
        ws.components.register(ComponentType.IMAGE_BUILDER, "builder", "local", settings)
        uri = f"{hub.host}/t{uuid4().hex[:8]}"
        ws.components.register(ComponentType.CONTAINER_REGISTRY, "hub", "default", {"uri": uri})
        ws.stacks.register(
            "kubeflow",
            orchestrator="kf",
            artifact_store="default",
            image_builder="builder",
            container_registry="hub",
        )
        training = ws.pipelines.load(str(tmp_path / "code" / "train.py"))
        run = ws.runs.start(training, stack="kubeflow")
        assert run.status == "running"
        (tmp_path / "code" / "train.py").unlink()  # a pod has nothing but its image
        (submitted,) = kubeflow.runs.values()
        image = ws.runs.describe(run.id).metadata["image"]
        pods = executions(submitted["pipeline_spec"], run.id)
        assert {*pods} == {"load", "double", "settle"}
        for step in ("load", "double", "settle"):
            command, environment = pods[step]
            with Container(buildah, image) as pod:
                done = pod.run(*command, environment=environment, folders=[tmp_path / "h"])
            assert done.returncode == 0, done.stdout + done.stderr
        assert ws.runs.get(run.id).status == "completed"
        assert ws.runs.load(run.id, "double") == 6
        assert "".join(ws.runs.logs(run.id, "double")) == "doubling 3\n"
