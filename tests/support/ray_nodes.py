"""Ray clusters on loopback."""

import os

import pytest

# Read when ray is imported: loopback only, and nothing is told to anybody.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

_COMMON = {"include_dashboard": False, "object_store_memory": 80 * 2**20}


@pytest.fixture(scope="module")
def ray():
    """The module; importing it takes a second."""
    return pytest.importorskip(
        "ray", reason="ray is not installed here: `make slow-flavors` has an environment for it"
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


@pytest.fixture(scope="module")
def shared_nodes(ray):
    cluster = _cluster()
    add_node(cluster, num_cpus=1, resources={"spare": 1})
    yield cluster
    cluster.shutdown()


@pytest.fixture
def two_nodes(shared_nodes, ray):
    """A cluster of a head with one core, and of a node with one core and something to `spare`.

    The tests of a file share it; the program is connected to none when a test begins.
    """
    yield shared_nodes
    ray.shutdown()


@pytest.fixture(scope="module")
def shared_head(ray):
    cluster = _cluster()
    yield cluster
    cluster.shutdown()


@pytest.fixture
def head(shared_head, ray):
    """A cluster of a head with one core, which a test may add nodes to, and kill them."""
    yield shared_head
    ray.shutdown()
    for node in [*shared_head.worker_nodes]:
        shared_head.remove_node(node)


@pytest.fixture
def own_head(ray):
    """A cluster of a head alone, which a test may kill."""
    cluster = _cluster()
    yield cluster
    cluster.shutdown()


def _cluster():
    from ray.cluster_utils import Cluster

    return Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **_COMMON})


def add_node(cluster, **settings):
    """Add a node, and wait until it is there."""
    node = cluster.add_node(object_store_memory=_COMMON["object_store_memory"], **settings)
    cluster.wait_for_nodes()
    return node
