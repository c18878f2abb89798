"""Queries for the changes of stacks and components between two positions."""

from collections.abc import Iterator, Sequence

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.history.queries import History
from stackfold.application.history.views import HistoryEntry
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state


class SqlChanges:
    """Implements the queries of `application.runs.run_diffs`."""

    def __init__(self, database: Database, history: History) -> None:
        """Create the queries.

        Args:
            database: Finds the positions of changes.
            history: Reads the events at positions.
        """
        self._database = database
        self._history = history

    @one_state
    def between(
        self, stacks: Sequence[str], components: Sequence[str], after: int, before: int
    ) -> list[HistoryEntry]:
        """The changes between two positions, newest first.

        Args:
            stacks: Ids of stacks.
            components: Ids of components.
            after: Only positions after this one.
            before: Only positions before this one.
        """
        positions = {
            position for id in (*stacks, *components) for position in self._of(id, after, before)
        }
        for stack in stacks:
            positions.update(self._contained_in(stack, after, before))
        if len(stacks) > 1:
            positions.update(self._activations(after, before))
        return self._history.at(sorted(positions, reverse=True))

    def _of(self, id: str, after: int, before: int) -> Iterator[int]:
        rows = self._database.read(
            "SELECT position FROM events WHERE originator_id = ? AND position > ? AND position < ?",
            [id, after, before],
        )
        yield from (position for (position,) in rows)

    def _contained_in(self, stack: str, after: int, before: int) -> Iterator[int]:
        """The positions of changes of components while a stack contained them."""
        rows = self._database.read(
            "SELECT since, until, components FROM stacks "
            "WHERE id = ? AND since < ? AND (until IS NULL OR until > ?)",
            [stack, before, after],
        )
        for since, until, components in rows:
            for ids in cell(components).values():
                for id in ids:
                    yield from self._of(id, max(since, after), min(until or before, before))

    def _activations(self, after: int, before: int) -> Iterator[int]:
        rows = self._database.read(
            "SELECT since FROM activations WHERE since > ? AND since < ?", [after, before]
        )
        yield from (position for (position,) in rows)
