"""Recurring runs that run schedules, on a server with Kubeflow's API.

No Kubeflow exists here: the test says when one fires, and its command is executed on this machine.
See `kfp_api_server`.
"""

import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from kfp_api_server import KfpApiServer
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
CLUSTER = "https://kubeflow.example.com/pipeline"


@pytest.fixture
def kubeflow(kfp, tmp_path):
    with KfpApiServer(tmp_path) as server:
        yield server


@pytest.fixture
def ws(tmp_path, kubeflow):
    (tmp_path / "train.py").write_text(PROGRAM)
    with Workspace.open(tmp_path / "home") as workspace:
        settings = {"kubeflow_hostname": kubeflow.url, "poll_interval": 0.2}
        workspace.components.register(ORCHESTRATOR, "kf", "kubeflow", settings)
        workspace.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
        yield workspace


@pytest.fixture
def create(ws, tmp_path):
    def create(name="nightly", stack="kubeflow", **options):
        options = options or {"cron": "0 6 * * 1-5"}
        return ws.schedules.create(name, f"{tmp_path}/train.py:training", stack=stack, **options)

    return create


@pytest.fixture
def in_a_cluster(ws):
    """A function that makes a stack whose pods are on other machines."""

    def registered(**settings):
        settings = {"kubeflow_hostname": CLUSTER, **settings}
        ws.components.register(ORCHESTRATOR, "far", "kubeflow", settings)
        ws.components.register(ComponentType.ARTIFACT_STORE, "lake", "s3", {"path": "s3://lake"})
        others = {}
        if "image" not in settings:
            uri = {"uri": "hub.example.com/team"}
            ws.components.register(ComponentType.IMAGE_BUILDER, "builder", "local", {})
            ws.components.register(ComponentType.CONTAINER_REGISTRY, "hub", "default", uri)
            others = {"image_builder": "builder", "container_registry": "hub"}
        ws.stacks.register("far", orchestrator="far", artifact_store="lake", **others)

    return registered


def described(ws, **options):
    return yaml.safe_load(ws.schedules.recurring_run("nightly", **options))


def container(spec):
    (executor,) = spec["deploymentSpec"]["executors"].values()
    return executor["container"]


# -- what is printed


def test_a_recurring_run_has_the_times_of_the_schedule_and_runs_it_once(ws, create):
    view = create()
    found = described(ws)
    assert found["trigger"] == {"cron_schedule": {"cron": "0 0 6 * * 1,2,3,4,5"}}
    assert (found["max_concurrency"], found["no_catchup"], found["mode"]) == (1, True, "ENABLE")
    assert found["runtime_config"] == {"parameters": {"schedule": view.id}}
    words = container(found["pipeline_spec"])["command"]
    schedule = "{{$.inputs.parameters['schedule']}}"
    assert words == ["python", "-m", "stackfold", "schedule", "run", schedule, "--once"]
    (task,) = found["pipeline_spec"]["root"]["dag"]["tasks"].values()
    assert not task["cachingOptions"].get("enableCache"), "the second time has the same inputs"


def test_intervals_are_cron_expressions_with_seconds(ws, create):
    create(every="6h", starts="2026-01-01T01:02:03Z")
    trigger = described(ws)["trigger"]
    assert trigger == {"cron_schedule": {"cron": "3 2 1,7,13,19 * * *"}}


def test_runs_may_overlap_where_the_schedule_allows_it(ws, create):
    create(every="1h", overlap="allow")
    assert described(ws)["max_concurrency"] == 10


