"""given(...).when(...).then(...): tests a command of an aggregate by its events.

given(Stack, registered).when(lambda stack: stack.delete()).then(event(Stack.Deleted))
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.eventsourcing.event import DomainEvent, FirstEvent
from stackfold.domain.eventsourcing.metadata import EventMetadata

A = TypeVar("A", bound=Aggregate)
Raised = TypeVar("Raised", bound=BaseException)

event = partial
"""event(Stack.Renamed, name="prod"): an event without id, version, timestamp and metadata."""

ID = UUID("00000000-0000-4000-8000-000000000001")
"""The id of the aggregate that events belong to, unless they have an `originator_id`."""

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
ENVELOPE = {*FirstEvent.model_fields}


class given(Generic[A]):
    """An aggregate class, and the events of one of its instances so far.

    Continue with `when`, and then with `then` or `rejected`. A command that creates an aggregate
    is given the class: `given(Stack).when(lambda cls: cls.register("prod", ...))`.
    """

    def __init__(self, cls: type[A], *events: partial[Any]) -> None:
        """Name the class and the past.

        Args:
            cls: The class of the aggregate.
            *events: What happened before, as `event(Class, field=value, ...)`, oldest first.
        """
        self.cls, self.events = cls, events

    def when(self, command: Callable[[A], object]) -> Self:
        """Set the command; it is executed by `then` or `rejected`.

        Args:
            command: Is called with the aggregate, or with the class if there are no events.
        """
        self.past = stamped(*self.events)
        self.aggregate: Any = replay(self.past)
        self.command: Callable[[Any], Any] = command
        return self

    def then(self, *expected: partial[Any]) -> A:
        """Execute the command, and check that it triggers exactly these events, in this order.

        It also checks that a replay of all events yields an equal aggregate, and that the `apply`
        of an event keeps no container of the event, whose later changes would change history.

        Args:
            *expected: As `event(Class, field=value, ...)`; none for a command without effect.

        Returns:
            The aggregate after the command.

        Raises:
            AssertionError: Something differs; the message says which field of which event.
            Exception: What the command raised.
        """
        __tracebackhide__ = True
        started = datetime.now(UTC)
        result = self.command(self.aggregate or self.cls)
        if self.aggregate is None:
            self.aggregate = result
        new: Sequence[Any] = self.aggregate.collect_events()
        completed = stamped(*self.events, *expected)[len(self.events) :]
        if differences := differences_of_events(new, completed):
            raise _failure("the command triggered other events than expected:", *differences)
        for version, each in enumerate(new, start=len(self.past) + 1):
            problem = self._problem_of_envelope(each, version, started)
            if problem:
                raise _failure(f"{class_name(each)}: {problem}")
        self._check_nothing_is_shared([*self.past, *new])
        replayed = replay([*self.past, *new])
        if replayed != self.aggregate:
            changes = differences_of_fields(vars(self.aggregate), vars(replayed), "replayed")
            raise _failure("a replay of the events yields another aggregate:", *changes)
        return self.aggregate  # type: ignore[no-any-return]

    def rejected(self, error: type[Raised], match: str | None = None) -> Raised:
        """Execute the command, and check that it raises an error and changes nothing.

        Args:
            error: The class of the error, or one of its base classes.
            match: A regular expression that is found in its message; None for any message.

        Returns:
            The error, to check its data.

        Raises:
            AssertionError: The command was accepted, the message differs, or the aggregate changed.
            Exception: What the command raised, if it is no such error.
        """
        __tracebackhide__ = True
        try:
            result = self.command(self.aggregate or self.cls)
        except error as caught:
            if problem := self._problem_of_rejection(caught, match):
                raise _failure(*problem) from caught
            return caught
        changed = result if self.aggregate is None else self.aggregate
        new = [f"  {text_of(each)}" for each in getattr(changed, "pending_events", ())]
        raise _failure(f"the command was accepted, expected {error.__name__}; its events:", *new)

    def _problem_of_rejection(self, error: BaseException, match: str | None) -> list[str]:
        if self.aggregate is not None:
            if self.aggregate.pending_events:
                return ["the rejected command left an event behind"]
            before = replay(stamped(*self.events))
            if self.aggregate != before:
                changes = differences_of_fields(vars(self.aggregate), vars(before), "before")
                return ["the rejected command changed the aggregate:", *changes]
        if match is not None and not re.search(match, str(error)):
            name = type(error).__name__
            return [f"the message of {name} is {str(error)!r}, expected {match!r}"]
        return []

    def _problem_of_envelope(self, each: Any, version: int, started: datetime) -> str:
        if not started <= each.timestamp <= datetime.now(UTC):
            return f"its timestamp is {each.timestamp}, not now"
        if each.originator_id != self.aggregate.id:
            return f"its originator_id is {each.originator_id}, not that of the aggregate"
        if each.originator_version != version:
            return f"its originator_version is {each.originator_version}, expected {version}"
        if isinstance(each, FirstEvent) and each.originator_topic != self.cls.TOPIC:
            return f"its originator_topic is {each.originator_topic!r}, not {self.cls.TOPIC!r}"
        return ""

    def _check_nothing_is_shared(self, events: Iterable[Any]) -> None:
        __tracebackhide__ = True
        if self.past != stamped(*self.events):
            raise _failure("the command, or the `apply` of an event, changed an earlier event")
        containers = {id(value) for value in vars(self.aggregate).values() if _is_mutable(value)}
        for each in events:
            shared = [name for name, value in vars(each).items() if id(value) in containers]
            if shared:
                problem = f"share {', '.join(shared)}: copy it in `apply`"
                raise _failure(f"the aggregate and {class_name(each)} {problem}")


def stamped(*events: partial[Any]) -> list[Any]:
    """Complete events as the log would: with ids, versions, times a day apart, and metadata.

    Args:
        *events: As `event(Class, field=value, ...)`, oldest first. They belong to one aggregate;
            those with a field `originator_id` to the aggregate of that id.

    Returns:
        The events, made by "somebody".
    """
    versions: Counter[UUID] = Counter()
    completed = []
    for day, each in enumerate(events):
        id = each.keywords.get("originator_id", ID)
        versions[id] += 1
        fields: dict[str, Any] = {
            "originator_id": id,
            "originator_version": versions[id],
            "timestamp": FIRST_DAY + timedelta(days=day),
        }
        cls: Any = each.func
        if issubclass(cls, FirstEvent):
            fields["originator_topic"] = cls.TOPIC.rpartition(".")[0]
        whole = each(**(fields | each.keywords))
        whole.stamp(EventMetadata("somebody"))
        completed.append(whole)
    return completed


def past(*events: partial[Any]) -> Any:
    """Return the aggregate after these events, such as for the argument of `revert`.

    Args:
        *events: As `event(Class, field=value, ...)`, oldest first.
    """
    return replay(stamped(*events))


def replay(events: Iterable[Any]) -> Any:
    """Return the aggregate after these complete events; None if there are none."""
    aggregate = None
    for each in events:
        aggregate = each.mutate(aggregate)
    return aggregate


def data_of(whole: DomainEvent) -> dict[str, Any]:
    """Return the fields that an event class declares itself."""
    return {name: value for name, value in whole if name not in ENVELOPE}


def differences_of_events(new: Sequence[Any], expected: Sequence[Any]) -> list[str]:
    """Describe, in a line each, where two lists of events differ; the envelope is not compared."""
    lines = []
    for index in range(max(len(new), len(expected))):
        one = new[index] if index < len(new) else None
        other = expected[index] if index < len(expected) else None
        title = f"  {index + 1}. "
        if type(one) is not type(other):
            lines.append(f"{title}{text_of(one)}, expected {text_of(other)}")
        elif one is not None and other is not None:
            fields = differences_of_fields(data_of(one), data_of(other))
            lines += [f"{title}{class_name(one)}:{each[1:]}" for each in fields]
    return lines


def differences_of_fields(
    one: Mapping[str, Any], other: Mapping[str, Any], word: str = "expected"
) -> list[str]:
    """Describe, in a line each, which fields differ; of mappings, which keys."""
    return [
        f"  {name} is {_shown(left)}, {word} {_shown(right)}"
        for name, left, right in _different(one, other)
    ]


def class_name(whole: object) -> str:
    """Return the name of an event's class with that of its aggregate, such as "Stack.Renamed"."""
    return type(whole).__qualname__.rpartition("<locals>.")[2]


def text_of(whole: DomainEvent | None) -> str:
    """Return an event as text, without its envelope."""
    if whole is None:
        return "no event"
    fields = ", ".join(f"{name}={value!r}" for name, value in data_of(whole).items())
    return f"{class_name(whole)}({fields})"


_MISSING = object()


def _different(
    one: Mapping[Any, Any], other: Mapping[Any, Any], path: str = ""
) -> Iterable[tuple[str, Any, Any]]:
    for key in [*one, *(key for key in other if key not in one)]:
        left, right = one.get(key, _MISSING), other.get(key, _MISSING)
        if left is right or left == right:
            continue
        name = f"{path}[{_shown(key)}]" if path else str(key)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            yield from _different(left, right, name)
        else:
            yield name, left, right


def _shown(value: object) -> str:
    return "missing" if value is _MISSING else repr(value)


def _is_mutable(value: object) -> bool:
    return isinstance(value, dict | list | set)


def _failure(*lines: str) -> AssertionError:
    # Not raised by `assert`, which `python -O` leaves out.
    return AssertionError("\n".join(lines))
