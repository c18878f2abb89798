"""EnabledPolicy: which rule is in force in a log, and which events it governs."""

from typing import Literal, NamedTuple, Self
from uuid import UUID, uuid5

from stackfold.domain.errors import NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.name import valid_name

_IDS = UUID("0f5c1f0e-6f0b-4c5e-9a52-5d1a5e7f8a11")
"""The namespace of the ids: equal names have equal ids, so that a log has one policy per name."""


class PolicyFacts(NamedTuple):
    """What a log records of a policy while it is enabled."""

    topics: tuple[str, ...]
    """The topics of the events that it governs: "stack.updated", or "stack.*" for all."""
    description: str
    distribution: str | None
    """The distribution that provides it; None for a policy that the program itself declares."""
    version: str | None
    """The version of the distribution."""
    source: str
    """The object, as "module:NAME"."""


class EnabledPolicy(Revertible):
    """A rule that is enabled in a log; the code that checks it belongs to a package or program."""

    TOPIC = "policy"

    class Event(Revertible.Event):
        """Base class of the events of a policy."""

    class Enabled(Event, FirstEvent):
        """A policy was enabled for the first time."""

        TOPIC = "policy.enabled"
        originator_topic: Literal["policy"]
        name: str
        topics: tuple[str, ...]
        description: str
        distribution: str | None
        version: str | None
        source: str

    class Updated(Event):
        """The enabled policy governs other events, or is provided by another package or version."""

        TOPIC = "policy.updated"
        topics: tuple[str, ...]
        description: str
        distribution: str | None
        version: str | None
        source: str

        def apply(self, aggregate: "EnabledPolicy") -> None:
            aggregate.facts = _facts(self)

    class Disabled(Event):
        """The policy was disabled: it governs nothing."""

        TOPIC = "policy.disabled"

        def apply(self, aggregate: "EnabledPolicy") -> None:
            aggregate.deleted = True

    class Reenabled(Event):
        """The disabled policy was enabled again."""

        TOPIC = "policy.reenabled"
        name: str
        topics: tuple[str, ...]
        description: str
        distribution: str | None
        version: str | None
        source: str

        def apply(self, aggregate: "EnabledPolicy") -> None:
            aggregate.deleted = False
            aggregate.facts = _facts(self)

    def __init__(
        self,
        name: str,
        topics: tuple[str, ...],
        description: str,
        distribution: str | None,
        version: str | None,
        source: str,
    ) -> None:
        super().__init__(name)
        self.facts = PolicyFacts(topics, description, distribution, version, source)

    @staticmethod
    def id_of(name: str) -> UUID:
        """The id of the policy of a name, in every log.

        Args:
            name: The name of the policy.
        """
        return uuid5(_IDS, valid_name("policy", name))

    @classmethod
    def enable(cls, name: str, facts: PolicyFacts) -> Self:
        """Enable a policy that was never enabled in this log.

        Args:
            name: The name of the policy.
            facts: What is provided under that name.

        Raises:
            InvalidName: The name breaks the rule for names.
        """
        return cls._create(
            cls.Enabled, id=cls.id_of(name), name=valid_name("policy", name), **facts._asdict()
        )

    def enable_again(self, facts: PolicyFacts) -> None:
        """Enable the policy if it is disabled, and record what is provided under its name now.

        Args:
            facts: What is provided under that name.

        Raises:
            NothingToChange: It is enabled, and all of this is recorded.
        """
        if self.deleted:
            self.trigger_event(self.Reenabled, name=self.name, **facts._asdict())
        elif facts == self.facts:
            raise NothingToChange(self.kind, self.name, self.version)
        else:
            self.trigger_event(self.Updated, **facts._asdict())

    def delete(self) -> None:
        """Disable the policy; a constraint requires a reason.

        Raises:
            NotFound: It is disabled.
        """
        if self.deleted:
            raise NotFound(self.kind, self.name, "it is disabled")
        self.trigger_event(self.Disabled)

    def revert(self, past: "EnabledPolicy") -> None:
        """Govern what it governed at an earlier revision; raises like `enable_again`."""
        self.enable_again(past.facts)

    def restore(self, past: "EnabledPolicy") -> None:
        """Enable the policy again as it was."""
        self.enable_again(past.facts)


def _facts(event: EnabledPolicy.Updated | EnabledPolicy.Reenabled) -> PolicyFacts:
    return PolicyFacts(
        event.topics, event.description, event.distribution, event.version, event.source
    )
