"""The flavors, as components of a workspace find them."""

from pathlib import Path

import pytest

from stackfold import ComponentType, Workspace, pipeline, step
from stackfold.errors import InvalidConfiguration, RunFailed
from stackfold.flavors import ArtifactStore
from stackfold.testing.contracts.artifact_store import ArtifactStoreContract
from stackfold_acme.flavors import AcmeArtifactStore

ARTIFACT_STORE = ComponentType.ARTIFACT_STORE
ALERTER = ComponentType.ALERTER


@step
def one() -> int:
    return 1


@pipeline
def counting() -> None:
    one()


def test_an_installed_package_offers_its_flavors() -> None:
    with Workspace.in_memory() as ws:
        for type in (ARTIFACT_STORE, ALERTER):
            found = {each.name: each.integration for each in ws.flavors.list(type)}
            assert found["acme"] == "stackfold-acme"


@pytest.mark.parametrize(("free", "runs"), [(0, True), (2**60, False)])
def test_artifacts_are_stored_while_the_disk_has_room(free: int, runs: bool) -> None:
    with Workspace.in_memory() as ws:
        ws.components.register(ARTIFACT_STORE, "roomy", "acme", {"free": free})
        ws.stacks.register("prod", orchestrator="default", artifact_store="roomy", activate=True)
        if runs:
            assert ws.run(counting).load("one") == 1
        else:
            with pytest.raises(RunFailed, match="the disk is nearly full"):
                ws.run(counting)


def test_the_token_of_the_alerter_must_be_a_reference() -> None:
    given = {"server": "https://chat.example.org", "channel": "ml", "token": "open-sesame"}
    with Workspace.in_memory() as ws:
        with pytest.raises(InvalidConfiguration, match="is a secret and the log is forever"):
            ws.components.register(ALERTER, "chat", "acme", given)
        ws.components.register(ALERTER, "chat", "acme", {**given, "token": "{{chat.token}}"})


class TestAcmeArtifactStore(ArtifactStoreContract):
    """It does what every artifact store must do."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return AcmeArtifactStore(AcmeArtifactStore.Configuration(path="artifacts"), tmp_path)
