"""Events that contradict each other, and how the read models show them.

Commands record no such events, and unique indexes reject them; only a damaged index lets them into
a log. The log is not changed. The read models show everything in it under distinct names, and each
contradiction is reported until a later event resolves it: see decision 0026.
"""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import Row
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.domain.name import LONGEST


class Contradiction(NamedTuple):
    """An event that contradicts an earlier one."""

    position: int
    problem: str
    """The rest of a sentence that begins with the position: the problem, and what resolves it."""


class Contradictions:
    """Finds contradictions while events are projected in the order of their positions."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, tuple[Any, ...]], tuple[str, int]] = {}
        """Table and values of unique columns → the id that has them, and since which position."""
        self._values: dict[tuple[str, str], tuple[Any, ...]] = {}
        """Table and id → the values of the unique columns in its current row."""
        self._duplicate_names: dict[tuple[str, str], Contradiction] = {}
        self._versions: dict[str, tuple[int, int]] = {}
        """Id → its last revision, and the position of that event."""
        self._permanent: list[Contradiction] = []
        self._ambiguous: set[str] = set()
        """The ids with two events of one revision."""

    def all(self) -> list[Contradiction]:
        """The contradictions that are not resolved, by position."""
        return sorted({*self._duplicate_names.values(), *self._permanent})

    def revision(self, id: str, version: int, position: int, topic: str) -> None:
        """Take note of the revision that an event creates.

        Args:
            id: The aggregate's id.
            version: The revision.
            position: The position of the event.
            topic: The topic of the event.
        """
        last, since = self._versions.get(id, (0, 0))
        if version <= last:
            self._ambiguous.add(id)
            self._permanent.append(
                Contradiction(
                    position,
                    f"is a second revision {version} of {topic.partition('.')[0]} {id}, beside "
                    f"#{since}; both count: `stackfold log fork NEW_HOME --at '#{position - 1}'` "
                    "makes a copy that ends before it",
                )
            )
        else:
            self._versions[id] = version, position

    def leave_out(self, id: str, position: int, topic: str) -> bool:
        """Leave out an event that does not follow from earlier ones, if their order is ambiguous.

        Returns:
            Whether the event is left out; otherwise it cannot be projected.
        """
        if id not in self._ambiguous:
            return False
        self._permanent.append(
            Contradiction(
                position,
                f"({topic}) does not follow from earlier events, and is left out: "
                f"`stackfold log fork NEW_HOME --at '#{position - 1}'` makes a copy that ends "
                "before it",
            )
        )
        return True

    def duplicate_row(self, table: str) -> None:
        """Take note of a row of a table that was inserted twice."""
        what = f"a row of {table!r} was recorded twice, and the first one counts"
        self._permanent.append(Contradiction(0, what))

    def named(self, model: ReadModel, id: str, row: Row, position: int) -> Row:
        """The row to show, which has another name while its name belongs to another aggregate.

        Args:
            model: The read model.
            id: The aggregate's id.
            row: The row after an event.
            position: The position of the event.
        """
        key = (model.table, id)
        self.ended(model, id)
        values = model.unique_values(row)
        wanted = values[-1]
        other = self._owners.get((model.table, values))
        if other is not None:
            row, values = self._renamed(model, id, row, values)
            self._duplicate_names[key] = Contradiction(
                position,
                f"makes a second {model.noun_of(row)} {wanted!r}, beside #{other[1]}: it is shown "
                f"as {values[-1]!r} until it is renamed or deleted",
            )
        self._owners[model.table, values] = id, position
        self._values[key] = values
        return row

    def unchanged(self, model: ReadModel, id: str, row: Row) -> bool:
        """Whether the unique values of a row are those of the aggregate's current row."""
        return self._values.get((model.table, id)) == model.unique_values(row)

    def ended(self, model: ReadModel, id: str) -> None:
        """Take note that an aggregate was deleted, so that its name is free."""
        key = (model.table, id)
        values = self._values.pop(key, None)
        if values is not None:
            del self._owners[model.table, values]
            self._duplicate_names.pop(key, None)

    def _renamed(
        self, model: ReadModel, id: str, row: Row, values: tuple[Any, ...]
    ) -> tuple[Row, tuple[Any, ...]]:
        column = model.columns.index(model.unique[-1])
        name = str(values[-1])
        for end in (id[:8], id):
            shown = f"{name[: LONGEST - 1 - len(end)]}-{end}"
            values = (*values[:-1], shown)
            if (model.table, values) not in self._owners:
                break
        return model.row_of([*row[:column], shown, *row[column + 1 :]]), values
