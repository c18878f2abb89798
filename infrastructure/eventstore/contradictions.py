"""Events that contradict each other, and what the read models make of them.

No command records such events, and the database's indexes refuse them. They get into a log where an
index was damaged, and hid what is there. The log stays as it is; the read models are made so that
everything in it can be reached, and the contradiction is reported until somebody ends it.
"""

from typing import Any, NamedTuple

from stackfold.application.eventsourcing.projection import Row
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.domain.name import LONGEST


class Contradiction(NamedTuple):
    """An event that an earlier one excludes."""

    position: int
    problem: str
    """What is wrong, and what ends it; it goes on after the position."""


class Contradictions:
    """Finds them while events are folded, in the order of their positions."""

    def __init__(self) -> None:
        """None so far."""
        self._living: dict[tuple[str, tuple[Any, ...]], tuple[str, int]] = {}
        """Table and the values of unique columns → the id that has them, and since when."""
        self._own: dict[tuple[str, str], tuple[Any, ...]] = {}
        """Table and id → the values of the unique columns that its living row has."""
        self._namesakes: dict[tuple[str, str], Contradiction] = {}
        self._versions: dict[str, tuple[int, int]] = {}
        """Id → its last revision, and that event's position."""
        self._lasting: list[Contradiction] = []
        self._doubtful: set[str] = set()

    def all(self) -> list[Contradiction]:
        """Those that nobody has ended, by their positions."""
        return sorted({*self._namesakes.values(), *self._lasting})

    def revision(self, id: str, version: int, position: int, topic: str) -> None:
        """Note the revision that an event makes."""
        last, since = self._versions.get(id, (0, 0))
        if version <= last:
            self._doubtful.add(id)
            self._lasting.append(
                Contradiction(
                    position,
                    f"is a second revision {version} of {topic.partition('.')[0]} {id}, beside "
                    f"#{since}; both count: `stackfold log fork NEW_HOME --at '#{position - 1}'` "
                    "makes a copy that ends before it",
                )
            )
        else:
            self._versions[id] = version, position

    def misfit(self, id: str, position: int, topic: str) -> bool:
        """Whether an event that does not follow from those before it can be left out."""
        if id not in self._doubtful:
            return False
        self._lasting.append(
            Contradiction(
                position,
                f"({topic}) does not follow from what was before, and is left out: "
                f"`stackfold log fork NEW_HOME --at '#{position - 1}'` makes a copy that ends "
                "before it",
            )
        )
        return True

    def twice(self, table: str) -> None:
        """Note that a row of a table was to be inserted that is there already."""
        what = f"a row of {table!r} was recorded twice, and the first one counts"
        self._lasting.append(Contradiction(0, what))

    def named(self, model: ReadModel, id: str, row: Row, position: int) -> Row:
        """The row that is shown: under another name, while its own belongs to something else."""
        key = (model.table, id)
        self.ended(model, id)
        values = model.unique_values(row)
        wanted = values[-1]
        other = self._living.get((model.table, values))
        if other is not None:
            row, values = self._renamed(model, id, row, values)
            self._namesakes[key] = Contradiction(
                position,
                f"makes a second {model.noun_of(row)} {wanted!r}, beside #{other[1]}: it is shown "
                f"as {values[-1]!r} until it is renamed or deleted",
            )
        self._living[model.table, values] = id, position
        self._own[key] = values
        return row

    def kept(self, model: ReadModel, id: str, row: Row) -> bool:
        """Whether a row has the unique values that it had before."""
        return self._own.get((model.table, id)) == model.unique_values(row)

    def ended(self, model: ReadModel, id: str) -> None:
        """Note that nothing living of that id has a name any more."""
        key = (model.table, id)
        values = self._own.pop(key, None)
        if values is not None:
            del self._living[model.table, values]
            self._namesakes.pop(key, None)

    def _renamed(
        self, model: ReadModel, id: str, row: Row, values: tuple[Any, ...]
    ) -> tuple[Row, tuple[Any, ...]]:
        column = model.columns.index(model.unique[-1])
        name = str(values[-1])
        for end in (id[:8], id):
            shown = f"{name[: LONGEST - 1 - len(end)]}-{end}"
            values = (*values[:-1], shown)
            if (model.table, values) not in self._living:
                break
        return model.row_of([*row[:column], shown, *row[column + 1 :]]), values
