"""Kinds of resources that serve models, and what their status says."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stackfold.infrastructure.flavors.kubernetes.api import Manifest

_LONGEST = 500
"""Characters of a reason."""


class ResourceState(NamedTuple):
    """What the status of a resource says."""

    is_ready: bool
    url: str = ""
    """The address of predictions; empty if there is none yet."""
    problem: str = ""
    """Why it is not ready, in one line; empty if unknown."""
    has_failed: bool = False
    """Whether the controller reports that it will not become ready."""


class ResourceKind(NamedTuple):
    """A kind of resource that serves models."""

    tool: str
    """What serves it, such as "KServe"."""
    kind: str
    api: str
    """Its API group and version, such as "serving.kserve.io/v1beta1"."""
    plural: str
    """Its name in paths."""
    pod_label: str
    """The label of its pods that has its name as the value."""
    container: str
    """The name of the container in its pods; empty if that is the name of the resource."""
    state: Callable[[Manifest], ResourceState]
    """Reads the status of a resource."""

    def path(self, namespace: str) -> str:
        """The path of the resources of a namespace."""
        return f"/apis/{self.api}/namespaces/{namespace}/{self.plural}"


def is_met(status: Mapping[str, Any], condition: str) -> bool:
    """Whether a condition of a status is met."""
    conditions = status.get("conditions") or []
    return any(
        each.get("type") == condition and each.get("status") == "True" for each in conditions
    )


def condition_problem(status: Mapping[str, Any]) -> str:
    """What the conditions of a status say about why a resource is not ready, in one line."""
    unmet = [each for each in status.get("conditions") or [] if each.get("status") == "False"]
    # The condition Ready repeats one of the others.
    unmet.sort(key=lambda each: each.get("type") == "Ready")
    for each in unmet:
        texts = [str(each.get(name) or "") for name in ("type", "reason", "message")]
        return one_line(": ".join(filter(None, texts)))
    return ""


def one_line(text: str) -> str:
    """Shorten a text to one line."""
    return " ".join(text.split())[:_LONGEST]
