"""Runs on the orchestrator `kubernetes`: a real API server, and processes as pods."""

import base64
import os
import signal
import subprocess
import threading

import kubeflow_pipelines as pipelines
import pytest
import yaml
from ray_stacks import program_of, until
from workspaces import ORCHESTRATOR

from stackfold.domain.errors import RunFailed
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

NEVER_CACHED = RunConfiguration(enable_cache=False)
RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "delete", "get"]},
]
"""What a coordinator needs: as in the documentation."""


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def on(ws, cluster):
    """A function that makes a stack `kube` with these settings."""

    def registered(**settings):
        given = cluster.settings(**settings)
        ws.components.register(ORCHESTRATOR, "kube", "kubernetes", given)
        ws.stacks.register("kube", orchestrator="kube", artifact_store="default")
        return ws

    return registered


@pytest.fixture
def on_coordinator(on, cluster):
    """The same, with a Job that coordinates runs, and may do so."""

    def registered(**settings):
        cluster.allow("default", *RULES)
        return on(coordinator="job", **settings)

    return registered


def statuses(ws, run):
    return {each.name: each.status for each in ws.runs.steps(run)}


def record(ws, run):
    return [
        (step.name, step.status, step.upstream, step.parameters, step.key, sorted(step.inputs),
         [(each.name, each.digest, each.type, each.materializer) for each in step.outputs
          if step.name != "where"])
        for step in ws.runs.steps(run)
    ]  # fmt: skip


# -- from the client


def test_each_step_is_executed_in_a_pod(on, cluster):
    ws = on()
    run = ws.runs.start(pipelines.training, stack="kube")
    assert run.status == "completed"
    assert set(statuses(ws, run.id).values()) == {"completed"}
    assert ws.runs.load(run.id, "total") == 2.0
    assert ws.runs.load(run.id, "where") != os.getpid()
    assert "".join(ws.runs.logs(run.id, "load")) == "loading 4\n"
    jobs = cluster.jobs()
    assert sorted(job["metadata"]["labels"]["stackfold/step"] for job in jobs) == sorted(
        statuses(ws, run.id)
    )
    until(lambda: all(job["status"].get("succeeded") for job in cluster.jobs()))
    assert cluster.secrets() == []


def test_the_record_equals_that_of_the_local_orchestrator(on):
    ws = on()
    there = ws.runs.start(pipelines.training, {"rows": 3}, stack="kube")
    here = ws.runs.start(
        pipelines.training, {"rows": 3}, configuration=NEVER_CACHED, stack="default"
    )
    assert record(ws, there.id) == record(ws, here.id)


def test_a_failing_step_fails_the_run_with_its_error(on, cluster):
    ws = on()
    with pytest.raises(RunFailed, match="failed in step 'fail': ValueError: of the step") as caught:
        ws.runs.start(pipelines.failing, stack="kube")
    assert 'raise ValueError("of the step")' in caught.value.traceback
    run = ws.runs.list()[0]
    steps = {each.name: each for each in ws.runs.steps(run.id)}
    assert steps["fail"].retried == ["ValueError: of the step"]
    assert steps["total"].status == "skipped"
    assert "".join(ws.runs.logs(run.id, "fail")).count("about to fail") == 2


