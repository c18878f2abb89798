"""The flavors `kubernetes` in trouble: pods, the API server, permissions.

The kubelet of the tests reports what real ones report: see `kubelet.py`.
"""

import os
import threading
import time
from uuid import uuid4

import kubeflow_pipelines
import kubernetes_pipelines as pipelines
import pytest
from kubernetes_server import LIMITED
from ray_stacks import until
from workspaces import ORCHESTRATOR

from stackfold.domain.errors import (
    EngineUnavailable,
    InvalidPipeline,
    RunFailed,
    StepKilled,
    StepLost,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.kubernetes.step_operator import KubernetesStepOperator
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def on(ws, cluster):
    def registered(**settings):
        given = cluster.settings(**settings)
        ws.components.register(ORCHESTRATOR, "kube", "kubernetes", given)
        ws.stacks.register("kube", orchestrator="kube", artifact_store="default")
        return ws

    return registered


@pytest.fixture
def operator(cluster, tmp_path):
    """A function that makes a step operator with these settings."""

    def made(**settings):
        given = cluster.settings(image="python", **settings)
        return KubernetesStepOperator(KubernetesStepOperator.Configuration(**given), tmp_path)

    return made


def treated(**annotations):
    """Settings of pods that the kubelet treats in this way, once if `once` is given."""
    found = {f"test/{name.replace('_', '-')}": value for name, value in annotations.items()}
    return {"annotations": found, "termination_grace_period": 5}


# -- pods


def test_an_image_that_cannot_be_pulled_is_told(operator, cluster):
    broken = operator(patience=1, pod_settings=treated(image_pull="yes"))
    with pytest.raises(EngineUnavailable) as caught:
        broken.execute(int)
    assert "did not start in 1 seconds: ImagePullBackOff: Back-off pulling image" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)
    assert cluster.jobs() == []


def test_a_pod_that_no_node_takes_is_told(on, cluster):
    ws = on(patience=1, pod_settings=treated(unschedulable="yes"))
    with pytest.raises(RunFailed, match=r"0/1 nodes are available: 1 Insufficient nvidia.com/gpu"):
        ws.runs.start(kubeflow_pipelines.training, stack="kube")
    assert cluster.jobs() == []


def test_a_coordinator_that_no_node_takes_is_told(on, cluster):
    ws = on(coordinator="job", patience=1, coordinator_pod_settings=treated(unschedulable="yes"))
    with pytest.raises(RunFailed, match=r"its coordinator, .* does not start: Unschedulable: 0/1"):
        ws.runs.start(kubeflow_pipelines.training, stack="kube")
    until(lambda: cluster.jobs() == [])


def test_a_container_killed_for_its_memory_is_told(operator):
    limited = operator(memory="512MiB", pod_settings=treated(oom="/"))
    with pytest.raises(StepKilled, match="used more memory than its limit of 512 MiB: request"):
        limited.execute(lambda: time.sleep(600))


def test_a_step_whose_pod_was_evicted_begins_again(on, tmp_path):
    ws = on(pod_settings=treated(evicted=str(tmp_path / "begun"), once=uuid4().hex))
    run = ws.runs.start(pipelines.surviving, {"folder": str(tmp_path)}, stack="kube")
    assert run.status == "completed"
    log = "".join(ws.runs.logs(run.id, "survive"))
    assert "its pod was lost, the step begins again: Evicted: The node was low on resource" in log
    assert log.endswith("second attempt\n")
    assert ws.runs.steps(run.id)[0].retried == []


def test_a_pod_that_is_always_evicted_is_given_up(operator):
    with pytest.raises(StepLost, match=r"died \(2 in all\): Evicted: The node was low"):
        operator(pod_retries=1, pod_settings=treated(evicted="/")).execute(lambda: time.sleep(600))


def test_a_step_whose_pod_was_deleted_begins_again(on, cluster, tmp_path):
    ws = on()

    def delete():
        until((tmp_path / "begun").exists)
        (pod,) = cluster.pods()
        path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod['metadata']['name']}"
        cluster.api.request("DELETE", path)

    threading.Thread(target=delete, daemon=True).start()
    run = ws.runs.start(pipelines.surviving, {"folder": str(tmp_path)}, stack="kube")
    assert run.status == "completed"
    assert "its pod was lost" in "".join(ws.runs.logs(run.id, "survive"))


