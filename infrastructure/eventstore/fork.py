"""Creating a log: with its first events, or as a copy; as a whole, or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stackfold.domain.errors import ContradictoryEvents, LogExists, LogUnavailable
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.eventstore.hash_chain import Head, Record
from stackfold.infrastructure.system.drafts import delete_abandoned, draft_of
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.system.private_files import make_folder


@contextmanager
def draft(path: Path) -> Iterator[Database]:
    """A new database that becomes the log at `path` when the block ends, unless there is one.

    It is made under another name and linked into place, so that nobody ever sees a part of it,
    and of several processes exactly one makes it.

    Raises:
        LogExists: There is a log by now; it stays as it is.
        LogUnavailable: The folder cannot be written.
    """
    delete_abandoned(path.parent)
    if os.path.isfile(path):  # which, unlike Path's, raises nothing where nobody may look
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
            raise LogUnavailable(str(path), "cannot be created: something is in its way") from None
        raise LogExists(str(path)) from None
    except LogUnavailable as error:
        # Of the log, not of its draft.
        raise LogUnavailable(str(path), error.problem) from error
    except OSError as error:
        problem = f"cannot be created: {error.strerror}; set STACKFOLD_HOME to another folder"
        raise LogUnavailable(str(path), problem) from error


def create_log(path: Path) -> None:
    """Create the log at `path` with its first events, unless another process is faster.

    Raises:
        LogUnavailable: The folder cannot be written.
    """
    try:
        with draft(path) as database:
            begin(database)
    except LogExists:
        return


def begin(database: Database) -> None:
    """Make an empty database a log with its first events, unless another process is faster.

    Raises:
        LogUnavailable: It cannot be written.
    """
    from stackfold.application.stacks.bootstrap import seed
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents

    with database.write() as cursor:
        if database.version(cursor):
            return
        parts = EventStoreComponents(database)
        parts.log.create_tables()
        seed(parts.repository)


def fork(database: Database, upto: int | None, home: Path) -> Head:
    """Create a home with the log up to a position; returns its head.

    Raises:
        LogExists: The home has a log already.
        LogUnavailable: It cannot be created.
    """
    from stackfold.infrastructure.eventstore.records import records

    with draft(home / LOG_FILE) as copy:
        return fill(copy, records(database, upto=upto))


def fill(database: Database, copied: Iterable[Record]) -> Head:
    """Make an empty database a log of these records, or leave it empty; returns its head.

    Warns:
        LogContradicts: Events of the log exclude each other.

    Raises:
        LogExists: It is a log by now.
        ContradictoryEvents: They are no log's: too many of them are of the same revisions.
    """
    from stackfold.infrastructure.eventstore.log_tables import copy
    from stackfold.infrastructure.eventstore.rebuild import fold_copied, report
    from stackfold.infrastructure.eventstore.records import head
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents

    try:
        with database.write() as cursor:
            if database.version(cursor):
                raise LogExists(database.place)
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
