"""Proving that the log is as it was written, and that the read models say what it says."""

import re
from typing import NamedTuple

from stackfold.domain.errors import InvalidHead, StackfoldError
from stackfold.infrastructure.chain import BEGINNING, Record, chained
from stackfold.infrastructure.database import Database
from stackfold.infrastructure.rebuild import EVENTS, Fold, Progress
from stackfold.infrastructure.records import records
from stackfold.infrastructure.tables import TABLES


class Verification(NamedTuple):
    """What came of verifying a log."""

    events: int
    """How many events hold."""
    head: str
    """The last position that holds, and its hash, as "POSITION:HASH"."""
    position: int | None = None
    """The first position that does not hold; None if all do."""
    problem: str | None = None
    """What is wrong there."""

    @property
    def holds(self) -> bool:
        """Whether everything holds."""
        return self.problem is None


def verify(
    database: Database, known: str | None = None, progress: Progress | None = None
) -> Verification:
    """Recompute the hash chain, and compare the read models with a fresh fold of the log.

    Args:
        database: Where the log is.
        known: A head that was noted earlier, as "POSITION:HASH".
        progress: Told how many events are done.

    Raises:
        InvalidHead: `known` is not of that form.
    """
    noted = _parsed(known) if known else (0, BEGINNING)
    found = _verify_chain(database, *noted, progress)
    if not found.holds:
        return found
    difference = _verify_read_models(database)
    if difference is None:
        return found
    position, problem = difference
    return found._replace(position=position, problem=problem)


def _parsed(known: str) -> tuple[int, bytes]:
    match = re.fullmatch(r"#?(\d{1,18}):([0-9a-fA-F]{64})", known.strip())
    if not match:
        raise InvalidHead(known)
    return int(match[1]), bytes.fromhex(match[2])


def _verify_chain(
    database: Database, noted: int, noted_hash: bytes, progress: Progress | None
) -> Verification:
    last = Record(0, 0, "", "", 0, "", b"", BEGINNING)
    for record in records(database):
        problem = _problem(last, record)
        if problem is None and record.position == noted and record.hash != noted_hash:
            problem = "is not the event that the given head was noted at"
        if problem is not None:
            return Verification(last.position, _head(last), last.position + 1, problem)
        last = record
        if progress and not last.position % 2000:
            progress(last.position)
    if last.position < noted:
        problem = f"is missing: the log was cut off, it once went to #{noted}"
        return Verification(last.position, _head(last), last.position + 1, problem)
    return Verification(last.position, _head(last))


def _problem(last: Record, record: Record) -> str | None:
    if record.position != last.position + 1:
        return "is missing"
    try:
        if chained(last.hash, *record[:-1]) == record.hash:
            return None
    except TypeError:
        # A column holds something of another type than was ever written there.
        pass
    return "was changed, or comes from elsewhere: its hash does not follow from what it holds"


def _head(record: Record) -> str:
    return f"{record.position}:{record.hash.hex()}"


def _verify_read_models(database: Database) -> tuple[int, str] | None:
    """The first position at which a read model and a fresh fold differ, and how."""
    with database.look() as cursor:
        TABLES.create(cursor, "temp")
        try:
            events = cursor.connection.execute(f"{EVENTS} ORDER BY position")
            Fold(cursor, "temp").run(events)
        except StackfoldError as error:
            return 0, str(error)
        differences = []
        for table in TABLES.names():
            for one, other in (("main", "temp"), ("temp", "main")):
                position = TABLES.position_of(table)
                ((first,),) = cursor.execute(
                    f"SELECT min({position}) FROM (SELECT * FROM {one}.{table} "
                    f"EXCEPT SELECT * FROM {other}.{table})"
                )
                if first is not None:
                    differences.append((first, f"reads differently in the read model {table!r}"))
        return min(differences, default=None)
