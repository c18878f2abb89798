"""The model deployers `kserve` and `seldon` on a cluster in trouble: one line each."""

import os
import signal
import subprocess
import sys

import pytest
import yaml
from kubernetes_server import LIMITED, free_port
from model_controllers import DEPLOYER, KINDS, settings_of
from models_to_serve import FLOWERS, Broken, Zeros, making
from ray_stacks import until

from stackfold.domain.errors import (
    CannotRecord,
    CannotUpdate,
    DeploymentFailed,
    DeploymentUnavailable,
    EngineUnavailable,
    NoManifest,
)
from stackfold.infrastructure.flavors.cluster_serving import cluster_resource
from stackfold.infrastructure.flavors.kserve.model_deployer import KServeModelDeployer

MODEL = "training/train"
# The store of the tests is on this machine, where their pods are, too.
pytestmark = pytest.mark.filterwarnings("ignore::stackfold.domain.errors.WouldNotRun")


@pytest.fixture
def flavor():
    return "kserve"


@pytest.fixture
def ws(model_cluster):
    return model_cluster


def configure(ws, **settings):
    ws.components.update(DEPLOYER, "serving", settings)


def failure(ws, error=EngineUnavailable, name="flowers"):
    """The line of the error of a deployment."""
    with pytest.raises(error) as caught:
        ws.deployments.deploy(name, MODEL)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- before anything is served


def test_a_cluster_without_kserve_is_reported(ws, cluster, monkeypatch):
    settings = KServeModelDeployer.Configuration(**settings_of(cluster))
    KServeModelDeployer(settings, ws.home).check_connection()
    for api in ("serving.example.com/v1", "serving.kserve.io/v1"):
        monkeypatch.setattr(KServeModelDeployer, "kind", KINDS["kserve"]._replace(api=api))
        message = failure(ws, name=f"flowers-{api[8]}")
        assert message.endswith(f"it has no InferenceService ({api}): install KServe there")
        with pytest.raises(EngineUnavailable, match="install KServe there"):
            KServeModelDeployer(settings, ws.home).check_connection()


def test_missing_permissions_are_reported(ws, cluster):
    configure(ws, kubeconfig=str(cluster.plane.kubeconfig(LIMITED)))
    message = failure(ws)
    assert '403 inferenceservices.serving.kserve.io "flowers" is forbidden' in message
    assert 'User "limited" cannot get resource' in message


RESOURCES = {
    "apiGroups": ["serving.kserve.io"],
    "resources": ["inferenceservices"],
    "verbs": ["get", "list", "create", "patch", "delete"],
}
PODS = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
]


@pytest.mark.parametrize("rules", [[RESOURCES, *PODS], [RESOURCES]], ids=["pods", "no pods"])
def test_the_documented_permissions_suffice(ws, cluster, resources, rules):
    cluster.allow("limited", *rules, user="limited")
    limited = str(cluster.plane.kubeconfig(LIMITED))
    configure(ws, kubeconfig=limited)
    ws.runs.start(making(Zeros))
    settings = KServeModelDeployer.Configuration(**settings_of(cluster, kubeconfig=limited))
    KServeModelDeployer(settings, ws.home).check_connection()
    ws.deployments.deploy("flowers", MODEL)
    ws.deployments.update("flowers", "making/make")
    until(lambda: ws.deployments.predict("flowers", FLOWERS) == [0, 0, 0])
    if len(rules) > 1:
        assert "serving 'flowers'" in "".join(ws.deployments.logs("flowers"))
    else:
        with pytest.raises(EngineUnavailable, match="403 pods is forbidden"):
            [*ws.deployments.logs("flowers")]
    ws.deployments.delete("flowers")
    assert resources.get("flowers") is None


def test_a_namespace_that_does_not_exist_is_named(ws):
    configure(ws, namespace="elsewhere")
    assert 'namespaces "elsewhere" not found' in failure(ws)


def test_a_context_that_does_not_exist_is_named(ws):
    configure(ws, kubernetes_context="prod")
    assert "prod" in failure(ws)


