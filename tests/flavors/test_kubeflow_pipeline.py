"""What a run becomes for Kubeflow, and what is configured of it."""

import json

import kubeflow_pipelines
import pytest
import yaml
from pydantic import ValidationError
from workspaces import ORCHESTRATOR

from stackfold.application.runs.job_submitter import job_of
from stackfold.cli.main import main
from stackfold.domain.errors import EngineUnavailable, InvalidPipeline, InvalidStack
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.kubeflow.orchestrator import KubeflowOrchestrator
from stackfold.infrastructure.workspace import Workspace

HOST = "http://127.0.0.1:8888"
CLUSTER = "https://kubeflow.example.com/pipeline"


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def document(kfp, ws):
    """A function from settings to the documents of the pipeline `training`."""

    def compiled(**settings):
        ws.components.register(
            ORCHESTRATOR, "kf", "kubeflow", {"kubeflow_hostname": HOST, **settings}
        )
        ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
        text = ws.runs.document(kubeflow_pipelines.training, stack="kubeflow")
        assert ws.runs.list() == []
        return [*yaml.safe_load_all(text)]

    return compiled


def tasks_of(pipeline):
    """Step → its task."""
    inner = pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    return {task["taskInfo"]["name"]: (name, task) for name, task in inner.items()}


def containers_of(pipeline):
    return [each["container"] for each in pipeline["deploymentSpec"]["executors"].values()]


# -- the pipeline


def test_every_step_is_a_task_after_those_above_it(document):
    (pipeline,) = document()
    tasks = tasks_of(pipeline)
    assert [*tasks] == ["load", "split", "total", "where", "total_2"]
    after = {
        step: [other for other in tasks if tasks[other][0] in task.get("dependentTasks", [])]
        for step, (_, task) in tasks.items()
    }
    assert after == {
        "load": [],
        "split": ["load"],
        "total": ["split"],
        "where": ["total"],
        "total_2": ["split"],
    }


def test_a_task_knows_which_step_it_executes(document):
    (pipeline,) = document()
    for step, (_, task) in tasks_of(pipeline).items():
        given = task["inputs"]["parameters"]
        assert given["step"]["runtimeValue"]["constant"] == step
        source = given["source"]["runtimeValue"]["constant"]
        assert source == f"{kubeflow_pipelines.__file__}:training"


