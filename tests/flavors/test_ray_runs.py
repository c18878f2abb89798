"""Runs on a real Ray cluster of two nodes, on loopback."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from uuid import uuid4

import pytest
import ray_pipelines
from pydantic import ValidationError
from ray_stacks import NEVER_CACHED, is_gone, on, program_of, statuses, until
from workspaces import OPERATOR, ORCHESTRATOR

from stackfold.domain.errors import RunFailed
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.ray.connection import runtime_environment
from stackfold.infrastructure.flavors.ray.orchestrator import RayOrchestrator
from stackfold.infrastructure.flavors.ray.settings import RaySettings
from stackfold.infrastructure.flavors.ray.step_operator import RayStepOperator
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


# -- where steps are executed


def test_independent_steps_are_executed_at_once_on_several_nodes(ws, two_nodes, tmp_path):
    run = on(ws, two_nodes)(ray_pipelines.at_once, folder=str(tmp_path))  # each waits for the other
    assert ws.runs.load(run.id, "meet") != ws.runs.load(run.id, "meet_2")


def test_a_step_is_executed_where_its_resources_are(ws, two_nodes):
    run = on(ws, two_nodes)(ray_pipelines.places)
    head, other = two_nodes.head_node, next(iter(two_nodes.worker_nodes))
    assert ws.runs.load(run.id, "on_the_other") == pid(other)
    assert ws.runs.load(run.id, "here") in {pid(head), pid(other)}


def pid(node):
    from ray._private.ray_constants import PROCESS_TYPE_RAYLET

    return node.all_processes[PROCESS_TYPE_RAYLET][0].process.pid


def test_resources_that_no_node_has_are_an_error(ws, two_nodes):
    run = on(ws, two_nodes, patience=1)
    with pytest.raises(RunFailed) as caught:
        run(ray_pipelines.impossible)
    assert str(caught.value).endswith(
        f"the Ray cluster at {two_nodes.address} cannot be used: none of its 2 nodes has what the "
        "step asks for: CPU 1, GPU 64"
    )
    assert statuses(ws) == ("failed", {"greedy": "failed"})


def test_a_step_may_use_ray_itself(ws, two_nodes):
    run = on(ws, two_nodes)(ray_pipelines.nested)
    assert ws.runs.load(run.id, "with_ray") == 6


def test_single_steps_can_be_sent_to_ray(ws, two_nodes):
    folder = str(Path(__file__).parents[1] / "support")
    ws.components.register(
        OPERATOR, "ray", "ray", {"address": two_nodes.address, "working_dir": folder}
    )
    ws.stacks.register(
        "mixed", orchestrator="default", artifact_store="default", step_operator="ray"
    )
    run = ws.runs.start(ray_pipelines.partly, configuration=NEVER_CACHED, stack="mixed")
    assert ws.runs.load(run.id, "elsewhere") != os.getpid()
    (step,) = ws.runs.steps(run.id)
    assert step.step_operator == "ray"


# -- what is recorded


def record(ws, run):
    return [
        (step.name, step.status, step.error, step.parameters, step.retried, step.traceback,
         [(each.name, each.digest) for each in step.outputs], "".join(ws.runs.logs(run, step.name)))
        for step in ws.runs.steps(run)
    ]  # fmt: skip


@pytest.mark.parametrize("pipeline", [ray_pipelines.failing, ray_pipelines.answering])
def test_the_record_equals_that_of_the_local_orchestrator(ws, two_nodes, pipeline):
    run_there = on(ws, two_nodes)
    for start in (
        lambda: run_there(pipeline),
        lambda: ws.runs.start(pipeline, configuration=NEVER_CACHED, stack="default"),
    ):
        try:
            start()
        except RunFailed:
            assert pipeline is ray_pipelines.failing
    here, there = ws.runs.list()
    assert record(ws, there.id) == record(ws, here.id)


# -- ending


def test_ctrl_c_ends_remote_steps(ws, two_nodes, tmp_path):
    run = on(ws, two_nodes)
    main = threading.get_ident()

    def interrupt():
        until((tmp_path / "pid").exists)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run(ray_pipelines.hanging, folder=str(tmp_path))
    assert statuses(ws) == ("cancelled", {"hang": "cancelled"})
    until(lambda: is_gone(tmp_path))


def test_a_remote_step_that_takes_too_long_is_ended(ws, two_nodes, tmp_path):
    with pytest.raises(RunFailed, match="it took longer than its 2 seconds"):
        on(ws, two_nodes)(ray_pipelines.late, folder=str(tmp_path))
    until(lambda: is_gone(tmp_path))


# -- what is sent there


SCRIPT = """
    import os
    from pathlib import Path

    import helper
    from stackfold import pipeline, step

    @step
    def where() -> list[str]:
        return [os.getcwd(), helper.__file__]

    @pipeline
    def sending():
        where()

    if __name__ == "__main__":
        sending()