def test_a_cluster_that_does_not_respond_is_reported(ws, cluster, tmp_path, monkeypatch):
    ws.deployments.deploy("before", MODEL)
    good = cluster.plane.kubeconfig()
    content = good.read_text()
    bad = content.replace(cluster.plane.url, f"https://127.0.0.1:{free_port()}")
    monkeypatch.setattr(cluster_resource, "_MAX_OUTAGE", 0.5)
    try:
        good.write_text(bad)
        assert "Connection refused" in failure(ws)
        found = ws.deployments.describe("before")
        assert found.status == "unknown"
        assert "Connection refused" in found.problem
        # Predictions do not need the API server.
        assert ws.deployments.predict("before", FLOWERS) == [0, 1, 2]
    finally:
        good.write_text(content)
    assert ws.deployments.describe("before").status == "ready"


def test_a_quota_that_is_used_up_is_named(ws, cluster):
    hard = {"count/inferenceservices.serving.kserve.io": "0"}
    path = f"/api/v1/namespaces/{cluster.namespace}/resourcequotas"
    quota = {"metadata": {"name": "small"}, "spec": {"hard": hard}}
    created = cluster.api.request("POST", path, quota)
    # The control plane of the tests has no controller of quotas.
    created["status"] = {"hard": hard, "used": hard}
    cluster.api.request("PUT", f"{path}/small/status", created)
    assert "exceeded quota: small, requested: count/inferenceservices" in failure(ws)


def test_what_has_no_manifest_is_not_recorded(ws):
    configure(ws, image=None)
    assert "give image" in failure(ws, NoManifest)
    ws.components.register(DEPLOYER, "here", "local")
    ws.stacks.update("prod", model_deployer="here")
    with pytest.raises(NoManifest, match="its flavor 'local' applies nothing to a cluster"):
        ws.deployments.deploy("flowers", MODEL, apply=True)
    assert ws.deployments.list() == []


# -- while it becomes ready


def test_an_image_that_cannot_be_pulled_is_named(ws, resources):
    configure(ws, ready_timeout=3, environment={"TEST_TROUBLE": "image-pull"})
    message = failure(ws, DeploymentFailed)
    assert "was not ready in 3 seconds (ready_timeout): pod flowers-1: ImagePullBackOff" in message
    assert resources.get("flowers") is None
    configure(ws, ready_timeout=60, environment={})
    assert ws.deployments.get("flowers").status == "failed"


