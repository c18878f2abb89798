"""What was done to stacks and components between two positions of the log."""

from collections.abc import Iterator, Sequence

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.history.queries import History
from stackfold.application.history.views import HistoryEntry
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state


class SqlChanges:
    """The questions of `application.runs.run_diffs`, asked of a database."""

    def __init__(self, database: Database, history: History) -> None:
        """Ask `database` where it was, and `history` what it was."""
        self._database = database
        self._history = history

    @one_state
    def between(
        self, stacks: Sequence[str], components: Sequence[str], after: int, before: int
    ) -> list[HistoryEntry]:
        """What was done between two positions, newest first."""
        positions = {
            position for id in (*stacks, *components) for position in self._of(id, after, before)
        }
        for stack in stacks:
            positions.update(self._held_by(stack, after, before))
        if len(stacks) > 1:
            positions.update(self._activations(after, before))
        return self._history.at(sorted(positions, reverse=True))

    def _of(self, id: str, after: int, before: int) -> Iterator[int]:
        rows = self._database.read(
            "SELECT position FROM events WHERE originator_id = ? AND position > ? AND position < ?",
            [id, after, before],
        )
        yield from (position for (position,) in rows)

    def _held_by(self, stack: str, after: int, before: int) -> Iterator[int]:
        """Changes of components while the stack held them."""
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