def test_a_job_that_was_deleted_is_not_waited_for(operator, cluster, tmp_path):
    def delete():
        until((tmp_path / "begun").exists)
        (job,) = cluster.jobs()
        cluster.objects.delete_job(job["metadata"]["name"])

    def wait():
        (tmp_path / "begun").touch()
        time.sleep(600)

    threading.Thread(target=delete, daemon=True).start()
    with pytest.raises((StepKilled, StepLost)):
        operator(pod_retries=0).execute(wait)


def test_an_image_without_stackfold_is_told(operator):
    broken = operator(environment={"PYTHONHOME": "/nonexistent"})
    with pytest.raises(StepKilled, match="ended with exit code 1 and no result: "):
        broken.execute(int)


def test_a_call_that_is_too_large_is_rejected(operator, cluster):
    data = os.urandom(2**21)
    with pytest.raises(InvalidPipeline, match="bytes, compressed, and Kubernetes takes 1000000"):
        operator().execute(lambda: data)
    assert cluster.jobs() == []


# -- the API server


def test_a_run_survives_ten_seconds_without_an_api_server(on, cluster, tmp_path):
    ws = on(max_outage=600)  # a busy machine takes a minute to start it again

    def interrupt():
        until((tmp_path / "pid").exists)
        time.sleep(1)
        cluster.plane.kill("api-server")
        time.sleep(10)
        cluster.plane.start_api_server()

    thread = threading.Thread(target=interrupt)
    thread.start()
    given = {"to": 100, "pause": 0.1, "folder": str(tmp_path)}
    run = ws.runs.start(pipelines.counting, given, stack="kube")
    thread.join()
    assert run.status == "completed"
    assert "".join(ws.runs.logs(run.id, "count")).split() == [str(n) for n in range(100)]


def test_an_api_server_that_stays_away_is_one_line(operator, cluster, tmp_path):
    path = tmp_path / "kubeconfig"
    text = cluster.plane.kubeconfig().read_text()
    path.write_text(text.replace(cluster.plane.url, "https://127.0.0.1:9"))
    with pytest.raises(EngineUnavailable, match=r"cannot be used: .*Connection refused") as caught:
        operator(kubeconfig=str(path), max_outage=1).execute(int)
    assert "\n" not in str(caught.value)


def test_a_missing_kubeconfig_is_one_line(operator):
    with pytest.raises(EngineUnavailable, match=r"cannot be used: .*kube-config") as caught:
        operator(kubeconfig="/nonexistent/config").execute(int)
    assert "\n" not in str(caught.value)


# -- permissions


@pytest.fixture
def forbidden(cluster):
    """Settings of a user that may do nothing."""
    return {"kubeconfig": str(cluster.plane.kubeconfig(LIMITED))}


def test_what_rbac_forbids_is_one_line(on, forbidden):
    ws = on(**forbidden)
    with pytest.raises(RunFailed) as caught:
        ws.runs.start(kubeflow_pipelines.training, stack="kube")
    assert 'jobs.batch is forbidden: User "limited" cannot list resource "jobs"' in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


def test_the_check_reports_what_is_forbidden(on, forbidden):
    (found,) = on(**forbidden).stacks.check("kube", connect=True)
    assert "403" in found.problem


def test_the_check_creates_nothing(on, cluster):
    assert list(on().stacks.check("kube", connect=True)) == []
    assert cluster.jobs() == []
    assert cluster.secrets() == []


def test_a_missing_namespace_is_one_line(operator):
    with pytest.raises(EngineUnavailable, match="there is no namespace 'nowhere'"):
        operator(namespace="nowhere").execute(int)


# -- the step operator in a run


def test_single_steps_run_on_kubernetes(ws, cluster):
    given = cluster.settings(image="python")
    ws.components.register(ComponentType.STEP_OPERATOR, "pods", "kubernetes", given)
    ws.stacks.register(
        "mixed", orchestrator="default", artifact_store="default", step_operator="pods"
    )
    run = ws.runs.start(pipelines.partly, stack="mixed")
    there, here = ws.runs.load(run.id, "here")
    assert here == os.getpid() != there
    (job,) = cluster.jobs()
    assert job["metadata"]["labels"]["stackfold/step"] == "there"