def test_resources_and_settings_reach_the_pods(on, cluster):
    ws = on(
        ttl_seconds=77,
        environment={"COLOUR": "green"},
        pod_settings={
            "labels": {"team": "risk"},
            "node_selectors": {"disk": "fast"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "toleration_seconds": 9,
                             "effect": "NoExecute"}],
            "image_pull_secrets": ["hub"],
            "security_context": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
            "pod_security_context": {"fsGroup": 1000},
            "affinity": {"podAntiAffinity": {}},
            "volumes": [],
        },
    )  # fmt: skip
    ws.runs.start(pipelines.training, stack="kube")
    by_step = {job["metadata"]["annotations"]["stackfold/step"]: job for job in cluster.jobs()}
    spec = by_step["split"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    amounts = {"cpu": "500m", "memory": str(512 * 2**20)}
    assert container["resources"] == {"requests": amounts, "limits": amounts}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["env"] == [{"name": "COLOUR", "value": "green"}]
    assert spec["nodeSelector"] == {"disk": "fast"}
    assert spec["imagePullSecrets"] == [{"name": "hub"}]
    assert spec["tolerations"][0]["tolerationSeconds"] == 9
    assert spec["securityContext"] == {"fsGroup": 1000}
    assert spec["automountServiceAccountToken"] is False
    assert by_step["split"]["spec"]["ttlSecondsAfterFinished"] == 77
    gpu = by_step["total"]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert gpu == {"nvidia.com/gpu": "1"}


def test_ctrl_c_deletes_the_jobs(on, cluster, tmp_path):
    ws = on()
    interrupt_once((tmp_path / "pid").exists)
    with pytest.raises(KeyboardInterrupt):
        ws.runs.start(pipelines.hanging, {"folder": str(tmp_path)}, stack="kube")
    assert cluster.jobs() == []
    run = ws.runs.list()[0]
    assert (run.status, statuses(ws, run.id)) == ("cancelled", {"hang": "cancelled"})
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def interrupt_once(condition):
    main = threading.get_ident()

    def interrupt():
        until(condition)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()


START = """
    import sys, kubeflow_pipelines as pipelines
    from stackfold.infrastructure.workspace import Workspace
    with Workspace.open() as ws:
        ws.runs.start(pipelines.waiting, {"folder": sys.argv[1]}, stack="kube")
"""


def test_a_run_whose_client_was_killed_is_resumed(on, cluster, tmp_path):
    ws = on()
    client = program_of(ws, START, str(tmp_path))
    until(lambda: [pod for pod in cluster.pods() if pod["status"]["phase"] == "Running"])
    client.kill()
    client.communicate()
    (left,) = cluster.jobs()
    (tmp_path / "go").touch()
    run = ws.runs.list()[0].id
    assert ws.runs.resume(run, pipelines.waiting).status == "completed"
    # What the client has left was ended before the step began again.
    (job,) = cluster.jobs()
    assert job["metadata"]["uid"] != left["metadata"]["uid"]


def test_its_manifests_are_printed_and_accepted(on, cluster, ws):
    on(image="hub/training:1")
    text = ws.runs.document(pipelines.training, stack="kube")
    found = list(yaml.safe_load_all(text))
    steps = [each["metadata"]["annotations"]["stackfold/step"] for each in found]
    assert sorted(steps) == ["load", "split", "total", "total_2", "where"]
    assert found[0]["spec"]["template"]["spec"]["containers"][0]["image"] == "hub/training:1"
    for each in found:
        cluster.objects.check(each)
    assert cluster.jobs() == []


# -- by a coordinator


def test_a_coordinator_starts_the_steps_and_ends_the_run(on_coordinator, cluster):
    ws = on_coordinator()
    run = ws.runs.start(pipelines.training, stack="kube")
    assert run.status == "completed"
    assert ws.runs.load(run.id, "total") == 2.0
    coordinators = [job for job in cluster.jobs() if "coordinator" in job["metadata"]["name"]]
    (coordinator,) = coordinators
    assert ws.runs.describe(run.id).submitted["reference"] == coordinator["metadata"]["name"]
    owners = {job["metadata"].get("ownerReferences", [{}])[0].get("uid") for job in cluster.jobs()}
    assert owners == {None, coordinator["metadata"]["uid"]}


def test_a_failure_is_recorded_by_the_coordinator(on_coordinator):
    ws = on_coordinator()
    with pytest.raises(RunFailed, match="failed in step 'fail': ValueError: of the step"):
        ws.runs.start(pipelines.failing, stack="kube")
    assert statuses(ws, ws.runs.list()[0].id)["total"] == "skipped"


def test_a_coordinator_outlives_its_client(on_coordinator, cluster, tmp_path):
    ws = on_coordinator()
    client = program_of(ws, START, str(tmp_path))
    until(lambda: len([p for p in cluster.pods() if p["status"]["phase"] == "Running"]) == 2)
    client.kill()
    client.communicate()
    (tmp_path / "go").touch()
    run = ws.runs.list()[0].id
    until(lambda: ws.runs.get(run).status == "completed")


def test_ctrl_c_deletes_the_coordinator_and_the_steps(on_coordinator, cluster, tmp_path):
    ws = on_coordinator()
    interrupt_once((tmp_path / "pid").exists)
    with pytest.raises(KeyboardInterrupt):
        ws.runs.start(pipelines.hanging, {"folder": str(tmp_path)}, stack="kube")
    assert cluster.jobs() == []
    run = ws.runs.list()[0]
    assert (run.status, statuses(ws, run.id)) == ("cancelled", {"hang": "cancelled"})
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    until(lambda: cluster.secrets() == [])


def test_a_coordinator_that_died_is_replaced(on_coordinator, cluster, tmp_path):
    ws = on_coordinator(synchronous=False)
    run = ws.runs.start(pipelines.waiting, {"folder": str(tmp_path)}, stack="kube")
    assert run.status == "running"
    until(lambda: len([p for p in cluster.pods() if p["status"]["phase"] == "Running"]) == 2)
    subprocess.run(["pkill", "-9", "-f", f"pod coordinate {run.id}"], check=True)
    (tmp_path / "go").touch()
    until(lambda: ws.runs.get(run.id).status == "completed")


def test_a_coordinator_without_permission_is_told_in_one_line(on):
    ws = on(coordinator="job", coordinator_restarts=0)
    with pytest.raises(RunFailed) as caught:
        ws.runs.start(pipelines.training, stack="kube")
    assert "system:serviceaccount:" in str(caught.value)
    assert "\n" not in str(caught.value)


# -- secrets


def test_secrets_reach_the_pods_and_nothing_else(on_coordinator, cluster, ws, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_LAKE_KEY", "planted-value")
    on_coordinator(synchronous=False)
    ws.components.register(
        ComponentType.CONTAINER_REGISTRY,
        "hub",
        "default",
        {"uri": "hub.example.com", "username": "{{lake.key}}", "password": "{{lake.key}}"},
    )
    ws.stacks.update("kube", container_registry="hub")
    run = ws.runs.start(pipelines.training, stack="kube")
    seen = {}

    def has_ended():
        for each in cluster.secrets():
            seen.setdefault(frozenset(each["data"]), each["data"])
        return ws.runs.get(run.id).status != "running"

    until(has_ended)
    assert ws.runs.get(run.id).status == "completed"
    sent = seen[frozenset({"secrets", "variables"})]
    assert b"planted-value" in base64.b64decode(sent["secrets"])
    assert "planted-value" not in str(cluster.jobs()) + str(cluster.pods())
