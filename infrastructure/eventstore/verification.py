"""Verifies that the log was not changed, and that the read models agree with it."""

from collections.abc import Iterator
from typing import NamedTuple

from stackfold.domain.errors import (
    AggregateSkipped,
    LogUnavailable,
    StackfoldWarning,
    UnreadableEvent,
)
from stackfold.infrastructure.database.protocol import Cursor, Database, Fault
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.eventstore.hash_chain import (
    BEGINNING,
    START,
    Record,
    chained,
    parse_head,
)
from stackfold.infrastructure.eventstore.packaged_read_models import PackagedReadModels
from stackfold.infrastructure.eventstore.rebuild import Fold, Progress, events, report
from stackfold.infrastructure.eventstore.records import PAGE, head, records


class Verification(NamedTuple):
    """The result of verifying a log."""

    events: int
    """The number of intact events before the first problem."""
    head: str
    """The last intact position and its hash, as "POSITION:HASH"."""
    position: int | None = None
    """The position of the first problem; None if there is none, or it has no position."""
    problem: str | None = None
    """The first problem; None if there is none."""
    log_intact: bool = False
    """Whether the log itself is intact, so that a rebuild fixes the problem."""
    remedy: str = "the log can still be read"
    """What to do about the problem, or what is not affected by it."""

    @property
    def intact(self) -> bool:
        """Whether there is no problem."""
        return self.problem is None


def verify(
    database: Database, known: str | None = None, progress: Progress | None = None
) -> Verification:
    """Verify that the log was not changed, and that everything derived from it agrees with it.

    Checks, in this order: that indexes agree with tables; the hash chain; the database's own check;
    that the read models equal rebuilt ones; that no events contradict each other; that no index or
    trigger is missing. The first problem is reported.

    Args:
        database: Holds the log.
        known: A head that was stored earlier, as "POSITION:HASH".
        progress: Called with the number of events that are done.

    Raises:
        Invalid: `known` has another format.
    """
    noted = parse_head(known) if known else START
    with database.apart(reading=True) as own:
        return _verified(own, noted, progress)


def _verified(
    database: Database, noted: tuple[int, bytes], progress: Progress | None
) -> Verification:
    fault = _lying_index(database)
    found = verify_chain(database, *noted, progress)
    if fault is None and not found.intact:
        return found
    if fault is None:
        fault = database.damage()
    if fault is None:
        skipped: list[StackfoldWarning] = []
        difference = database.consistently(lambda: _verify_read_models(database, skipped))
        report(skipped)
        if difference is not None:
            return found._replace(**difference._asdict())
        fault = database.missing()
    if fault is not None:
        return found._replace(position=fault.position, problem=fault.problem, remedy=fault.remedy)
    return found


def _lying_index(database: Database) -> Fault | None:
    try:
        return database.lying_index()
    except LogUnavailable:
        # Verifying the chain finds the event that cannot be read.
        return None


def verify_chain(
    database: Database,
    noted: int = 0,
    noted_hash: bytes = BEGINNING,
    progress: Progress | None = None,
) -> Verification:
    """Recompute the hash chain, as the first half of `verify`."""
    last = Record(0, 0, "", "", 0, "", b"", BEGINNING)
    problem: str | None
    for record in _readable(database):
        if record is None:
            problem = "cannot be read: the file is damaged there"
            return Verification(last.position, _head(last), last.position + 1, problem)
        problem = _problem(last, record)
        if problem is None and record.position == noted and record.hash != noted_hash:
            problem = "is not the event of the given head"
        if problem is not None:
            return Verification(last.position, _head(last), last.position + 1, problem)
        last = record
        if progress and not last.position % 2000:
            progress(last.position)
    if last.position < noted:
        problem = f"is missing: the log was cut off, it once had #{noted}"
        return Verification(last.position, _head(last), last.position + 1, problem)
    return Verification(last.position, _head(last))


def verify_end(database: Database, count: int) -> Verification:
    """Recompute the hashes of the last events only, each from the recorded one before it.

    Args:
        database: Holds the log.
        count: The number of events.
    """
    after = max(0, head(database).position - count)
    last = Record(0, 0, "", "", 0, "", b"", BEGINNING)
    for record in records(database, after - 1, after):
        last = record
    first = last.position
    for record in records(database, after):
        if problem := _problem(last, record):
            return Verification(last.position - first, _head(last), last.position + 1, problem)
        last = record
    return Verification(last.position - first, _head(last))


