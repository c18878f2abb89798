"""Verdict: what a gate found about a promotion."""

from pydantic import BaseModel, ConfigDict


class Verdict(BaseModel):
    """What a gate found about a version that was to be promoted."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    rule: str
    """The rule on metrics, or the function as "module:name"."""
    passed: bool
    findings: tuple[str, ...] = ()
    """One line for each condition that is met, with the values that were compared."""
    failures: tuple[str, ...] = ()
    """One line for each condition that is not met, with the values that were compared."""
    compared: dict[str, int] = {}
    """Alias → the number of the version that it stood for; an alias without one is missing."""
    forced: bool = False
    """Whether the version was promoted although it did not pass."""
