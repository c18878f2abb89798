"""The part of a workspace that says who makes changes, and which belong together."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked, is_number
from stackfold.application.eventsourcing.acting import Acting, Actor
from stackfold.application.eventsourcing.unit_of_work import UnitOfWork, current_unit
from stackfold.domain.errors import ChangeTimedOut, Invalid, LogUnavailable, StatementFailed
from stackfold.domain.limits import MESSAGE, must_fit

if TYPE_CHECKING:
    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.services import Services

_LONGEST = 3600.0
"""Seconds that a change may take at most."""


@checked
class Changes:
    """Sets who makes the changes of a workspace, and combines several into one."""

    _acting: Acting
    _database: "Database"
    _services: "Services"

    @property
    def actor(self) -> str:
        """Who acts in this thread and task: who the changes that it makes are recorded for."""
        return self._acting.actor()

    def acting_as(
        self, actor: Actor, *, correlation_id: str | None = None
    ) -> AbstractContextManager[None]:
        """Set who acts in a `with` block, such as the user of a request.

        It applies to this thread, to this async task, and to tasks that begin in the block; other
        threads, tasks and workspaces are not affected. On a shared log, the active stack is that
        of the actor.

        Args:
            actor: Who acts, or a function that returns it.
            correlation_id: Ties the changes to others, such as the id of the request; None for
                that of the outer block.

        Raises:
            InvalidActor: A text is empty, too long, or contains control characters.
        """
        return self._acting.as_actor(actor, correlation_id)

    @contextmanager
    def change(self, *, why: str = "", timeout: float = 10.0) -> Iterator[UnitOfWork]:
        """Make all commands in a `with` block one transaction and one change.

        The block has the write lock from its begin, so that everything it reads is still true when
        it ends, and no command in it loses a race. Where it raises, nothing is recorded. In the
        block of another change of this workspace, it is part of that one. `undo` takes back all
        of its events.

        Other threads that use the workspace wait until the block ends.

        Args:
            why: The reason, for commands that give none.
            timeout: Seconds that the block may take, up to 3600.

        Raises:
            Invalid: The reason is too long, or the timeout out of range.
            LogUnavailable: The log cannot be written.
            ChangeTimedOut: The block took too long; nothing is recorded.
            ChangeElsewhere: A change of another async task of this thread is open.
        """
        outer = current_unit(self._acting)
        if outer is not None:
            outer.check()
            with self._database.write(), outer.idle():
                yield outer
            return
        must_fit("the message", why, MESSAGE)
        if not is_number(timeout, float) or not 0 < timeout <= _LONGEST:
            raise Invalid(f"the timeout of a change is 0 to {_LONGEST:g} s, not {timeout!r}")
        unit = UnitOfWork(self._acting, why, timeout, self._database.execute_own)
        try:
            with unit.entered(), self._services.event_store.log.as_one_change(unit):
                yield unit
        except (LogUnavailable, StatementFailed) as error:
            if unit.remaining:
                raise
            raise ChangeTimedOut(timeout) from error

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read tables of your own in the database of the log, such as those of a projection.

        It waits for no writer. In the block of `change`, it also reads what that has written.

        Args:
            statement: One SELECT, with `?` for each parameter.
            parameters: The values of the parameters.

        Returns:
            The rows.

        Raises:
            StatementRejected: It writes, or concerns tables of Stackfold.
            StatementFailed: The database rejects it.
            LogUnavailable: The database cannot be read.
        """
        return self._database.execute_own(statement, parameters, reading=True)
