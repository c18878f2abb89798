"""The read model of policies."""

from typing import NamedTuple

from stackfold.application.eventsourcing.read_model import Names, ReadModel, always_shown, shown


class PolicyRow(NamedTuple):
    """An enabled policy at one revision."""

    name: str
    topics: list[str]
    description: str
    package: str | None
    version: str | None
    source: str


def _topics(topics: list[str], names: Names) -> dict[str, str]:
    return {"topics": ", ".join(topics)}


POLICIES = ReadModel(
    topic="policy",
    table="policies",
    row=PolicyRow,
    describe={
        "name": always_shown("name"),
        "topics": _topics,
        **{each: shown(each) for each in ("description", "package", "version", "source")},
    },
    # Two processes may enable a policy for the first time at once: the second one retries.
    duplicate="lost race",
)
