"""The container registry `default`, on a real registry: Debian's `docker-registry`."""

from uuid import uuid4

import pytest
from registry_server import PASSWORD

from stackfold.domain.errors import RegistryUnavailable
from stackfold.testing.contracts.container_registry import ContainerRegistryContract


class TestDefaultContainerRegistry(ContainerRegistryContract):
    @pytest.fixture
    def registry(self, hub, registry_at):
        return registry_at(f"{hub.host}/team")

    @pytest.fixture
    def stored_image(self, hub):
        name = f"team/t{uuid4().hex[:8]}"
        return f"{hub.host}/{name}:1", hub.put(name, "1")

    @pytest.fixture
    def unreachable(self, registry_at):
        return registry_at("127.0.0.1:9")

    @pytest.fixture
    def unauthorized(self, guarded_hub, registry_at):
        return registry_at(guarded_hub.host, "wrong-password")


class TestGuardedContainerRegistry(TestDefaultContainerRegistry):
    """The same with a registry that wants a password."""

    @pytest.fixture
    def registry(self, guarded_hub, registry_at):
        return registry_at(f"{guarded_hub.host}/team", PASSWORD)

    @pytest.fixture
    def stored_image(self, guarded_hub):
        name = f"team/t{uuid4().hex[:8]}"
        return f"{guarded_hub.host}/{name}:1", guarded_hub.put(name, "1")


def test_a_protected_registry_needs_a_password(guarded_hub, registry_at):
    """The engine may be logged in otherwise, so this is no reason to reject it."""
    guarded_hub.put("team/secret", "1")
    assert registry_at(guarded_hub.host).digest(f"{guarded_hub.host}/team/secret:1") is None


def test_credentials_are_read_when_they_are_requested(hub, guarded_hub, registry_at, monkeypatch):
    guarded = registry_at(guarded_hub.host, PASSWORD)
    monkeypatch.setenv("STACKFOLD_SECRET_HUB_TOKEN", "wrong-password")
    assert guarded.credentials().password == "wrong-password"
    # And not at all if the registry does not request them.
    open_to_all = registry_at(hub.host, PASSWORD)
    monkeypatch.delenv("STACKFOLD_SECRET_HUB_TOKEN")
    assert open_to_all.digest(f"{hub.host}/team/nothing:1") is None


def test_a_registry_that_is_stopped_and_started_again(own_hub, registry_at):
    registry = registry_at(own_hub.host)
    digest = own_hub.put("training", "1")
    own_hub.stop()
    with pytest.raises(RegistryUnavailable, match="nothing answers there"):
        registry.digest(f"{own_hub.host}/training:1")
    own_hub.start()
    assert registry.digest(f"{own_hub.host}/training:1") == digest
