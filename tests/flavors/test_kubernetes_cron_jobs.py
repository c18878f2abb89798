"""CronJobs that run schedules, on a real API server with its CronJob controller."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from command_line import in_a_process
from kubernetes_server import LIMITED
from ray_stacks import until
from workspaces import ORCHESTRATOR

from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.errors import EngineUnavailable, InvalidSchedule, NotFound
from stackfold.infrastructure.workspace import Workspace

PROGRAM = """
from stackfold import pipeline, step


@step(enable_cache=False)
def fit(rows: int) -> int:
    return rows


@pipeline
def training(rows: int = 3) -> None:
    fit(rows)


@step(enable_cache=False, step_operator=True)
def far() -> int:
    return 1


@pipeline
def partly() -> None:
    far()
"""
RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "delete", "get"]},
]
"""What a coordinator needs: as in the documentation."""
VERBS = ["get", "list", "create", "patch", "delete"]
"""What the user of the program needs for CronJobs: as in the documentation."""


@pytest.fixture
def ws(tmp_path, cluster):
    (tmp_path / "train.py").write_text(PROGRAM)
    with Workspace.open(tmp_path / "home") as workspace:
        workspace.components.register(ORCHESTRATOR, "kube", "kubernetes", cluster.settings())
        workspace.stacks.register("kube", orchestrator="kube", artifact_store="default")
        yield workspace


@pytest.fixture
def create(ws, tmp_path):
    def create(name="nightly", stack="kube", pipeline="training", **options):
        options = options or {"cron": "0 6 * * 1-5", "timezone": "Europe/Berlin"}
        return ws.schedules.create(name, f"{tmp_path}/train.py:{pipeline}", stack=stack, **options)

    return create


@pytest.fixture
def mixed(ws, cluster):
    """A stack that runs pipelines locally, and single steps on the cluster."""
    given = cluster.settings(image="python")
    ws.components.register(ComponentType.STEP_OPERATOR, "pods", "kubernetes", given)
    ws.stacks.register(
        "mixed", orchestrator="default", artifact_store="default", step_operator="pods"
    )
    return "mixed"


def command(ws, *words):
    """The answer of a command in the workspace."""
    return in_a_process(*words, environment={"STACKFOLD_HOME": str(ws.home)})


def fire(cluster, cron_job, name):
    """Create a Job as the controller does at a time of a CronJob, and wait until it has ended."""
    path = f"/apis/batch/v1/namespaces/{cluster.namespace}/jobs"
    template, uid = cron_job["spec"]["jobTemplate"], cron_job["metadata"].get("uid")
    owner = {
        "apiVersion": "batch/v1beta1",
        "kind": "CronJob",
        "name": cron_job["metadata"]["name"],
        "uid": uid,
    }
    owners = {"ownerReferences": [owner]} if uid else {}
    metadata = {**template["metadata"], **owners, "name": name}
    cluster.api.request("POST", path, {"metadata": metadata, "spec": template["spec"]})

    def ended():
        status = cluster.api.request("GET", f"{path}/{name}")["status"]
        return status.get("succeeded") or status.get("failed")

    until(ended)
    return bool(cluster.api.request("GET", f"{path}/{name}")["status"].get("succeeded"))


def output(cluster, job):
    """The output of the pod of a Job."""
    (pod,) = cluster.objects.pods(f"job-name={job}")
    path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod['metadata']['name']}/log"
    with cluster.api.stream(path, {}) as response:
        return response.read().decode()


def times_of_runs(ws, name):
    return sorted(each.time for each in ws.schedules.occurrences(name, 1000) if each.run)


def cron_jobs(cluster):
    path = f"/apis/batch/v1beta1/namespaces/{cluster.namespace}/cronjobs"
    return cluster.api.request("GET", path)["items"]


def test_a_manifest_has_the_times_and_the_zone_of_the_schedule(ws, create):
    view = create()
    found = yaml.safe_load(ws.schedules.cronjob("nightly", store_secret="log:url"))
    spec = found["spec"]
    assert found["apiVersion"] == "batch/v1"
    assert (spec["schedule"], spec["timeZone"]) == ("0 6 * * 1,2,3,4,5", "Europe/Berlin")
    assert (spec["concurrencyPolicy"], spec["startingDeadlineSeconds"]) == ("Forbid", 300)
    (container,) = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][-4:] == ["schedule", "run", view.id, "--once"]
    reference = {"secretKeyRef": {"name": "log", "key": "url"}}
    assert {"name": "STACKFOLD_STORE", "valueFrom": reference} in container["env"]


def test_what_a_pod_cannot_run_is_rejected(ws, create, cluster):
    create("active", stack=None, every="1h")
    with pytest.raises(InvalidSchedule, match="has no stack"):
        ws.schedules.cronjob("active")
    create("here", stack="default", every="1h")
    with pytest.raises(InvalidSchedule, match="has no cluster"):
        ws.schedules.cronjob("here")
    create("event", on="stack-activated")
    with pytest.raises(InvalidSchedule, match="start-schedules"):
        ws.schedules.cronjob("event")
    given = cluster.settings(shares_files=False, image="train:1")
    ws.components.register(ORCHESTRATOR, "far", "kubernetes", given)
    ws.components.register(ComponentType.ARTIFACT_STORE, "lake", "s3", {"path": "s3://lake"})
    ws.stacks.register("far", orchestrator="far", artifact_store="lake")
    create("far", stack="far", every="1h")
    with pytest.raises(InvalidSchedule, match="the log is a file on this machine"):
        ws.schedules.cronjob("far")


def test_it_is_applied_again_after_a_change_and_deleted(ws, create, cluster):
    create()
    name, others = ws.schedules.apply_cronjob("nightly")
    (found,) = cron_jobs(cluster)
    assert (found["metadata"]["name"], others) == (name, [])
    assert found["spec"]["schedule"] == "* * * * *", "1.20 has no time zones"
    ws.schedules.update("nightly", cron="5 6 * * *", timezone="UTC", overlap="allow")
    ws.schedules.rename("nightly", "daily")
    renamed, others = ws.schedules.apply_cronjob("daily")
    (found,) = cron_jobs(cluster)
    assert (found["metadata"]["name"], others) == (renamed, [name])
    assert (found["spec"]["schedule"], found["spec"]["concurrencyPolicy"]) == ("5 6 * * *", "Allow")
    assert ws.schedules.delete_cronjob("daily") == [renamed]
    assert cron_jobs(cluster) == []
    assert ws.schedules.delete_cronjob("daily") == []


def test_it_can_be_deleted_after_its_schedule(ws, create, cluster):
    id = create().id
    create("nightly-2")
    first, _ = ws.schedules.apply_cronjob("nightly")
    second, _ = ws.schedules.apply_cronjob("nightly-2")
    deleted = command(ws, "schedule", "delete", "nightly", "--yes")
    assert (deleted.code, deleted.out) == (0, "schedule 'nightly' deleted, revision 2\n")
    (line,) = deleted.err.splitlines()
    assert f"`stackfold schedule cronjob {id} --delete`" in line
    assert ws.schedules.delete_cronjob("nightly") == [first], "the name is a prefix of another"
    ws.schedules.restore(id)
    again, _ = ws.schedules.apply_cronjob("nightly")
    ws.schedules.delete("nightly")
    create()
    assert ws.schedules.delete_cronjob("nightly") == [], "that is the new one"
    assert ws.schedules.delete_cronjob(id) == [again]
    assert [each["metadata"]["name"] for each in cron_jobs(cluster)] == [second]
    with pytest.raises(NotFound):
        ws.schedules.delete_cronjob("missing")


def test_a_cron_job_that_is_not_of_the_schedule_stays(ws, create, cluster):
    create()
    name, _ = ws.schedules.apply_cronjob("nightly")
    (found,) = cron_jobs(cluster)
    del found["metadata"]["labels"]["stackfold/schedule"]
    path = f"/apis/batch/v1beta1/namespaces/{cluster.namespace}/cronjobs/{name}"
    cluster.api.request("PUT", path, found)
    with pytest.raises(EngineUnavailable, match="does not belong to this schedule"):
        ws.schedules.apply_cronjob("nightly")
    assert ws.schedules.delete_cronjob("nightly") == []
    assert len(cron_jobs(cluster)) == 1


def test_the_pod_is_that_of_a_coordinator(ws, create, cluster):
    given = cluster.settings(
        image="train:1",
        environment={"REGION": "eu"},
        service_account_name="steps",
        coordinator_service_account="runner",
        coordinator_pod_settings={"node_selectors": {"pool": "small"}},
    )
    ws.components.update(ORCHESTRATOR, "kube", given)
    create()
    found = yaml.safe_load(ws.schedules.cronjob("nightly"))
    assert found["metadata"]["namespace"] == cluster.namespace
    spec = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "runner"
    assert spec["nodeSelector"] == {"pool": "small"}
    (container,) = spec["containers"]
    assert container["image"] == "train:1"
    assert {"name": "REGION", "value": "eu"} in container["env"]


def test_a_missing_image_or_secret_is_named(ws, create, cluster, monkeypatch):
    given = cluster.settings(shares_files=False)
    ws.components.register(ORCHESTRATOR, "far", "kubernetes", given)
    lake = {"path": "s3://lake", "key": "{{lake.key}}", "secret": "{{lake.key}}"}
    ws.components.register(ComponentType.ARTIFACT_STORE, "lake", "s3", lake)
    hub = {"uri": "hub.example.com"}
    ws.components.register(ComponentType.CONTAINER_REGISTRY, "hub", "default", hub)
    ws.components.register(ComponentType.IMAGE_BUILDER, "builder", "local")
    ws.stacks.register(
        "far",
        orchestrator="far",
        artifact_store="lake",
        container_registry="hub",
        image_builder="builder",
    )
    monkeypatch.setenv("STACKFOLD_SECRET_LAKE_KEY", "planted-value")
    create("far", stack="far", every="1h")
    with pytest.raises(InvalidSchedule, match="without an image"):
        ws.schedules.cronjob("far", store_secret="log:url")
    ws.components.update(ORCHESTRATOR, "far", {"image": "train:1"})
    with pytest.raises(InvalidSchedule, match="STACKFOLD_SECRET_LAKE_KEY by secret_environment"):
        ws.schedules.cronjob("far", store_secret="log:url")
    variables = {"STACKFOLD_SECRET_LAKE_KEY": "lake:key", "PGPASSWORD": "log:password"}
    ws.components.update(ORCHESTRATOR, "far", {"secret_environment": variables})
    text = ws.schedules.cronjob("far", store_secret="log:url")
    (container,) = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ]
    references = {each["name"]: each.get("valueFrom") for each in container["env"]}
    assert references["PGPASSWORD"] == {"secretKeyRef": {"name": "log", "key": "password"}}
    assert references["STACKFOLD_SECRET_LAKE_KEY"] == {
        "secretKeyRef": {"name": "lake", "key": "key"}
    }
    assert "planted-value" not in text


def test_the_documented_permissions_suffice(ws, create, cluster):
    limited = str(cluster.plane.kubeconfig(LIMITED))
    ws.components.update(ORCHESTRATOR, "kube", {"kubeconfig": limited})
    create()
    with pytest.raises(EngineUnavailable, match='User "limited" cannot') as caught:
        ws.schedules.apply_cronjob("nightly")
    assert "\n" not in str(caught.value)
    rule = {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": VERBS}
    cluster.allow("limited", rule, user="limited")
    first, _ = ws.schedules.apply_cronjob("nightly")
    ws.schedules.rename("nightly", "daily")
    second, deleted = ws.schedules.apply_cronjob("daily")
    assert deleted == [first]
    assert ws.schedules.apply_cronjob("daily") == (second, [])
    assert ws.schedules.delete_cronjob("daily") == [second]


def test_a_field_that_another_manager_changed_is_named(ws, create, cluster):
    create()
    name, _ = ws.schedules.apply_cronjob("nightly")
    (found,) = cron_jobs(cluster)
    found["spec"]["schedule"] = "7 7 * * *"
    path = f"/apis/batch/v1beta1/namespaces/{cluster.namespace}/cronjobs/{name}"
    cluster.api.request("PUT", path, found, {"fieldManager": "kubectl-edit"})
    with pytest.raises(EngineUnavailable) as caught:
        ws.schedules.apply_cronjob("nightly")
    message = str(caught.value)
    assert "409" in message
    assert "kubectl-edit" in message
    assert ".spec.schedule" in message
    assert "\n" not in message
    assert cron_jobs(cluster)[0]["spec"]["schedule"] == "7 7 * * *"


@pytest.mark.slow
def test_the_command_applies_and_deletes(ws, create, cluster):
    create()
    applied = command(ws, "schedule", "cronjob", "nightly", "--apply")
    (found,) = cron_jobs(cluster)
    name = found["metadata"]["name"]
    assert (applied.code, applied.out) == (0, f"CronJob {name!r} applied\n")
    # A Job of the CronJob, for which nothing is due, and which is deleted with it.
    assert fire(cluster, found, "fired")
    assert output(cluster, "fired") == ""
    deleted = command(ws, "schedule", "cronjob", "nightly", "--delete")
    assert (deleted.code, deleted.out) == (0, f"CronJob {name!r} deleted\n")
    assert cron_jobs(cluster) == []
    until(lambda: cluster.jobs() == [])
    again = command(ws, "schedule", "cronjob", "nightly", "--delete")
    assert (again.code, again.out) == (0, "")
    assert "there is no CronJob of this schedule" in again.err
    create("here", stack="default", every="1h")
    for option in ("--apply", "--delete"):
        failed = command(ws, "schedule", "cronjob", "here", option)
        assert failed.code == 1
        assert "has no cluster" in failed.err
        assert len(failed.err.splitlines()) == 1


@pytest.mark.slow
def test_a_step_operator_is_enough(ws, create, cluster, mixed):
    cluster.allow("default", *RULES)
    create("often", stack=mixed, pipeline="partly", every="1h")
    found = yaml.safe_load(ws.schedules.cronjob("often"))
    view = ws.schedules.update("often", every="1s")
    until(lambda: from_rfc3339(view.next) <= datetime.now(UTC))
    assert fire(cluster, found, "first"), output(cluster, "first")
    assert [each.status for each in ws.runs.list()] == ["completed"]
    (job,) = [each for each in cluster.jobs() if each["metadata"]["name"] != "first"]
    assert job["metadata"]["labels"]["stackfold/step"] == "far"
    assert [each["name"] for each in job["metadata"]["ownerReferences"]] == ["first"]
    ws.schedules.pause("often")
    assert fire(cluster, found, "paused"), output(cluster, "paused")
    assert output(cluster, "paused") == ""
    assert len(ws.runs.list()) == 1
    ws.schedules.delete("often")
    assert not fire(cluster, found, "deleted")
    (line,) = output(cluster, "deleted").splitlines()
    assert view.id in line


@pytest.mark.slow
def test_pods_and_a_schedule_run_start_one_run_for_each_time(ws, create, cluster, mixed):
    cluster.allow("default", *RULES)
    create("often", stack=mixed, every="1h", catch_up="all", catch_up_limit=1000, overlap="allow")
    found = yaml.safe_load(ws.schedules.cronjob("often"))
    first = from_rfc3339(ws.schedules.update("often", every="5s").next)
    with subprocess.Popen(
        [sys.executable, "-m", "stackfold", "schedule", "run", "often"],
        env={**os.environ, "STACKFOLD_HOME": str(ws.home)},
    ) as process:
        try:
            for number in range(2):
                assert fire(cluster, found, f"beside-{number}"), output(cluster, f"beside-{number}")
            until(lambda: len(times_of_runs(ws, "often")) >= 3)
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    before = times_of_runs(ws, "often")
    until(lambda: from_rfc3339(before[-1]) + timedelta(seconds=5) <= datetime.now(UTC))
    assert fire(cluster, found, "alone"), output(cluster, "alone")
    times = times_of_runs(ws, "often")
    assert len(times) > len(before), "the pod alone starts what is due"
    due = [first + number * timedelta(seconds=5) for number in range(len(times))]
    assert [from_rfc3339(each) for each in times] == due
    assert {each.status for each in ws.runs.list()} == {"completed"}


@pytest.mark.slow
def test_the_controller_starts_one_run_for_each_time(ws, create, cluster):
    cluster.allow("default", *RULES)
    for name in ("first", "second"):
        create(name, every="1m")
        ws.schedules.apply_cronjob(name)
    end = time.monotonic() + 300
    while not all(_completed(ws, name) for name in ("first", "second")):
        assert time.monotonic() < end, _logs(cluster)
        time.sleep(0.5)
    for name in ("first", "second"):
        ws.schedules.delete_cronjob(name)
        times = [each.time for each in ws.schedules.occurrences(name) if each.run]
        assert len(times) == len(set(times))
        before = len(times)
        ws.schedules.pause(name)
        assert ws.schedules.run(name, once=True).started == 0
        assert len([each for each in ws.schedules.occurrences(name) if each.run]) == before


def _completed(ws, name):
    return any(each.outcome == "completed" for each in ws.schedules.occurrences(name))


def _logs(cluster):
    return [cluster.objects.last_line(pod["metadata"]["name"]) for pod in cluster.pods()]
