"""The read model of deployments."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import Names, ReadModel, shown


class DeploymentRow(NamedTuple):
    """A deployment at one revision."""

    name: str
    status: str
    """The recorded status; see `domain.deployments.deployment.Status`."""
    model: str
    artifact: dict[str, Any]
    store: dict[str, Any]
    stack: str
    stack_id: str
    stack_revision: int
    deployer: str
    """The name of the model deployer."""
    flavor: str
    """The flavor of the model deployer."""
    component: dict[str, Any]
    """The pinned model deployer."""
    reference: dict[str, Any] | None
    url: str
    error: str
    """The error of a failed deployment or of the last update; otherwise empty."""
    version: str
    """The version of a model, such as "fraud@7"; empty if the artifact belongs to none."""
    traffic: dict[str, int]
    """Each model that is served → its share in percent."""
    follows: dict[str, Any] | None
    """The alias whose version is served."""
    rollout: dict[str, Any]
    """What is served, by which servers, the pending update, and what is recorded."""


def _traffic(traffic: Mapping[str, int], names: Names) -> dict[str, Any]:
    shares = ", ".join(f"{model} {share}%" for model, share in traffic.items())
    return {"traffic": shares} if len(traffic) > 1 else {}


def _follows(follows: Mapping[str, Any] | None, names: Names) -> dict[str, Any]:
    return {"follows": f"{follows['name']}@{follows['alias']}"} if follows else {}


def _rollout(rollout: Mapping[str, Any], names: Names) -> dict[str, Any]:
    found = {}
    if pending := rollout["pending"]:
        found["update"] = ", ".join(title(each) for each in pending["releases"])
    if recording := recorded(rollout):
        found["recording"] = recording
    return found


def recorded(rollout: Mapping[str, Any]) -> str:
    """What is recorded of the requests of a deployment; empty if nothing is."""
    recording = rollout.get("recording")
    if not recording:
        return ""
    rate = f"{recording['rate'] * 100:g}% of requests"
    without = ", ".join(recording["leave_out"])
    kept = f"for {recording['keep_days']} days"
    return ", ".join(filter(None, (rate, without and f"without {without}", kept)))


def title(release: Mapping[str, Any]) -> str:
    """The version of a model, such as "fraud@7", or else the artifact of a release."""
    version = release["version"]
    return f"{version['name']}@{version['number']}" if version else str(release["model"])


DEPLOYMENTS = ReadModel(
    topic="deployment",
    table="deployments",
    row=DeploymentRow,
    describe={
        **{each: shown(each) for each in ("name", "model", "version")},
        "traffic": _traffic,
        "follows": _follows,
        **{each: shown(each) for each in ("stack", "stack_revision", "deployer", "status")},
        "rollout": _rollout,
        **{each: shown(each) for each in ("url", "error")},
    },
)
