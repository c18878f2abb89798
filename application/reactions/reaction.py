"""The declaration of reactions, and what their handlers receive."""

import hashlib
import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from stackfold.domain.errors import Invalid
from stackfold.domain.name import valid_name

if TYPE_CHECKING:
    from stackfold.application.history.views import LogEvent
    from stackfold.domain.eventsourcing.event import DomainEvent

    EventClass = type[DomainEvent] | str


class Delivery(NamedTuple):
    """One event that is handed to one reaction, possibly not for the first time."""

    id: str
    """Identifies the event and the reaction; the same in every attempt, and in no other log that
    has another event at this position. Store it to handle each event only once."""
    reaction: str
    """The name of the reaction."""
    attempt: int
    """Counts from 1."""
    recorded: "LogEvent"
    """The event as the log has it, with position, time and author."""
    workspace: Any
    """The `Workspace` whose log it is; changes that the handler makes in it bear a correlation id
    that names the event and the reaction."""
    secret: Callable[[str], str]
    """(reference such as "{{hooks.key}}") → the secret; it is redacted from everything that is
    recorded or logged from then on. Raises `MissingSecret`."""


Handler = Callable[[Any, Delivery], object]
"""(event, delivery) → anything; an exception is a failure, which is retried."""


class Retries(NamedTuple):
    """How often, and after what time, a reaction is called again for an event that it failed on."""

    attempts: int = 8
    """The number of calls after which the event is parked."""
    first: float = 1.0
    """Seconds before the second call; doubled after each further one."""
    longest: float = 60.0
    """The most seconds between two calls."""

    def delay(self, attempts: int, chance: float) -> float:
        """Seconds to wait after a number of calls.

        Args:
            attempts: The number of calls so far.
            chance: From 0 to 1: spreads the calls of several workers over half of the time.
        """
        whole = min(self.longest, self.first * 2.0 ** min(attempts - 1, 60))
        return whole * (1 + chance) / 2