def test_pods_have_the_settings_of_the_orchestrator(ws, create, in_a_cluster, monkeypatch):
    monkeypatch.setenv("STACKFOLD_STORE", "postgresql://ada@db.example.com/log")
    in_a_cluster(
        image="hub.example.com/training:1",
        secret_environment={"PGPASSWORD": "log:password"},
        pod_settings={"node_selectors": {"pool": "cpu"}},
    )
    create(stack="far")
    found = described(ws)["pipeline_spec"]
    pod = container(found["pipeline_spec"])
    assert pod["image"] == "hub.example.com/training:1"
    store = {"name": "STACKFOLD_STORE", "value": "postgresql://ada@db.example.com/log"}
    assert pod["env"] == [store]
    (given,) = found["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"][
        "executors"
    ].values()
    assert given["nodeSelector"] == {"labels": {"pool": "cpu"}}
    assert [each["secretName"] for each in given["secretAsEnv"]] == ["log"]
    found = described(ws, store_secret="address:url")["pipeline_spec"]
    assert "env" not in container(found["pipeline_spec"]), "the address is in the secret"
    assert "STACKFOLD_STORE" in yaml.safe_dump(found["platform_spec"])


def test_what_a_pod_cannot_run_is_rejected(ws, create, in_a_cluster):
    create("active", stack=None, every="1h")
    with pytest.raises(InvalidSchedule, match="has no stack"):
        ws.schedules.recurring_run("active")
    create("here", stack="default", every="1h")
    with pytest.raises(InvalidSchedule, match="has no Kubeflow: stack 'default'"):
        ws.schedules.recurring_run("here")
    create("event", on="stack-activated")
    with pytest.raises(InvalidSchedule, match="start-schedules"):
        ws.schedules.recurring_run("event")
    create("often", every="30s")
    with pytest.raises(InvalidSchedule, match="a recurring run is exact to the minute"):
        ws.schedules.recurring_run("often")
    in_a_cluster()
    create("far", stack="far", every="1h")
    with pytest.raises(InvalidSchedule, match="the log is a file on this machine"):
        ws.schedules.recurring_run("far")
    with pytest.raises(InvalidSchedule, match="without an image: give the component `kubeflow`"):
        ws.schedules.recurring_run("far", store_secret="log:url")


def test_pods_need_the_secrets_of_the_stack(ws, create, in_a_cluster):
    ws.secrets.create("kubeflow", {"token": "planted-value"})
    token = {"client_args": {"existing_token": "{{kubeflow.token}}"}, "image": "training:1"}
    in_a_cluster(**token)
    create(stack="far")
    with pytest.raises(InvalidSchedule, match="STACKFOLD_SECRET_KUBEFLOW_TOKEN by secret_env"):
        ws.schedules.recurring_run("nightly", store_secret="log:url")
    given = {"STACKFOLD_SECRET_KUBEFLOW_TOKEN": "kubeflow:token"}
    ws.components.update(ORCHESTRATOR, "far", {"secret_environment": given})
    assert "planted-value" not in ws.schedules.recurring_run("nightly", store_secret="log:url")


# -- what is applied


def test_what_is_applied_is_what_is_printed(ws, create, kubeflow):
    create()
    name, others = ws.schedules.apply_recurring_run("nightly")
    (found,) = kubeflow.recurring_runs.values()
    assert (found["display_name"], others) == (name, [])
    printed = described(ws)
    assert {key: found[key] for key in printed} == printed
    (experiment,) = kubeflow.experiments.values()
    assert found["experiment_id"] == experiment["experiment_id"]


def test_applying_it_again_changes_nothing_unless_it_was_disabled(ws, create, kubeflow):
    create()
    ws.schedules.apply_recurring_run("nightly")
    first = {**kubeflow.recurring_runs}
    ws.schedules.apply_recurring_run("nightly")
    assert kubeflow.recurring_runs == first
    (found,) = kubeflow.recurring_runs.values()
    found["status"] = "DISABLED"
    ws.schedules.apply_recurring_run("nightly")
    (found,) = kubeflow.recurring_runs.values()
    assert found["status"] == "ENABLED"


