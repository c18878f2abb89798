"""Views of what a model registry has."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class RegistryVersionView(NamedTuple):
    """A version of a model, as a model registry has it."""

    model: str
    number: int | None
    """Its number in the log; None if others registered it, or it was deleted here."""
    aliases: Sequence[str]
    """The aliases that stand for it in the registry."""
    reference: Mapping[str, Any]
    """Identifies it in the registry."""


class RegistryDifference(NamedTuple):
    """A difference between the log and a model registry."""

    model: str
    what: str
    """"version 3", "alias production" or "artifact of version 3"."""
    in_log: str
    """What the log has; empty for nothing."""
    in_registry: str
    """What the registry has; empty for nothing."""