def test_a_final_task_always_ends_the_run(document):
    (pipeline,) = document()
    last = pipeline["root"]["dag"]["tasks"]["settle"]
    assert last["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert last["dependentTasks"] == ["exit-handler-1"]


def test_kubeflow_neither_caches_nor_installs_anything(document):
    (pipeline,) = document()
    for _, task in tasks_of(pipeline).values():
        assert not task.get("cachingOptions", {}).get("enableCache")
    assert "pip install" not in json.dumps(pipeline)


def test_the_run_is_a_parameter_so_that_the_same_document_serves_all(document):
    (pipeline,) = document()
    assert pipeline["root"]["inputDefinitions"]["parameters"] == {
        "run": {"parameterType": "STRING"}
    }


def test_a_step_gets_the_resources_that_it_requests(document):
    (pipeline,) = document()
    executors = pipeline["deploymentSpec"]["executors"]
    by_step = {
        step: executors[pipeline["components"][task["componentRef"]["name"]]["executorLabel"]]
        for step, (_, task) in tasks_of(pipeline).items()
    }
    assert "resources" not in by_step["load"]["container"]
    split = by_step["split"]["container"]["resources"]
    assert (split["resourceCpuLimit"], split["resourceCpuRequest"]) == ("0.5", "0.5")
    assert split["resourceMemoryLimit"] == str(512 * 2**20)
    total = by_step["total"]["container"]["resources"]["accelerator"]
    assert (total["resourceType"], total["resourceCount"]) == ("nvidia.com/gpu", "1")


def test_pods_get_the_address_of_the_log(document, ws):
    (pipeline,) = document()
    for container in containers_of(pipeline):
        assert {"name": "STACKFOLD_HOME", "value": str(ws.home)} in container["env"]


def test_pods_on_this_machine_get_its_folder_beside_a_shared_log(document, ws, monkeypatch):
    url = "postgresql://ada@db.example.com/log"
    with monkeypatch.context() as patch:
        patch.setenv("STACKFOLD_STORE", url)
        (pipeline,) = document()
    for container in containers_of(pipeline):
        variables = {each["name"]: each["value"] for each in container["env"]}
        assert variables == {"STACKFOLD_STORE": url, "STACKFOLD_HOME": str(ws.home)}


def test_the_image_and_the_source_can_be_chosen(document):
    (pipeline,) = document(image="registry.example.com/training:1", source="training:training")
    assert {each["image"] for each in containers_of(pipeline)} == {
        "registry.example.com/training:1"
    }
    for _, task in tasks_of(pipeline).values():
        source = task["inputs"]["parameters"]["source"]["runtimeValue"]["constant"]
        assert source == "training:training"


def test_the_pods_are_as_their_settings_say(document):
    pipeline, platform = document(
        secret_environment={"PGPASSWORD": "log:password"},
        pod_settings={
            "node_selectors": {"pool": "gpu"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "labels": {"team": "vision"},
            "annotations": {"note": "x"},
            "image_pull_secrets": ["registry"],
            "image_pull_policy": "Always",
            "volumes": [{"claim": "data", "path": "/data"}],
        },
    )
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert len(executors) == len(containers_of(pipeline)) == 6  # the last task is one, too
    for each in executors.values():
        assert each["nodeSelector"]["labels"] == {"pool": "gpu"}
        assert each["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]
        assert each["podMetadata"] == {"labels": {"team": "vision"}, "annotations": {"note": "x"}}
        assert each["imagePullSecret"][0]["secretName"] == "registry"
        assert each["imagePullPolicy"] == "Always"
        assert each["pvcMount"][0]["mountPath"] == "/data"
        (secret,) = each["secretAsEnv"]
        assert secret["secretName"] == "log"
        assert secret["keyToEnv"] == [{"secretKey": "password", "envVar": "PGPASSWORD"}]


# -- what is configured


def made(tmp_path, **settings):
    return KubeflowOrchestrator(KubeflowOrchestrator.Configuration(**settings), tmp_path)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"kubeflow_hostname": "kubeflow.example.com"}, "must be http://HOST or https://HOST"),
        ({"kubeflow_hostname": "https://me:secret@host"}, "may hold no password"),
        ({"client_username": "{{k.user}}"}, "belong together"),
        (
            {"client_username": "{{k.user}}", "client_password": "{{k.password}}"},
            "give kubeflow_hostname",
        ),
        ({"client_password": "plain"}, "is a secret"),
        ({"client_args": {"existing_token": "plain"}}, "existing_token is a secret"),
        ({"secret_environment": {"PGPASSWORD": "log"}}, "must be NAME:KEY"),
        ({"pod_settings": {"gpu": True}}, "Extra inputs"),
        ({"timeout": 0}, "greater than 0"),
    ],
)
def test_an_invalid_configuration_is_rejected(settings, problem):
    with pytest.raises(ValidationError, match=problem) as caught:
        KubeflowOrchestrator.Configuration(**settings)
    shown = str(caught.value.errors(include_input=False))
    assert "me:secret" not in shown


def test_on_this_machine_it_needs_nothing_else(tmp_path):
    local = made(tmp_path, kubeflow_hostname=HOST)
    assert (local.is_remote, local.needs) == (False, ())


def test_a_cluster_needs_an_image_or_what_builds_one(tmp_path):
    cluster = made(tmp_path, kubeflow_hostname=CLUSTER)
    assert cluster.is_remote
    assert cluster.needs == (ComponentType.CONTAINER_REGISTRY, ComponentType.IMAGE_BUILDER)
    assert made(tmp_path, kubeflow_hostname=CLUSTER, image="training:1").needs == ()
    assert made(tmp_path).is_remote  # through Kubernetes


