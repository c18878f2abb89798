"""Rebuilds read models beside the current ones, so that writers wait only for what differs.

Everything is folded into temporary tables without the write lock. Under the lock, the events that
were appended meanwhile follow, and the tables that differ are replaced.
"""

from stackfold.domain.errors import Damaged, LogContradicts, LogUnavailable, StackfoldWarning
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.eventstore.packaged_read_models import PackagedReadModels
from stackfold.infrastructure.eventstore.rebuild import BATCH, Fold, Progress, events_after

_ROUNDS = 5
"""The most rounds in which the fold catches up with writers before it takes the lock."""


class ShadowRebuild:
    """Folds the log into temporary tables of a connection, and replaces those that differ."""

    def __init__(self, database: Database) -> None:
        """Use a connection of its own.

        Args:
            database: Holds the log; on a connection that nobody else uses.
        """
        self._database = database
        self._tables = ReadModelTables(database.aggregates)
        self._position = 0
        self.events = 0
        """The number of events that were folded."""
        self.problems: list[StackfoldWarning] = []
        """Contradictions among them, and read models of packages that cannot be built."""

    def done(self, progress: Progress | None = None) -> bool:
        """Rebuild the read models, unless tables, indexes or triggers themselves are damaged.

        Args:
            progress: Called with the number of events that are done.

        Returns:
            Whether it was done. If not, nothing was changed.

        Raises:
            UnreadableEvent: An event cannot be loaded; nothing is changed.
        """
        try:
            if not self._sound():
                return False
            self._rebuild(progress)
        except self._database.conflict:
            return False  # the rows of events that contradict each other
        except (LogUnavailable, Damaged) as error:
            if not _may_be_repaired(error):
                raise
            return False
        return True

    def _sound(self) -> bool:
        database = self._database
        return not (database.lying_index() or database.damage() or database.missing())

    def _rebuild(self, progress: Progress | None) -> None:
        database = self._database
        with database.look(keep=True) as cursor:
            self._tables.create(cursor, database.temp)
            fold = Fold(database, cursor, database.temp)
            self._follow(fold, cursor, progress)
            differ = any(self._differs(cursor, table) for table in self._tables.names())
            packaged = bool(PackagedReadModels(database).registry.all())
        if not differ and not packaged:
            self.problems = [LogContradicts(*each) for each in fold.contradictions.all()]
            return
        for _ in range(_ROUNDS):
            with database.look(keep=True) as cursor:
                if self._follow(fold, cursor) < BATCH:
                    break
        with database.write() as cursor:
            self._follow(fold, cursor)
            for table in self._tables.names():
                if self._differs(cursor, table):
                    cursor.execute(f"DELETE FROM {database.main}.{table}")
                    cursor.execute(
                        f"INSERT INTO {database.main}.{table} SELECT * FROM {database.temp}.{table}"
                    )
                cursor.execute(f"DROP TABLE {database.temp}.{table}")
            not_rebuilt = PackagedReadModels(database).rebuild(cursor)
        contradictions = (LogContradicts(*each) for each in fold.contradictions.all())
        self.problems = [*contradictions, *not_rebuilt]

    def _follow(self, fold: Fold, cursor: Cursor, progress: Progress | None = None) -> int:
        """Fold the events that were not folded yet; returns their number."""
        ((last,),) = cursor.execute("SELECT coalesce(max(position), 0) FROM events").fetchall()
        if last == self._position:
            return 0
        count = fold.resume(cursor, events_after(self._database, self._position), progress)
        self._position = last
        self.events += count
        return count

    def _differs(self, cursor: Cursor, table: str) -> bool:
        current, wanted = (
            f"{schema}.{table}" for schema in (self._database.main, self._database.temp)
        )
        ((one, other),) = cursor.execute(
            f"SELECT (SELECT count(*) FROM {current}), (SELECT count(*) FROM {wanted})"
        ).fetchall()
        return one != other or any(
            cursor.execute(f"SELECT * FROM {a} EXCEPT SELECT * FROM {b} LIMIT 1").fetchall()
            for a, b in ((current, wanted), (wanted, current))
        )


def _may_be_repaired(error: Exception) -> bool:
    """Whether the error may concern a table, which a rebuild under the write lock recreates."""
    from stackfold.domain.errors import PermissionDenied, UnreadableEvent

    return not isinstance(error, PermissionDenied | UnreadableEvent)
