"""Nodes that are killed under the steps of a run, on a real Ray cluster on loopback."""

import threading

import pytest
import ray_pipelines
from ray_nodes import add_node
from ray_stacks import lives, on, program_of, statuses, until

from stackfold.domain.errors import RunFailed
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


def killed(cluster, node, folder, steps, survivors=0):
    """Kill a node once so many steps have begun; returns the thread that does.

    The survivors continue once the others are dead.
    """

    def kill():
        until(lambda: len([*folder.glob("began-*")]) == steps)
        processes = [int(path.name.split("-")[2]) for path in folder.glob("began-*")]
        cluster.remove_node(node, allow_graceful=False)
        until(lambda: sum(map(lives, processes)) == survivors)
        (folder / "go").touch()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def test_a_run_continues_when_a_node_is_killed(ws, head, tmp_path):
    node = add_node(head, num_cpus=2)
    run = on(ws, head, max_parallel=3)
    killer = killed(head, node, tmp_path, steps=3, survivors=1)
    done = run(ray_pipelines.adding, folder=str(tmp_path))
    killer.join()
    assert done.status == "completed"
    assert ws.runs.load(done.id, "add") == 6
    began = [path.name.split("-")[1] for path in tmp_path.glob("began-*")]
    assert len(began) == 5  # the two steps that were on the node were restarted
    told = ["".join(ws.runs.logs(done.id, name)) for name in ("work", "work_2", "work_3")]
    assert sum("what executed the step died, it begins again" in text for text in told) == 2


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"node_retries": 0}, "every machine that executed the step on the Ray"),
        ({"patience": 2}, "none of its 1 nodes has what the step asks for: spare 1"),
    ],
)
def test_a_run_fails_when_no_node_is_left_for_a_step(ws, head, tmp_path, settings, problem):
    node = add_node(head, num_cpus=1, resources={"spare": 1})
    run = on(ws, head, **settings)
    killer = killed(head, node, tmp_path, steps=1)
    with pytest.raises(RunFailed, match=problem):
        run(ray_pipelines.there, folder=str(tmp_path))
    killer.join()
    assert statuses(ws) == ("failed", {"work_there": "failed"})


PROGRAM = """
    import sys
    import ray_pipelines
    from stackfold.infrastructure.workspace import Workspace

    with Workspace.open() as ws:
        ws.runs.start(ray_pipelines.hanging, {"folder": sys.argv[1]}, stack="ray")
"""


def test_a_run_whose_head_dies_is_interrupted(ws, own_head, tmp_path):
    on(ws, own_head)
    soon = {"RAY_gcs_rpc_server_reconnect_timeout_s": "3"}  # a minute otherwise
    program = program_of(ws, PROGRAM, str(tmp_path), **soon)
    until((tmp_path / "pid").exists)
    assert statuses(ws)[0] == "running"
    own_head.head_node.kill_gcs_server()
    # A program that has lost its cluster is ended by Ray itself.
    program.communicate()
    assert program.returncode != 0
    assert statuses(ws)[0] == "interrupted"
