"""What the status of a pod tells about the step that it executes."""

from typing import Any, NamedTuple

from stackfold.domain.pipelines.resources import bytes_of
from stackfold.infrastructure.flavors.kubernetes.api import Manifest

_STARTING = frozenset({"ContainerCreating", "PodInitializing"})
_HOPELESS = frozenset({"InvalidImageName"})
"""Reasons to wait that no waiting removes."""
_LOST = frozenset(
    {"Evicted", "NodeLost", "Preempting", "Shutdown", "NodeShutdown", "Terminated", "NodeAffinity"}
)
"""Reasons of a failed pod that lie in its node."""


class PodState(NamedTuple):
    """The state of a pod."""

    name: str
    uid: str
    has_started: bool
    has_ended: bool
    is_deleted: bool = False
    """Whether it was deleted, and has to end."""
    waits: str = ""
    """Why it has not started, in one line; empty if it has, or if that is normal."""
    is_hopeless: bool = False
    """Whether it will never start."""
    lost: str = ""
    """Why it ended, if its node or the cluster is the reason; empty otherwise."""
    killed: str = ""
    """Why it was killed, if the step is the reason; empty otherwise."""
    exit_code: int | None = None
    """The exit code of its container; None if there is none."""
    message: str = ""
    """What the container runtime said when it ended."""


def state_of(pod: Manifest) -> PodState:
    """Return the state of a pod."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    phase = status.get("phase", "Pending")
    container = _first(status.get("containerStatuses"))
    state = container.get("state") or {}
    terminated, waiting = state.get("terminated") or {}, state.get("waiting") or {}
    has_ended = phase in ("Succeeded", "Failed") or bool(terminated)
    reason = status.get("reason") or ""
    known = PodState(
        metadata["name"],
        metadata["uid"],
        has_started=has_ended or "running" in state,
        has_ended=has_ended,
        is_deleted=bool(metadata.get("deletionTimestamp")),
        exit_code=terminated.get("exitCode"),
        message=_line(terminated.get("message")),
    )
    if phase == "Failed" and (reason in _LOST or (reason and not terminated)):
        return known._replace(lost=_line(f"{reason}: {status.get('message') or ''}"))
    if terminated.get("reason") == "OOMKilled":
        return known._replace(killed=out_of_memory(pod))
    if has_ended or known.has_started:
        return known
    if waiting.get("reason") and waiting["reason"] not in _STARTING:
        text = _line(f"{waiting['reason']}: {waiting.get('message') or ''}")
        return known._replace(waits=text, is_hopeless=waiting["reason"] in _HOPELESS)
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            text = f"{condition.get('reason', '')}: {condition.get('message', '')}"
            return known._replace(waits=_line(text))
    return known


def out_of_memory(pod: Manifest) -> str:
    """Return that a pod used too much memory, and how much it may use."""
    container = _first(pod["spec"].get("containers"))
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    allowed = f" of {_readable(limit)}" if limit else ", or its node has no more"
    return f"it used more memory than its limit{allowed}: request more by resources"


def _readable(amount: str) -> str:
    try:
        count = bytes_of(amount)
    except ValueError:
        return amount
    return f"{count / 2**20:.0f} MiB" if count >= 2**20 else f"{count} bytes"


def _first(found: list[Any] | None) -> dict[str, Any]:
    return found[0] if found else {}


def _line(text: str | None) -> str:
    return " ".join((text or "").split())[:500].rstrip(": ")
