"""The part of a workspace that says who makes changes."""

from contextlib import AbstractContextManager

from stackfold.application.eventsourcing.acting import Acting, Actor


class Changes:
    """Sets who makes the changes of a workspace."""

    _acting: Acting

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
