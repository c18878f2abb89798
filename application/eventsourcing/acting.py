"""Who acts in a workspace: per call, thread and task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from stackfold.application.eventsourcing.unit_of_work import current_unit
from stackfold.domain.actor import valid_actor
from stackfold.domain.eventsourcing.metadata import EventMetadata

Actor = str | Callable[[], str]
"""Who acts, or a function that returns it, which is called for every change."""

_blocks: ContextVar[tuple["_Block", ...]] = ContextVar("stackfold actors", default=())
"""The blocks of `Acting.as_actor` that this context is in, the innermost last.

The tuple is replaced, never changed: a task or thread that started with a copy of the context
keeps its own.
"""


class Acting:
    """Knows who acts in one workspace."""

    def __init__(self, default: Actor) -> None:
        """Create it.

        Args:
            default: Who acts outside of any block.

        Raises:
            InvalidActor: The text is empty, too long, or contains control characters.
        """
        self._default = default if callable(default) else valid_actor("actor", default)

    def actor(self) -> str:
        """Who acts in this context.

        Raises:
            InvalidActor: The function that knows it returned an invalid text.
        """
        block = self._innermost()
        chosen = block.actor if block else self._default
        return chosen if isinstance(chosen, str) else valid_actor("actor", chosen())

    def metadata(self) -> EventMetadata:
        """The metadata of the events that this context saves, with the reason of their change."""
        block = self._innermost()
        unit = current_unit(self)
        return EventMetadata(
            self.actor(),
            why=unit.why if unit else "",
            correlation_id=block.correlation_id if block else None,
        )

    @contextmanager
    def as_actor(self, actor: Actor, correlation_id: str | None) -> Iterator[None]:
        """Set who acts in the block, and what ties its changes together.

        Raises:
            InvalidActor: A text is empty, too long, or contains control characters.
        """
        if not callable(actor):
            actor = valid_actor("actor", actor)
        if correlation_id is None:
            outer = self._innermost()
            correlation_id = outer.correlation_id if outer else None
        else:
            correlation_id = valid_actor("correlation id", correlation_id)
        block = _Block(self, actor, correlation_id)
        _blocks.set((*_blocks.get(), block))
        try:
            yield
        finally:
            # Not by a token: a generator may be closed in another context than it began in.
            _blocks.set(tuple(each for each in _blocks.get() if each is not block))

    def _innermost(self) -> "_Block | None":
        return next((each for each in reversed(_blocks.get()) if each.acting is self), None)


class _Block:
    """A `with` block that sets the actor of a workspace."""

    def __init__(self, acting: Acting, actor: Actor, correlation_id: str | None) -> None:
        self.acting, self.actor, self.correlation_id = acting, actor, correlation_id
