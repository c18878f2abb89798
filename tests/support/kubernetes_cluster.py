"""Fixtures of a real Kubernetes: one control plane for all tests, a namespace for each."""

import importlib.util
import os
import time
from uuid import uuid4

import pytest
from kubernetes_server import ControlPlane, missing

from stackfold.infrastructure.flavors.kubernetes.api import Api
from stackfold.infrastructure.flavors.kubernetes.cluster import Cluster
from stackfold.infrastructure.flavors.kubernetes.orchestrator import KubernetesOrchestrator
from stackfold.infrastructure.flavors.kubernetes.settings import KubernetesSettings


def skip(reason):
    if os.environ.get("STACKFOLD_NO_SKIP") and not reason.startswith("the client"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory):
    """A control plane with a kubelet, which the tests may not break."""
    if importlib.util.find_spec("kubernetes") is None:
        pytest.skip("the client `kubernetes` is not installed here")
    if reason := missing():
        skip(reason)
    plane = ControlPlane(tmp_path_factory.mktemp("kubernetes"))
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def namespace(control_plane):
    """A new namespace with its service account."""
    name = f"test-{uuid4().hex[:8]}"
    api = Api(KubernetesSettings(kubeconfig=str(control_plane.kubeconfig()), poll_interval=0.1))
    api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    end = time.monotonic() + 30
    while not (api.request("GET", account) or {}).get("secrets"):
        assert time.monotonic() < end, "no service account"
        time.sleep(0.05)
    yield name
    api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def cluster(control_plane, namespace):
    """What the tests see of the namespace, and settings to use it."""
    return TestedCluster(control_plane, namespace)


class TestedCluster:
    """A namespace, seen by its administrator."""

    def __init__(self, plane, namespace):
        self.plane, self.namespace = plane, namespace
        configuration = KubernetesOrchestrator.Configuration(**self.settings())
        self.objects = Cluster(configuration)
        self.api = Api(configuration)

    def settings(self, **more):
        return {
            "kubeconfig": str(self.plane.kubeconfig()),
            "namespace": self.namespace,
            "shares_files": True,
            "poll_interval": 0.1,
            "pod_settings": {"termination_grace_period": 5},
            **more,
        }

    def jobs(self):
        return self.objects.jobs("app.kubernetes.io/managed-by=stackfold")

    def pods(self):
        return self.objects.pods("app.kubernetes.io/managed-by=stackfold")

    def secrets(self):
        """The secrets of Jobs; Kubernetes itself has some, of service accounts."""
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        query = {"labelSelector": "app.kubernetes.io/managed-by=stackfold"}
        return self.api.request("GET", path, query=query)["items"]

    def allow(self, account, *rules, user=None):
        """Give a service account of the namespace, or a user, a role."""
        path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}"
        name = {"metadata": {"name": account}}
        self.api.request("POST", f"{path}/roles", {**name, "rules": list(rules)})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account}
        subject = {"kind": "ServiceAccount", "name": account, "namespace": self.namespace}
        if user:
            subject = {"kind": "User", "name": user}
        binding = {**name, "roleRef": reference, "subjects": [subject]}
        self.api.request("POST", f"{path}/rolebindings", binding)
