"""Commands on deployments that expect a revision leave the server of a stale one as it is."""

import pytest
from plain_deployer import kill, listening
from runnable import single

from stackfold.domain.errors import StaleRevision
from stackfold.domain.stacks.component_type import ComponentType


def train() -> dict[str, float]:
    return {"slope": 2.0, "offset": 0.5}


@pytest.fixture
def served(ws):
    """A deployment that is ready; no server is left running."""
    deployer = ComponentType.MODEL_DEPLOYER
    ws.flavors.register(deployer, "plain_deployer.PlainDeployer")
    ws.components.register(deployer, "plain", "plain", {"image": "plain:1"})
    ws.stacks.update(ws.stacks.copy("default", "prod").name, model_deployer="plain")
    ws.stacks.activate("prod")
    ws.runs.start(single(train))
    yield ws.deployments.deploy("churn", "alone/only/output")
    kill(ws.home)


def test_a_stale_revision_starts_nothing(ws, served):
    seen = ws.deployments.get("churn").revision
    with ws.acting_as("bob"):
        ws.deployments.stop("churn", expected_revision=seen)
    stale = f"'churn' is at revision {seen + 1}, not {seen}: bob changed"
    with pytest.raises(StaleRevision, match=stale):
        ws.deployments.start("churn", expected_revision=seen)
    assert not listening(ws.home)
    assert ws.deployments.start("churn", expected_revision=seen + 1).status == "ready"


@pytest.mark.parametrize(
    "command",
    [
        lambda deployments, **more: deployments.stop("churn", **more),
        lambda deployments, **more: deployments.delete("churn", **more),
        lambda deployments, **more: deployments.delete("churn", forget=True, **more),
    ],
    ids=["stop", "delete", "forget"],
)
def test_a_stale_revision_stops_nothing(ws, served, command):
    seen = ws.deployments.get("churn").revision
    with pytest.raises(StaleRevision, match=f"is at revision {seen}, not {seen - 1}"):
        command(ws.deployments, expected_revision=seen - 1)
    assert ws.deployments.get("churn").status == "ready"
    command(ws.deployments, expected_revision=seen)
    assert "ready" not in [each.status for each in ws.deployments.list()]
