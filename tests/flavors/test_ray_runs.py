"""Runs on a real Ray cluster of two nodes, on loopback."""

import os
import threading
import time
from pathlib import Path

import pytest
from workspaces import ORCHESTRATOR

from stackfold.domain.pipeline import Pipeline, step
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def on_ray(ws, ray_cluster):
    """A function that makes a stack `ray` with these settings, on two nodes."""

    def registered(**settings):
        ws.components.register(
            ORCHESTRATOR, "cluster", "ray", {"address": ray_cluster.address, **settings}
        )
        ws.stacks.register("ray", orchestrator="cluster", artifact_store="default")
        return ws

    return registered


def node():
    import ray

    ray.init(logging_level="ERROR", log_to_driver=False)
    return ray.get_runtime_context().get_node_id()


def test_a_run_goes_on_when_a_node_is_killed_under_it(on_ray, ray_cluster, tmp_path):
    second = ray_cluster.add_node(
        num_cpus=2, resources={"spare": 1}, object_store_memory=80 * 2**20
    )
    ray_cluster.wait_for_nodes()
    folder = Path(tmp_path)

    @step(resources={"num_cpus": 1})
    def work(number: int) -> int:
        (folder / f"began-{number}-{os.getpid()}").touch()
        print("working on", number)
        time.sleep(3)
        return number

    @step
    def add(one: int, two: int, three: int) -> int:
        return one + two + three

    @Pipeline
    def adding():
        add(work(1), work(2), work(3))

    def kill():
        while len([*folder.glob("began-*")]) < 3:
            time.sleep(0.1)
        ray_cluster.remove_node(second, allow_graceful=False)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    ws = on_ray(max_parallel=3)
    run = ws.runs.start(adding, stack="ray")
    killer.join()
    assert run.status == "completed"
    assert ws.runs.load(run.id, "add") == 6
    began = [path.name.split("-")[1] for path in folder.glob("began-*")]
    assert len(began) > 3  # some had to begin anew
    again = [name for name in ("work", "work_2", "work_3")
             if "it begins anew" in "".join(ws.runs.logs(run.id, name))]  # fmt: skip
    assert again
