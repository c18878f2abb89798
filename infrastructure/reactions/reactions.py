"""Reactions of a workspace: run them, and see how far they have come."""

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol

from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.reactions.reaction import Reaction
from stackfold.application.reactions.views import FailedDelivery, ReactionView
from stackfold.domain.errors import Invalid
from stackfold.infrastructure.eventstore.hash_chain import START, Checkpoint
from stackfold.infrastructure.eventstore.log_pages import LogPages, valid_start, valid_timeout
from stackfold.infrastructure.eventstore.records import head
from stackfold.infrastructure.reactions.reaction_store import ReactionStore

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.acting import Acting
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.secrets.secrets import StoredSecrets
    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.eventstore.hash_chain import Head

_SLICE = 0.25


class ReactionServices(Protocol):
    """What running reactions needs, created on first use."""

    acting: "Acting"

    @property
    def claims(self) -> "Claims":
        """Ensures that one worker runs each reaction."""
        ...

    @property
    def stored_secrets(self) -> "StoredSecrets":
        """Resolves references to secrets."""
        ...


class Reactions:
    """Commands and queries for reactions."""

    def __init__(self, workspace: object, database: "Database", services: ReactionServices) -> None:
        """Create the service.

        Args:
            workspace: The workspace, which handlers receive.
            database: Holds its log.
            services: Its services.
        """
        self._workspace, self._database, self._services = workspace, database, services
        self._store = ReactionStore(self._database)

    @outside_changes
    def run(
        self,
        reactions: Sequence[Reaction],
        *,
        stop: threading.Event | None = None,
        timeout: float | None = None,
        from_start: bool = False,
    ) -> Sequence[ReactionView]:
        """Hand events to reactions, each in a thread of its own, from their checkpoints on.

        Each event is handed to each reaction at least once, in the order of the log. Where a
        reaction fails, it is called again after growing pauses; an event on which it keeps failing
        is parked, and the next one follows. Several processes may run the same reaction: they take
        turns.

        Args:
            reactions: The reactions.
            stop: Set it, in any thread, to return after the current events.
            timeout: Seconds to wait for the next event before it returns; None for no limit.
            from_start: Whether reactions that were never run begin with the first event of the log
                instead of the next one.

        Returns:
            How far they have come.

        Raises:
            Invalid: An argument is out of range, or two reactions have the same name.
            ReactionDiverged: The log was replaced.
            LogUnavailable: The log cannot be used for several minutes.
            OutsideChanges: It was called in the block of a change.
        """
        seconds = valid_timeout(timeout)
        names = [each.name for each in _valid(reactions)]
        halt = threading.Event()
        errors: list[BaseException] = []

        def is_stopped() -> bool:
            return halt.is_set() or (stop is not None and stop.is_set())

        workers = [self._worker(each, is_stopped) for each in reactions]

        def work(run: Callable[[float, bool], None], first: bool) -> None:
            try:
                run(seconds, first)
            except BaseException as error:  # raised below, in the thread of the caller
                errors.append(error)
                halt.set()

        threads = [
            threading.Thread(
                target=copy_context().run,
                args=(work, worker.run, from_start or each.from_start),
                name=f"stackfold reaction {each.name}",
                daemon=True,
            )
            for each, worker in zip(reactions, workers, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(_SLICE)
        finally:
            halt.set()
            for thread in threads:
                thread.join()
        if errors:
            raise errors[0]
        return [view for view in self.list() if view.name in names]

    def list(self) -> Sequence[ReactionView]:
        """List the reactions that were run on this log, by name."""
        from stackfold.infrastructure.reactions.claim_ids import claim_of

        claims = self._services.claims
        return [
            view._replace(running=claims.is_claimed(claim_of(view.name)))
            for view in self._store.views()
        ]

    def failed(self, name: str | None = None) -> Sequence[FailedDelivery]:
        """List the events on which reactions failed, by reaction and position.

        Args:
            name: The reaction; None for all.

        Raises:
            NotFound: It was never run.
        """
        if name is not None:
            self._store.must_exist(name)
        return self._store.failed(name)

    @outside_changes
    def retry(self, name: str, *positions: int) -> int:
        """Let a worker handle failed events again, with all attempts left, out of their order.

        Args:
            name: The reaction.
            *positions: The positions of the events; none for all that are parked.

        Returns:
            The number of events.

        Raises:
            NotFound: The reaction was never run, or did not fail on one of the events.
        """
        return self._store.retry(name, positions)

    @outside_changes
    def skip(self, name: str, *positions: int) -> int:
        """Give up failed events, so that they are neither retried nor listed.

        Args:
            name: The reaction.
            *positions: The positions of the events; none for all that are parked.

        Returns:
            The number of events.

        Raises:
            NotFound: The reaction was never run, or did not fail on one of the events.
        """
        return self._store.skip(name, positions)

    @outside_changes
    def reset(self, name: str, after: "int | str | Head | None" = None) -> ReactionView:
        """Let a reaction continue after a position, and forget on which events it failed.

        Args:
            name: The reaction.
            after: The position, or the head at it; 0 for all events of the log, None for none of
                those that exist.

        Raises:
            NotFound: The reaction was never run.
            Invalid: The position is out of range.
            LogDiverged: The log has no such position or head.
        """
        if after is None:
            now = head(self._database)
            to = Checkpoint(now.position, now.hash)
        else:
            to = LogPages(self._database).begin(valid_start(after))
        self._store.reset(name, to if to.position else START)
        return next(view for view in self.list() if view.name == name)

    # -- which there are

    def installed(self, *names: str) -> Sequence[Reaction]:
        """Load the reactions of Stackfold and of installed packages.

        Args:
            *names: Only these; none for all.

        Raises:
            NotFound: There is none of that name.
            InvalidReaction: A package declares something else, or cannot be imported.
        """
        from stackfold.infrastructure.reactions.installed import installed_reactions

        return installed_reactions(names)

    def load(self, source: str) -> Sequence[Reaction]:
        """Import the reactions in a file or module, which is executed.

        Args:
            source: "file.py", "file.py:name", "module" or "module:name".

        Raises:
            InvalidFile: There is no such reaction, or its module cannot be imported.
        """
        from stackfold.infrastructure.reactions.installed import reactions_in

        return reactions_in(source)

    def webhook(
        self, url: str, *, secret: str, topics: Sequence[Any] = (), name: str | None = None
    ) -> Reaction:
        """Declare a webhook; as `stackfold.eventsourcing.webhook`."""
        from stackfold.infrastructure.reactions.webhook import webhook

        return webhook(url, secret=secret, topics=topics, name=name)

    # -- private

    def _worker(self, reaction: Reaction, is_stopped: Callable[[], bool]) -> Any:
        from stackfold.infrastructure.eventstore.event_mapper import EventMapper
        from stackfold.infrastructure.reactions.attempts import Attempts
        from stackfold.infrastructure.reactions.worker import ReactionWorker

        aggregates, services = self._database.aggregates, self._services
        attempts = Attempts(
            reaction,
            self._workspace,
            services.acting,
            EventMapper(aggregates).load,
            lambda topic: aggregates.event_class(topic) is not None,
            services.stored_secrets.value,
        )
        return ReactionWorker(self._database, services.claims, reaction, attempts, is_stopped)


def _valid(reactions: object) -> Sequence[Reaction]:
    if not isinstance(reactions, list | tuple) or not reactions:
        raise Invalid("there are no reactions to run: give a list of them")
    names: set[str] = set()
    for each in reactions:
        if not isinstance(each, Reaction):
            raise Invalid(f"{each!r:.100} is not a reaction: declare it with on(…)")
        if each.name in names:
            raise Invalid(f"two reactions have the name {each.name!r}: give one another name")
        names.add(each.name)
    return reactions
