"""One example of every event on policies."""

from typing import Any

from stackfold.domain.policies.enabled_policy import EnabledPolicy
from stackfold.testing import event

POLICY = {
    "topics": ("stack.*",),
    "description": "Two\nlines.",
    "distribution": "acme-stackfold",
    "version": "1.0",
    "source": "acme.policies:size",
}
POLICY_FACTS: list[Any] = [
    event(EnabledPolicy.Enabled, name="größe", **POLICY),
    event(EnabledPolicy.Updated, **{**POLICY, "topics": ("stack.updated", "acme.approval.*")}),
    event(EnabledPolicy.Disabled),
    event(
        EnabledPolicy.Reenabled,
        name="größe",
        **{**POLICY, "distribution": None, "version": None, "source": "service.policies:size"},
    ),
]
