"""CronJobs that run schedules, on a real API server with its CronJob controller."""

import time

import pytest
import yaml
from workspaces import ORCHESTRATOR

from stackfold.domain.stacks.component_type import ComponentType
from stackfold.errors import EngineUnavailable, InvalidSchedule
from stackfold.infrastructure.workspace import Workspace

PROGRAM = """
from stackfold import pipeline, step


@step(enable_cache=False)
def fit(rows: int) -> int:
    return rows


@pipeline
def training(rows: int = 3) -> None:
    fit(rows)
"""
RULES = [
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "delete", "get"]},
]


@pytest.fixture
def ws(tmp_path, cluster):
    (tmp_path / "train.py").write_text(PROGRAM)
    with Workspace.open(tmp_path / "home") as workspace:
        workspace.components.register(ORCHESTRATOR, "kube", "kubernetes", cluster.settings())
        workspace.stacks.register("kube", orchestrator="kube", artifact_store="default")
        yield workspace


@pytest.fixture
def create(ws, tmp_path):
    def create(name="nightly", stack="kube", **options):
        options = options or {"cron": "0 6 * * 1-5", "timezone": "Europe/Berlin"}
        return ws.schedules.create(name, f"{tmp_path}/train.py:training", stack=stack, **options)

    return create


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


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({"cron": "30 6 * * 7"}, "30 6 * * 0"),
        ({"cron": "0 6 L * *"}, "* * * * *"),
        ({"every": "6h"}, "* * * * *"),
        ({"at": "2030-05-06T07:08:09Z"}, "9 7 6 5 *"),
    ],
)
def test_times_that_kubernetes_cannot_express_are_covered(ws, create, options, times):
    create(**options)
    assert yaml.safe_load(ws.schedules.cronjob("nightly"))["spec"]["schedule"] == times


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