def test_a_stack_for_a_cluster_needs_an_artifact_store_that_it_can_reach(ws):
    ws.components.register(ORCHESTRATOR, "kf", "kubeflow", {"kubeflow_hostname": CLUSTER})
    with pytest.raises(InvalidStack) as caught:
        ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
    problems = [each.problem for each in caught.value.violations]
    assert problems == [
        "orchestrator 'kf' needs a container registry",
        "orchestrator 'kf' needs an image builder",
        "orchestrator 'kf' runs on other machines, which cannot reach artifact store 'default'",
    ]


def job():
    from runnable import training

    return job_of(training.graph_for({}), "run", "training-1", {})


def test_a_cluster_cannot_record_in_a_file_on_this_machine(kfp, tmp_path, monkeypatch):
    monkeypatch.delenv("STACKFOLD_STORE", raising=False)
    cluster = made(tmp_path, kubeflow_hostname=CLUSTER, image="training:1")
    with pytest.raises(EngineUnavailable, match="use one that is shared, by STACKFOLD_STORE"):
        cluster.submit(job())


# -- a dry run


@pytest.fixture
def dry_run(kfp, ws, monkeypatch, capsys):
    """A function that makes one on the command line, and returns the document and the notes."""

    def printed(stack="kubeflow"):
        monkeypatch.setenv("STACKFOLD_HOME", str(ws.home))
        monkeypatch.delenv("STACKFOLD_STORE", raising=False)
        source = f"{kubeflow_pipelines.__file__}:training"
        typed = ["stackfold", "pipeline", "run", source, "--stack", stack, "--dry-run"]
        monkeypatch.setattr("sys.argv", typed)
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        assert ws.runs.list() == []
        told = capsys.readouterr()
        return [*yaml.safe_load_all(told.out)], told.err

    return printed


def test_what_a_dry_run_prints_is_the_document(ws, dry_run):
    ws.components.register(ORCHESTRATOR, "kf", "kubeflow", {"kubeflow_hostname": HOST})
    ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
    (pipeline,), notes = dry_run()
    assert [*tasks_of(pipeline)] == ["load", "split", "total", "where", "total_2"]
    assert notes == ""


def test_a_dry_run_needs_no_cluster_and_reports_what_a_run_would_lack(ws, dry_run):
    ws.components.register(
        ORCHESTRATOR,
        "kf",
        "kubeflow",
        {
            "kubeflow_hostname": CLUSTER,
            "client_username": "{{kubeflow.user}}",
            "client_password": "{{kubeflow.password}}",
            "image": "registry.example.com/training:1",
        },
    )
    lake = {"path": "s3://lake/stackfold", "key": "{{s3.key}}", "secret": "{{s3.secret}}"}
    ws.components.register(ComponentType.ARTIFACT_STORE, "lake", "s3", lake)
    ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="lake")
    (pipeline,), notes = dry_run()
    assert {each["image"] for each in containers_of(pipeline)} == {
        "registry.example.com/training:1"
    }
    assert not any("env" in each for each in containers_of(pipeline))
    would_not_run = "note: as it is now, this would not run: "
    assert notes.splitlines() == [
        f"{would_not_run}artifact store 'lake' needs the secret 's3' with a key 'key': run "
        "`stackfold secret create s3 --key=-`",
        f"{would_not_run}artifact store 'lake' needs the secret 's3' with a key 'secret': run "
        "`stackfold secret create s3 --secret=-`",
        f"{would_not_run}orchestrator 'kf' needs the secret 'kubeflow' with a key 'user': run "
        "`stackfold secret create kubeflow --user=-`",
        f"{would_not_run}orchestrator 'kf' needs the secret 'kubeflow' with a key 'password': run "
        "`stackfold secret create kubeflow --password=-`",
        f"{would_not_run}its pods record what they do, but the log is a file on this machine: use "
        "one that is shared, by STACKFOLD_STORE",
    ]


def test_an_orchestrator_that_submits_nothing_has_no_dry_run(ws):
    with pytest.raises(InvalidPipeline, match="submits nothing to an engine"):
        ws.runs.document(kubeflow_pipelines.training, stack="default")
