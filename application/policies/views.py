"""Views of policies."""

from collections.abc import Sequence
from typing import NamedTuple


class PolicyView(NamedTuple):
    """A policy that is enabled in a log, or that this process could enable."""

    name: str
    enabled: bool
    topics: Sequence[str]
    """The topics that it governs, as recorded; empty if it is not enabled."""
    description: str
    """What it requires, as recorded; empty if it is not enabled."""
    package: str | None
    """The distribution that provides it, as recorded; None for a policy of a program."""
    version: str | None
    """The recorded version of the distribution; the installed one if it is not enabled."""
    installed: str | None
    """The version that is installed here, "declared" for a policy of this program; None if this
    process does not have the policy."""
    source: str
    """The object, as "module:NAME"."""
    revision: int | None = None
    updated: str | None = None
    """When it was enabled or updated: RFC 3339, UTC."""
    by: str | None = None
    """Who enabled or updated it."""
