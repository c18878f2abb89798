"""Finds and opens the log: a file in the home, or a shared database."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.domain.errors import HomeWritable, LogUnavailable, PermissionDenied
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.system.drafts import delete_abandoned
from stackfold.infrastructure.system.home import (
    LOG_FILE,
    SECRETS_FOLDER,
    Project,
    find_project,
    home_folder,
)
from stackfold.infrastructure.system.private_files import others_may_write

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.acting import Acting
    from stackfold.infrastructure.database.postgres import PostgresDatabase
    from stackfold.infrastructure.eventstore.hash_chain import Head


def chosen_store(project: Project | None, home: Path | None = None) -> str | None:
    """The address of the shared log: `STACKFOLD_STORE`, or that of the project.

    Args:
        project: The current project.
        home: The home with the list of trusted addresses; None for that of the user.

    Raises:
        UntrustedStore: The project names an address that is not trusted.
        Invalid: The project names an invalid address.
    """
    given = os.environ.get("STACKFOLD_STORE")
    if given or project is None or not project.store:
        return given or None
    from stackfold.infrastructure.system.trust import require_trusted_store

    require_trusted_store(project.folder, project.store, home)
    return project.store


def exists(home: Path | None = None) -> bool:
    """Whether there is a log, as far as that is known without connecting to a server.

    Args:
        home: The folder of a local log; None for the log that is opened by default.
    """
    if home is not None:
        return os.path.exists(home / LOG_FILE)
    return bool(chosen_store(find_project())) or os.path.exists(home_folder() / LOG_FILE)


def open_log(home: Path, store: str | None, acting: "Acting | None" = None) -> Database:
    """Open the database with the log, which the first use creates.

    Args:
        home: The folder of a local log.
        store: The address of a shared log, which takes precedence; None for a local log.
        acting: Knows who creates the log; None for the user who runs the process.

    Raises:
        Invalid: The address is invalid.
        LogUnavailable: The log cannot be opened or created.
    """
    for folder in (home, home / SECRETS_FOLDER):
        delete_abandoned(folder)
    if others_may_write(home):
        warnings.warn(HomeWritable(str(home)), stacklevel=3)
    if store:
        return _ready(_shared(store), acting)
    path = home / LOG_FILE
    if not os.path.exists(path):  # raises nothing in a folder without access, unlike Path.exists
        from stackfold.infrastructure.eventstore.fork import create_log

        create_log(path, acting)
    return _ready(SqliteDatabase.open(path), acting)


def _ready(database: Database, acting: "Acting | None") -> Database:
    """Create or upgrade the log if necessary; closes the database if that fails."""
    try:
        if database.empty:
            from stackfold.infrastructure.eventstore.fork import begin

            begin(database, acting)
        if database.outdated:
            _upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def _upgrade(database: Database) -> None:
    from stackfold.infrastructure.eventstore.rebuild import upgrade

    try:
        upgrade(database)
    except PermissionDenied as error:
        problem = "is of an older version: let its owner run any command, which upgrades it"
        raise LogUnavailable(database.location, problem) from error


def check_store(store: str) -> None:
    """Connect to a shared log and read from it, changing nothing.

    Raises:
        Invalid: The address is invalid.
        LogUnavailable: The database cannot be reached or entered, or has no log yet.
    """
    database = _shared(store)
    try:
        if database.empty:
            raise LogUnavailable(database.location, "has no log yet: run any command with it once")
    finally:
        database.close()


def import_into(store: str, path: Path) -> "Head":
    """Fill an empty shared database with the log in an exported file; returns its head.

    Raises:
        InvalidFile: The file is no export of this version, is damaged, or was cut off.
        LogExists: The database already has a log.
        LogUnavailable: The log cannot be created.
    """
    from stackfold.infrastructure.eventstore.export import load_into

    database = _shared(store)
    try:
        return load_into(database, path)
    finally:
        database.close()


def _shared(store: str) -> "PostgresDatabase":
    from stackfold.infrastructure.system.database_url import parse_database_url

    where = parse_database_url(store)
    try:
        from stackfold.infrastructure.database.postgres import PostgresDatabase
    except ImportError as error:
        problem = "needs a package that is not installed: pip install 'stackfold[postgres]'"
        raise LogUnavailable(where.location, problem) from error
    return PostgresDatabase.open(where)