def _readable(database: Database) -> Iterator[Record | None]:
    """The records; ends with None where the database cannot read one."""
    after = -(2**63)
    for page_size in (PAGE, 1):
        # The records of a page that cannot be read are read one by one, to find the damaged one.
        try:
            for record in records(database, after, page_size=page_size):
                yield record
                after = record.position
        except LogUnavailable:
            continue
        return
    yield None


def _problem(last: Record, record: Record) -> str | None:
    if record.position > last.position + 1:
        return "is missing"
    try:
        follows = record.position == last.position + 1
        if follows and chained(last.hash, *record[:-1]) == record.hash:
            return None
    except TypeError:
        # A column contains a value of another type.
        pass
    return "was changed, or belongs to another log: its hash does not match"


def _head(record: Record) -> str:
    return f"{record.position}:{record.hash.hex()}"


READABLE = "the log can still be read"
REBUILD = "the log itself is intact: `stackfold log rebuild` recreates the read models"


_NOWHERE = 2**63 - 1
"""The position of a difference that has none, after all others."""


class _Difference(NamedTuple):
    position: int
    problem: str
    log_intact: bool = True
    remedy: str = REBUILD


def _verify_read_models(database: Database, skipped: list[StackfoldWarning]) -> _Difference | None:
    """The first position at which the read models differ from rebuilt ones, and how.

    Args:
        database: Holds the read models.
        skipped: Receives the read models of packages that could not be verified.
    """
    skipped.clear()
    with database.look() as cursor:
        tables = ReadModelTables(database.aggregates)
        tables.create(cursor, database.temp)
        fold = Fold(database, cursor, database.temp)
        try:
            fold.run(events(database))
        except UnreadableEvent as error:
            problem = f"cannot be loaded: {error.reason}"
            return _Difference(error.position or 0, problem, False, READABLE)
        by_table = database.by_table(cursor)
        differences = [*_differences(database, cursor, tables, by_table)]
        contradictions = fold.contradictions.all()
        for declared in PackagedReadModels(database).verifiable(skipped):
            tables = ReadModelTables.of(declared)
            tables.create(cursor, database.temp)
            cursor.execute("SAVEPOINT packaged")
            try:
                Fold(database, cursor, database.temp, declared.topic).run(
                    events(database, declared.topic)
                )
            except Exception as error:
                # The code of a package may raise anything.
                cursor.execute("ROLLBACK TO packaged")
                line = " ".join(f"{type(error).__name__}: {error}".split())
                skipped.append(AggregateSkipped(declared.topic, line[:300]))
            else:
                differences += _differences(database, cursor, tables, by_table)
        if differences:
            least = min(differences)
            return least._replace(position=0) if least.position == _NOWHERE else least
        if contradictions:
            first, *more = contradictions
            remedy = f"{len(more)} more contradict others" if more else READABLE
            return _Difference(first.position, first.problem, True, remedy)
        return None


def _differences(
    database: Database, cursor: Cursor, tables: ReadModelTables, by_table: str
) -> Iterator[_Difference]:
    """The differences between tables and those of the same names in the temporary schema."""
    schemas = database.main, database.temp
    for table in tables.names():
        position = tables.position_of(table, database.main)
        for one, other in (schemas, schemas[::-1]):
            ((first,),) = cursor.execute(
                f"SELECT min(CAST({position} AS INTEGER)) FROM "
                f"(SELECT * FROM {one}.{table}{by_table} "
                f"EXCEPT SELECT * FROM {other}.{table}{by_table}) AS differing"
            )
            if first is not None:
                yield _Difference(first, f"differs in the read model {table!r}")
        ((one, other),) = cursor.execute(
            f"SELECT (SELECT count(*) FROM {schemas[0]}.{table}{by_table}), "
            f"(SELECT count(*) FROM {schemas[1]}.{table}{by_table})"
        )
        if one > other:
            # The least of the differences is reported: one with a position says more.
            yield _Difference(_NOWHERE, f"a row exists twice in the read model {table!r}")