class Postponed(Exception):  # no failure
    """Raised by a handler to be called again after some time, which is not a failure."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"postponed by {seconds:g} s")
        self.seconds = seconds


class Reaction:
    """A function that is called for events of the log, at least once each; see `on`.

    Attributes:
        name: Identifies how far it has come; another name is another reaction.
        topics: The topics of its events; empty for all.
        retries: What happens where it fails.
        ordered: Whether later events wait while one is retried.
        from_start: Whether it begins, when it is run for the first time, with the first event of
            the log; otherwise with the next one.
        untyped: Whether the handler is called with a `LogEvent` instead of the event's class.
    """

    def __init__(
        self,
        name: str,
        handler: Handler,
        topics: Sequence[str] = (),
        *,
        retries: Retries = Retries(),  # noqa: B008  # immutable
        ordered: bool = True,
        from_start: bool = False,
        untyped: bool = False,
    ) -> None:
        """Declare a reaction.

        Args:
            name: The name: 1 to 64 letters, digits, ".", "_" or "-".
            handler: Is called with each event and its delivery, outside of any transaction.
            topics: The topics of its events; empty for all.
            retries: How often and when it is called again for an event that it failed on.
            ordered: Whether later events wait while one is retried.
            from_start: Whether it begins with the first event of the log.
            untyped: Whether the handler is called with a `LogEvent`.

        Raises:
            InvalidName: The name breaks the rule for names.
            Invalid: The handler, the topics or the retries are invalid.
        """
        self.name = valid_name("reaction", name)
        self.handler = _valid_handler(name, handler)
        self.topics = _valid_topics(name, topics)
        self.retries = _valid_retries(name, retries)
        self.ordered, self.from_start, self.untyped = ordered, from_start, untyped

    def __call__(self, event: Any, delivery: Delivery) -> object:
        """Call the handler, as a test does."""
        return self.handler(event, delivery)

    def __repr__(self) -> str:
        return f"<Reaction {self.name}: {', '.join(self.topics) or 'all events'}>"


@overload
def on(  # type: ignore[overload-overlap]  # a class of events is no handler
    events: "EventClass | Sequence[EventClass]",
    handler: Handler,
    /,
    *,
    name: str | None = None,
    retries: Retries = ...,
    ordered: bool = True,
    from_start: bool = False,
) -> Reaction: ...
@overload
def on(
    *events: "EventClass",
    name: str | None = None,
    retries: Retries = ...,
    ordered: bool = True,
    from_start: bool = False,
) -> Callable[[Handler], Reaction]: ...
def on(
    *given: Any,
    name: str | None = None,
    retries: Retries = Retries(),  # noqa: B008  # immutable
    ordered: bool = True,
    from_start: bool = False,
) -> Reaction | Callable[[Handler], Reaction]:
    """Declare a function that is called for events of some classes.

    Use it as `on(Activation.Activated, notify)`, as `on([Stack.Registered, Stack.Renamed], notify)`
    or as a decorator `@on(Stack.Registered, Stack.Renamed)`; `@on()` is for all events.

    Args:
        *given: Classes of events, or topics as text; without a decorator followed by the function.
            It takes the event and a `Delivery`.
        name: Identifies how far the reaction has come; by default the name of the function.
        retries: How often and when it is called again for an event that it failed on.
        ordered: Whether later events wait while one is retried.
        from_start: Whether the reaction begins, when it is run for the first time, with the first
            event of the log; otherwise with the next one.

    Returns:
        The reaction; or a decorator that returns it.

    Raises:
        InvalidName: The name breaks the rule for names; a lambda needs a name.
        Invalid: An event is no class of an event, or the function or the retries are invalid.
    """

    def declared(handler: Handler) -> Reaction:
        return Reaction(
            name or str(getattr(handler, "__name__", handler)),
            handler,
            topics,
            retries=retries,
            ordered=ordered,
            from_start=from_start,
        )

    has_handler = bool(given) and callable(given[-1]) and not hasattr(given[-1], "TOPIC")
    events: Sequence[Any] = given[:-1] if has_handler else given
    if len(events) == 1 and isinstance(events[0], list | tuple):
        (events,) = events
    topics = [topic_of(each) for each in events]
    return declared(given[-1]) if has_handler else declared


def delivery_id(reaction: str, head: str) -> str:
    """The id of the delivery of an event to a reaction.

    Args:
        reaction: The name of the reaction.
        head: The log up to the event, as "POSITION:HASH".
    """
    digest = hashlib.sha256(f"{head}\n{reaction}".encode()).hexdigest()
    return f"dlv_{digest[:32]}"


def topic_of(event: object) -> str:
    """The topic of a class of events, or the topic itself.

    Raises:
        Invalid: It is neither.
    """
    topic = getattr(event, "TOPIC", event)
    if not isinstance(topic, str) or not topic or not topic.isprintable():
        raise Invalid(f"{event!r:.100} is no event: give a class such as Stack.Registered")
    return topic


def _valid_topics(name: str, topics: object) -> tuple[str, ...]:
    if not isinstance(topics, list | tuple | set | frozenset):
        raise Invalid(f"topics={topics!r:.100} of the reaction {name!r} must be a list")
    return tuple(sorted({*map(topic_of, topics)}))


def _valid_handler(name: str, handler: object) -> Handler:
    called = getattr(handler, "__call__", None)  # noqa: B004  # of objects with an async __call__
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(called):
        raise Invalid(
            f"the handler of the reaction {name!r} is asynchronous: give a function that calls "
            "asyncio.run"
        )
    if not callable(handler):
        raise Invalid(f"the reaction {name!r} has no handler: give a function(event, delivery)")
    return handler


def _valid_retries(name: str, retries: object) -> Retries:
    match retries:
        case Retries(int(attempts), int() | float() as first, int() | float() as longest):
            seconds = (float(first), float(longest))
            if 1 <= attempts <= 10_000 and all(
                math.isfinite(each) and 0 <= each <= 86_400 for each in seconds
            ):
                return Retries(attempts, *seconds)
    raise Invalid(
        f"retries={retries!r:.100} of the reaction {name!r}: give Retries with 1 to 10,000 "
        "attempts, and 0 to 86,400 seconds"
    )
