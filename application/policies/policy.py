"""Policies: functions that reject a change before it is committed.

A policy sees the whole change. It is asked under the write lock, so what it reads stays true until
the commit. It is in force in a log only while it is enabled there.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from inspect import getdoc, isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from stackfold.domain.errors import InvalidName, InvalidPolicy, PolicyViolation
from stackfold.domain.name import valid_name

if TYPE_CHECKING:
    from stackfold.application.own_aggregates.collection import AggregateCollection
    from stackfold.application.stacks.components import Components
    from stackfold.application.stacks.stack_reader import StackReader
    from stackfold.domain.eventsourcing.aggregate import Aggregate
    from stackfold.domain.eventsourcing.event import DomainEvent
    from stackfold.domain.eventsourcing.metadata import EventMetadata

A = TypeVar("A", bound="Aggregate")

NEVER_GOVERNED = "policy.disabled"
"""The topic of the event that disables a policy: nobody can be locked out."""

_TOPIC = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*\.([a-z][a-z0-9_-]*|\*)")
_LONGEST_TIMEOUT = 10.0
_MOST_TOPICS = 100
_LONGEST_TOPIC = 200
_LONGEST_DESCRIPTION = 1000


class Collections(Protocol):
    """As `Workspace.aggregates`."""

    def __call__(self, kind: type[A], /) -> "AggregateCollection[A]":
        """The aggregates of a class."""
        ...


class ProposedEvent:
    """An event that is about to be committed.

    Attributes:
        event: The event, of its declared class and in the class's current version.
        before: The row of its aggregate before it, such as `name` and `labels` of a stack; None
            if there was none, and for runs.
        position: The position that it gets in the log.
    """

    def __init__(self, event: "DomainEvent", before: Any, position: int) -> None:
        """Describe an event; see the attributes of the class."""
        self.event, self.before, self.position = event, before, position

    @property
    def topic(self) -> str:
        """Its topic, such as "stack.updated"."""
        return self.event.TOPIC

    @property
    def actor(self) -> str:
        """Who makes the change, as claimed."""
        return self._metadata.by

    @property
    def database_role(self) -> str | None:
        """The role that the server authenticated; None for a log in a file."""
        return self._metadata.database_role

    @property
    def correlation_id(self) -> str | None:
        """What ties the change to others, such as the id of a request."""
        return self._metadata.correlation_id

    @property
    def why(self) -> str:
        """The reason; may be empty."""
        return self._metadata.why

    @property
    def undoes(self) -> int | None:
        """The change that this one takes back, by the position of its first event."""
        return self._metadata.undoes

    @property
    def _metadata(self) -> "EventMetadata":
        metadata = self.event.event_metadata
        if metadata is None:
            raise ValueError(f"{self.topic} has no metadata")
        return metadata


class ProposedChange:
    """A change that is about to be committed, as a policy sees it.

    Attributes:
        policy: The name of the policy that is asked.
        governed: The events that the policy governs; never empty.
        events: All events of the change.
        before: The position of the log before the change, for `as_of=`.
        stacks: Queries on stacks; without `as_of`, they see the change.
        components: Queries on components; without `as_of`, they see the change.
    """

    def __init__(
        self,
        policy: str,
        governed: Sequence[ProposedEvent],
        events: Sequence[ProposedEvent],
        before: int,
        stacks: "StackReader",
        components: "Components",
        aggregates: Collections,
    ) -> None:
        """Describe a change; see the attributes and `aggregates`."""
        self.policy = policy
        self.governed, self.events, self.before = tuple(governed), tuple(events), before
        self.stacks, self.components = stacks, components
        self._aggregates = aggregates

    def aggregates(self, kind: type[A]) -> "AggregateCollection[A]":
        """Queries on aggregates of your own; without `as_of`, they see the change.

        Args:
            kind: Their class.

        Raises:
            InvalidAggregate: The class is not declared, or has no read model.
        """
        return self._aggregates(kind)

    def reject(self, problem: str) -> NoReturn:
        """Reject the change.

        Args:
            problem: Why, and what to do.

        Raises:
            PolicyViolation: Always.
        """
        raise PolicyViolation(self.policy, problem)


Check = Callable[[ProposedChange], None]
"""Raises an error to reject the change; returns None to accept it."""


class Policy:
    """A rule for changes: a function, and the events that it governs.

    Attributes:
        name: Identifies it in logs: 1 to 64 letters, digits, `.`, `_` or `-`.
        description: What it requires, in one line.
        topics: The topics of the events that it governs, each such as "stack.updated", or
            "stack.*" for all events of stacks. The log records them when the policy is enabled.
        timeout: The seconds that one call may take.
    """

    def __init__(
        self,
        name: str,
        check: Check,
        *,
        topics: "Iterable[type[DomainEvent] | str]",
        description: str = "",
        timeout: float = 1.0,
    ) -> None:
        """Declare a policy.

        Args:
            name: Its name.
            check: Called with each change that has one of the topics. It raises an error of
                Stackfold to reject the change, for which `ProposedChange.reject` is the short
                way, and returns None to accept it. It only reads.
            topics: The events that it governs, by class or topic.
            description: What it requires; by default the first line of the docstring of `check`.
            timeout: The seconds that one call may take, up to 10.

        Raises:
            InvalidPolicy: The name, a topic, the timeout or the function is invalid.
        """
        self.name = _valid_name(name)
        self.topics = _valid_topics(name, topics)
        self.description = description or (getdoc(check) or "").partition("\n")[0]
        self.timeout = timeout
        self._check = check
        if iscoroutinefunction(check) or isasyncgenfunction(check):
            raise InvalidPolicy(name, "give a function that is not async")
        if isgeneratorfunction(check):
            raise InvalidPolicy(name, "the function yields, so calling it checks nothing")
        if not 0 < timeout <= _LONGEST_TIMEOUT:
            raise InvalidPolicy(name, f"the timeout is 0 to {_LONGEST_TIMEOUT:g} s, not {timeout}")
        if len(self.description) > _LONGEST_DESCRIPTION:
            raise InvalidPolicy(name, f"the description is over {_LONGEST_DESCRIPTION} characters")

    def __call__(self, change: ProposedChange) -> None:
        """Ask the policy about a change; raises what the function raises."""
        return self._check(change)

    def __repr__(self) -> str:
        """The name and the topics."""
        return f"Policy({self.name!r}, topics={self.topics!r})"

    @property
    def source(self) -> str:
        """The function, as "module:NAME"."""
        check: Any = self._check
        named = check if hasattr(check, "__qualname__") else type(check)
        return f"{named.__module__}:{named.__qualname__}"


def policy(
    name: str,
    *,
    topics: "Iterable[type[DomainEvent] | str]",
    description: str = "",
    timeout: float = 1.0,
) -> Callable[[Check], Policy]:
    """Make a function a policy; the arguments are those of `Policy`.

    Args:
        name: Its name.
        topics: The events that it governs, by class or topic.
        description: What it requires; by default the first line of the docstring.
        timeout: The seconds that one call may take, up to 10.

    Raises:
        InvalidPolicy: The name, a topic, the timeout or the function is invalid.
    """

    def declare(check: Check) -> Policy:
        return Policy(name, check, topics=topics, description=description, timeout=timeout)

    return declare


def governs(topics: Iterable[str], topic: str) -> bool:
    """Whether a policy with some topics governs the events of a topic."""
    if topic == NEVER_GOVERNED:
        return False
    whole = f"{topic.rpartition('.')[0]}.*"
    return any(each in (topic, whole) for each in topics)


def _valid_name(name: str) -> str:
    try:
        return valid_name("policy", name)
    except (InvalidName, TypeError) as error:
        problem = "a name is 1 to 64 letters, digits, '.', '_' or '-', and begins with one of the "
        raise InvalidPolicy(str(name), f"{problem}first two") from error


def _valid_topics(name: str, given: "Iterable[type[DomainEvent] | str]") -> tuple[str, ...]:
    if isinstance(given, str):
        raise InvalidPolicy(name, f"topics is a list: write [{given!r}]")
    topics = tuple(dict.fromkeys(_topic(name, each) for each in given))
    if not topics:
        raise InvalidPolicy(name, "it governs nothing: give topics")
    if len(topics) > _MOST_TOPICS:
        raise InvalidPolicy(name, f"it has over {_MOST_TOPICS} topics: write some as 'stack.*'")
    return topics


def _topic(name: str, given: "type[DomainEvent] | str") -> str:
    topic = given if isinstance(given, str) else getattr(given, "TOPIC", None)
    if not isinstance(topic, str):
        raise InvalidPolicy(name, f"{given!r:.100} is no event: give a class or a topic")
    if len(topic) > _LONGEST_TOPIC or not _TOPIC.fullmatch(topic):
        raise InvalidPolicy(name, f"{topic!r:.100} is no topic: write one as in 'stack.updated'")
    if topic == NEVER_GOVERNED:
        raise InvalidPolicy(name, "no policy governs that policies are disabled")
    return topic