def test_an_update_that_fails_leaves_the_former_model(ws, resources):
    ws.runs.start(making(Broken))
    configure(ws, ready_timeout=10)
    ws.deployments.deploy("flowers", MODEL)
    with pytest.raises(DeploymentFailed, match="was not ready in 10 seconds"):
        ws.deployments.update("flowers", "making/make")
    until(lambda: ws.deployments.predict("flowers", FLOWERS) == [0, 1, 2])
    found = ws.deployments.describe("flowers")
    assert (found.status, found.model) == ("ready", "training/train/output@1")
    assert "its last update failed" in found.problem
    assert resources.get("flowers")["metadata"]["annotations"]["stackfold/artifact"] == found.model


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_is_interrupted_leaves_no_second_resource(ws, resources, number):
    configure(ws, environment={"TEST_TROUBLE": "image-pull"})
    command = subprocess.Popen(
        [sys.executable, "-m", "stackfold", "deployment", "deploy", "flowers", MODEL],
        env={**os.environ, "STACKFOLD_HOME": str(ws.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: resources.get("flowers"))
    command.send_signal(number)
    command.wait()
    if number == signal.SIGKILL:
        assert resources.get("flowers")  # no process was left to delete it
        assert ws.deployments.get("flowers").status == "unfinished"
    else:
        assert resources.get("flowers") is None
        assert ws.deployments.get("flowers").status == "failed"
    ws.deployments.delete("flowers")
    assert resources.get("flowers") is None


# -- changes by other clients


def test_one_that_was_deleted_is_down_and_can_be_started(ws, resources):
    ws.deployments.deploy("flowers", MODEL)
    resources.delete("flowers")
    until(lambda: resources.get("flowers") is None)
    found = ws.deployments.describe("flowers")
    assert found.status == "down"
    assert "there is no InferenceService 'flowers' in namespace" in found.problem
    assert ws.deployments.start("flowers").status == "ready"
    assert ws.deployments.predict("flowers", FLOWERS) == [0, 1, 2]


def test_what_another_manager_changed_is_not_overwritten(ws, cluster, resources):
    ws.runs.start(making(Zeros))
    ws.deployments.deploy("flowers", MODEL)
    changed = resources.get("flowers")
    changed["spec"]["predictor"]["containers"][0]["args"].append("--threads=2")
    resources.replace("flowers", changed)
    with pytest.raises(EngineUnavailable) as caught:
        ws.deployments.update("flowers", "making/make")
    assert "\n" not in str(caught.value)
    assert "conflict" in str(caught.value)
    assert "stop and start the deployment" in str(caught.value)
    ws.deployments.stop("flowers")
    ws.deployments.start("flowers")
    ws.deployments.update("flowers", "making/make")
    until(lambda: ws.deployments.predict("flowers", FLOWERS) == [0, 0, 0])


def test_it_is_found_when_another_context_is_the_current_one(ws, cluster, resources):
    ws.runs.start(making(Zeros))
    ws.deployments.deploy("flowers", MODEL)
    file = cluster.plane.kubeconfig()
    content = yaml.safe_load(file.read_text())
    elsewhere = {"server": f"https://127.0.0.1:{free_port()}"}
    content["clusters"].append({"name": "other", "cluster": elsewhere})
    content["contexts"].append({"name": "y", "context": {"cluster": "other", "user": "u"}})
    content["current-context"] = "y"
    try:
        file.write_text(yaml.safe_dump(content))
        assert ws.deployments.describe("flowers").status == "ready"
        ws.deployments.update("flowers", "making/make")
        until(lambda: ws.deployments.predict("flowers", FLOWERS) == [0, 0, 0])
        ws.deployments.delete("flowers")
    finally:
        cluster.plane.kubeconfig()
    assert resources.get("flowers") is None


# -- what a cluster does not do


def test_traffic_is_not_divided_and_requests_are_not_recorded(ws):
    ws.runs.start(making(Zeros))
    ws.deployments.deploy("flowers", MODEL)
    with pytest.raises(CannotUpdate, match="on a cluster, it serves one model"):
        ws.deployments.traffic("flowers", {MODEL: 50, "making/make": 50})
    with pytest.raises(CannotRecord):
        ws.deployments.record("flowers")
    assert ws.deployments.describe("flowers").status == "ready"


def test_an_address_that_this_machine_cannot_reach_is_reported(ws, monkeypatch):
    ws.deployments.deploy("flowers", MODEL)
    state = KINDS["kserve"].state

    def nowhere(found):
        return state(found)._replace(url=f"http://127.0.0.1:{free_port()}/v2/models/flowers/infer")

    monkeypatch.setattr(KServeModelDeployer, "kind", KINDS["kserve"]._replace(state=nowhere))
    ws.deployments.stop("flowers")
    ws.deployments.start("flowers")
    with pytest.raises(DeploymentUnavailable, match="if it is ready, this machine cannot reach it"):
        ws.deployments.predict("flowers", FLOWERS)


def test_apply_serves_one_deployment_of_a_local_deployer_on_the_cluster(ws, resources):
    configure(ws, on_cluster=False)
    command = [sys.executable, "-m", "stackfold", "deployment", "deploy", "flowers", MODEL]
    done = subprocess.run(
        [*command, "--apply"],
        env={**os.environ, "STACKFOLD_HOME": str(ws.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "deployment 'flowers' serves training/train/output@1 on stack 'prod'" in done.stdout
    assert resources.get("flowers")
    assert ws.deployments.describe("flowers").configuration["on_cluster"] is True
    assert ws.deployments.predict("flowers", FLOWERS) == [0, 1, 2]
