"""Ray clusters on loopback."""

import os

import pytest

_MEMORY = 80 * 2**20
_COMMON = {"include_dashboard": False, "object_store_memory": _MEMORY}


# Read when ray is imported: loopback only, and nothing is told to anybody.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


@pytest.fixture(scope="module")
def ray():
    """The module; importing it takes a second."""
    return pytest.importorskip(
        "ray", reason="ray is not installed here: `make test-flavors` has an environment for it"
    )


@pytest.fixture(scope="module")
def ray_node(ray):
    """The program is connected to a cluster of one node with four cores."""
    ray.init(
        address="local",
        num_cpus=4,
        log_to_driver=False,
        logging_level="ERROR",
        _node_ip_address="127.0.0.1",
        **_COMMON,
    )
    yield
    ray.shutdown()


@pytest.fixture
def ray_cluster(ray):
    """A cluster of a head, with one core, to which the program is not connected."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **_COMMON})
    yield cluster
    ray.shutdown()
    cluster.shutdown()