"""


def test_a_scripts_folder_is_sent_to_the_nodes(ws, two_nodes, tmp_path):
    ws.components.register(ORCHESTRATOR, "cluster", "ray", {"address": two_nodes.address})
    ws.stacks.register("ray", orchestrator="cluster", artifact_store="default", activate=True)
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(textwrap.dedent(SCRIPT))
    (project / "helper.py").write_text("value = 1\n")
    environment = {**os.environ, "STACKFOLD_HOME": str(ws.home)}
    subprocess.run(
        [sys.executable, "train.py"], cwd=project, env=environment, check=True, capture_output=True
    )
    folder, helper = ws.runs.load(ws.runs.list()[0].id, "where")
    assert "working_dir_files" in folder
    assert helper == os.path.join(folder, "helper.py")


SECRET = f"open-{uuid4().hex}"


def asking(ws, cluster, sent):
    """Ask for a secret on a cluster that has none; returns its length and where else it is."""
    ws.secrets.create("s3", {"key": SECRET})
    hub = {"uri": "registry.example.com", "username": "{{s3.key}}", "password": "{{s3.key}}"}
    ws.components.register(ComponentType.CONTAINER_REGISTRY, "hub", "default", hub)
    run = on(ws, cluster, send_secrets=sent)
    ws.stacks.update("ray", container_registry="hub")
    done = run(ray_pipelines.asking)
    return ws.runs.load(done.id, "secret")


@pytest.mark.parametrize(("sent", "length"), [(True, len(SECRET)), (False, 0)])
def test_the_stacks_secrets_are_sent_to_the_steps(ws, two_nodes, sent, length):
    assert asking(ws, two_nodes, sent)[0] == length


def test_a_sent_secret_is_stored_nowhere(ws, two_nodes, ray):
    ray.init(address=two_nodes.address, logging_level="ERROR", log_to_driver=False)
    assert asking(ws, two_nodes, True) == [len(SECRET), []]
    session = Path(two_nodes.head_node.get_session_dir_path())
    files = [path for path in session.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    assert not any(SECRET.encode() in each for each in kept_by_ray(ray))


def kept_by_ray(ray):
    """The tasks that Ray has stored, once it reports all of them."""
    tasks = []

    def told():
        events = ray._private.state.state._get_all_task_events()
        tasks[:] = [each.SerializeToString() for each in events]
        return any(b"stackfold step" in each for each in tasks)

    until(told)
    return tasks


# -- connecting


def test_an_unresponsive_head_is_one_line(ws, ray):
    ws.components.register(ORCHESTRATOR, "cluster", "ray", {"address": "127.0.0.1:9"})
    ws.stacks.register("ray", orchestrator="cluster", artifact_store="default")
    with pytest.raises(RunFailed, match=r"its head does not answer: Connection refused$"):
        ws.runs.start(ray_pipelines.answering, stack="ray")


OWN = """
    import os, signal
    import ray
    import ray_pipelines
    from stackfold.domain.errors import RunFailed
    from stackfold.infrastructure.workspace import Workspace

    handlers = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with Workspace.open() as ws:
        for _ in range(2):
            ws.runs.start(ray_pipelines.answering, stack="own")
            assert not ray.is_initialized()
        assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == handlers
        try:
            ws.runs.start(ray_pipelines.answering, stack="ray")
        except RunFailed as error:
            print(error)
"""


def test_a_local_cluster_ends_with_each_run(ws, two_nodes):
    on(ws, two_nodes)
    ws.components.register(ORCHESTRATOR, "own", "ray")
    ws.stacks.register("own", orchestrator="own", artifact_store="default")
    program = program_of(ws, OWN)
    told, problem = program.communicate()
    assert program.returncode == 0, problem
    assert [run.status for run in ws.runs.list()] == ["failed", "completed", "completed"]
    # Ray itself would otherwise hang forever.
    assert told.endswith(
        "this program had a local one before, and Ray needs a fresh process for another\n"
    )


def test_a_program_that_is_connected_elsewhere_is_not_connected_here(ws, two_nodes, ray):
    ray.init(address=two_nodes.address, logging_level="ERROR", log_to_driver=False)
    ws.components.register(ORCHESTRATOR, "cluster", "ray", {"address": "127.0.0.1:9"})
    ws.stacks.register("ray", orchestrator="cluster", artifact_store="default")
    try:
        with pytest.raises(RunFailed, match="this program is connected to the one at"):
            ws.runs.start(ray_pipelines.answering, stack="ray")
    finally:
        ray.shutdown()


def test_an_existing_connection_is_used_and_left_open(ws, two_nodes, ray):
    ray.init(address=two_nodes.address, logging_level="ERROR", log_to_driver=False)
    run = on(ws, two_nodes)(ray_pipelines.answering)
    assert run.status == "completed"
    assert ray.is_initialized()
    ray.shutdown()


# -- what is configured


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"address": "ray://10.0.0.1:10001"}, "must be HOST:PORT, the head's: Ray's client"),
        ({"address": "10.0.0.1"}, "must be HOST:PORT, such as"),
        ({"memory": "much"}, "must be a number and a unit"),
        ({"num_cpus": -1}, "greater than or equal to 0"),
    ],
)
def test_an_invalid_configuration_is_rejected(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        RayOrchestrator.Configuration(**settings)


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        (None, False),
        ("127.0.0.1:6379", False),
        ("localhost:6379", False),
        ("[::1]:6379", False),
        ("10.0.0.1:6379", True),
        ("head.example.com:6379", True),
    ],
)
def test_it_is_remote_when_other_machines_take_part(tmp_path, address, remote):
    for flavor in (RayOrchestrator, RayStepOperator):
        assert flavor(flavor.Configuration(address=address), tmp_path).is_remote is remote


def test_only_what_other_machines_lack_is_sent(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    own, cluster = RaySettings(), RaySettings(address="10.0.0.1:6379")
    assert runtime_environment(own, tmp_path) == {}
    assert runtime_environment(cluster, tmp_path) == {"working_dir": str(tmp_path)}
    nothing = cluster.model_copy(update={"working_dir": ""})
    assert runtime_environment(nothing, tmp_path) == {}
    chosen = cluster.model_copy(
        update={"working_dir": "code", "py_modules": ["lib"], "runtime_env": {"pip": ["numpy"]}}
    )
    assert runtime_environment(chosen, tmp_path) == {
        "pip": ["numpy"],
        "working_dir": str(tmp_path / "code"),
        "py_modules": [str(tmp_path / "lib")],
    }