def test_it_is_replaced_after_a_change_and_deleted(ws, create, kubeflow):
    for other in ("first", "second", "third"):  # more than one page
        create(other)
        ws.schedules.apply_recurring_run(other)
    create()
    name, _ = ws.schedules.apply_recurring_run("nightly")
    ws.schedules.update("nightly", cron="5 6 * * *", overlap="allow")
    assert ws.schedules.apply_recurring_run("nightly") == (name, [])
    *_, found = kubeflow.recurring_runs.values()
    assert found["trigger"]["cron_schedule"]["cron"] == "0 5 6 * * *"
    ws.schedules.rename("nightly", "daily")
    renamed, others = ws.schedules.apply_recurring_run("daily")
    assert others == [name]
    names = [each["display_name"] for each in kubeflow.recurring_runs.values()]
    assert (len(names), names[-1]) == (4, renamed)
    assert ws.schedules.delete_recurring_run("daily") == [renamed]
    assert len(kubeflow.recurring_runs) == 3
    assert ws.schedules.delete_recurring_run("daily") == []


def test_it_can_be_deleted_after_its_schedule(ws, create, kubeflow):
    id = create().id
    name, _ = ws.schedules.apply_recurring_run("nightly")
    ws.schedules.delete("nightly")
    create()
    assert ws.schedules.delete_recurring_run("nightly") == [], "that is the new one"
    assert ws.schedules.delete_recurring_run(id) == [name]
    assert not kubeflow.recurring_runs


def test_a_recurring_run_that_is_not_of_the_schedule_stays(ws, create, kubeflow):
    create()
    ws.schedules.apply_recurring_run("nightly")
    (found,) = kubeflow.recurring_runs.values()
    del found["runtime_config"]
    with pytest.raises(EngineUnavailable, match="does not belong to this schedule"):
        ws.schedules.apply_recurring_run("nightly")
    assert ws.schedules.delete_recurring_run("nightly") == []
    assert [*kubeflow.recurring_runs.values()] == [found]


def test_a_rejection_is_one_line_and_keeps_the_old_one(ws, create, kubeflow):
    create()
    ws.schedules.apply_recurring_run("nightly")
    ws.schedules.update("nightly", cron="5 6 * * *")
    kubeflow.refuse["POST recurringruns"] = (403, "not in this\nnamespace")
    with pytest.raises(EngineUnavailable, match=r"cannot be used: 403 not in this namespace$"):
        ws.schedules.apply_recurring_run("nightly")
    (found,) = kubeflow.recurring_runs.values()
    assert found["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * 1,2,3,4,5"


def test_an_unavailable_api_is_one_line(ws, create):
    create()
    ws.components.update(ORCHESTRATOR, "kf", {"kubeflow_hostname": "http://127.0.0.1:9"})
    with pytest.raises(EngineUnavailable, match="does not answer: Connection refused"):
        ws.schedules.delete_recurring_run("nightly")


# -- what its pods do


@pytest.mark.slow
def test_it_starts_one_run_for_each_time_however_often_it_fires(ws, create, kubeflow):
    soon = datetime.now(UTC) - timedelta(seconds=57)
    for name in ("nightly", "paused"):
        create(name, every="1m", starts=soon.isoformat())
        ws.schedules.apply_recurring_run(name)
    ws.schedules.pause("paused")
    end = time.monotonic() + 120
    while not ws.runs.list():
        assert time.monotonic() < end, "no time was due"
        for id in kubeflow.recurring_runs:
            done = kubeflow.fire(id)
            assert done.returncode == 0, done.stdout + done.stderr
    (id, _) = kubeflow.recurring_runs
    assert kubeflow.fire(id).returncode == 0
    runs = ws.runs.list()
    assert {(each.status, each.stack) for each in runs} == {("completed", "kubeflow")}
    assert ws.runs.load(runs[0].id, "fit") == 3
    submitted = [each["display_name"] for each in kubeflow.runs.values()]
    assert sorted(submitted) == sorted(each.name for each in runs)
    times = [each.time for each in ws.schedules.occurrences("nightly") if each.run]
    assert len(times) == len({*times}) == len(runs)
