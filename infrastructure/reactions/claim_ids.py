"""The ids under which workers claim the turn to run a reaction."""

from uuid import NAMESPACE_URL, uuid5


def claim_of(name: str) -> str:
    """The id of the claim on a reaction."""
    return str(uuid5(NAMESPACE_URL, f"stackfold:reaction:{name}"))
