"""Creates a log atomically: with its first events, or as a copy of another log."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stackfold.application.eventsourcing.acting import Acting
from stackfold.domain.errors import ContradictoryEvents, LogExists, LogUnavailable
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.eventstore.hash_chain import Head, Record
from stackfold.infrastructure.system.drafts import delete_abandoned, draft_of
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.system.private_files import make_folder


@contextmanager
def draft(path: Path) -> Iterator[Database]:
    """Yield a new database that becomes the log at `path` when the block ends.

    It is created under another name and linked into place, so that the log appears as a whole, and
    exactly one of several processes creates it: see decision 0005.

    Raises:
        LogExists: There is already a log, which is not changed.
        LogUnavailable: The folder cannot be written to.
    """
    delete_abandoned(path.parent)
    if os.path.isfile(path):  # raises nothing in a folder without access, unlike Path.is_file
        raise LogExists(str(path))
    try:
        make_folder(path.parent)
        with draft_of(path) as (temporary, _):
            database = SqliteDatabase.create(temporary)
            try:
                yield database
            finally:
                database.close()
            os.link(temporary, path)
            _sync(path.parent)
    except FileExistsError:
        if not os.path.isfile(path):
            raise LogUnavailable(str(path), "cannot be created: a folder has its name") from None
        raise LogExists(str(path)) from None
    except LogUnavailable as error:
        # The message must name the log, not its draft.
        raise LogUnavailable(str(path), error.problem) from error
    except OSError as error:
        problem = f"cannot be created: {error.strerror}; set STACKFOLD_HOME to another folder"
        raise LogUnavailable(str(path), problem) from error


def create_log(path: Path, acting: Acting | None = None) -> None:
    """Create the log at `path` with its first events, unless another process is faster.

    Args:
        path: The file.
        acting: Knows who acts; None for the user who runs the process.

    Raises:
        LogUnavailable: The folder cannot be written to.
    """
    try:
        with draft(path) as database:
            begin(database, acting)
    except LogExists:
        return


def begin(database: Database, acting: Acting | None = None) -> None:
    """Create a log with its first events in an empty database, unless another process is faster.

    Args:
        database: The database.
        acting: Knows who acts; None for the user who runs the process.

    Raises:
        LogUnavailable: The database cannot be written.
    """
    from stackfold.application.stacks.bootstrap import seed
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents

    with database.write() as cursor:
        if database.version(cursor):
            return
        parts = EventStoreComponents(database, acting)
        parts.log.create_tables()
        seed(parts.repository)


def fork(database: Database, upto: int | None, home: Path) -> Head:
    """Create a home with the log up to a position; returns its head.

    Raises:
        LogExists: The home already has a log.
        LogUnavailable: The log cannot be created.
    """
    from stackfold.infrastructure.eventstore.records import records

    with draft(home / LOG_FILE) as copy:
        return fill(copy, records(database, upto=upto))


def fill(database: Database, copied: Iterable[Record]) -> Head:
    """Create a log of records in an empty database, or leave it empty; returns the head.

    Warns:
        LogContradicts: Events of the log contradict each other.

    Raises:
        LogExists: The database already has a log.
        ContradictoryEvents: Too many of the records have the same revisions.
    """
    from stackfold.infrastructure.database.log_tables import copy
    from stackfold.infrastructure.eventstore.rebuild import fold_copied, report
    from stackfold.infrastructure.eventstore.records import head
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents

    try:
        with database.write() as cursor:
            if database.version(cursor):
                raise LogExists(database.location)
            EventStoreComponents(database).log.create_tables()
            copy(cursor, database, copied)
            contradictions = fold_copied(database, cursor)
            end = head(database)
    except database.conflict as error:
        raise ContradictoryEvents(str(error)) from error
    report(contradictions)
    return end


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
