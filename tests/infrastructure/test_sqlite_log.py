"""The log in SQLite: the contract of logs, in a file and in memory, and features of SQLite."""

import sqlite3

import pytest
from contracts.log import LogContract, alerter
from workspaces import stack, store

from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.eventstore.wiring import EventStoreComponents
from stackfold.infrastructure.workspace import Workspace


class InSQLite(LogContract):
    @pytest.fixture
    def log(self, database):
        log = EventStoreComponents(database).log
        log.create_tables()
        return log

    @pytest.fixture
    def rows(self, database, log):
        def rows(table):
            columns = [name for _, name, *_ in database.read(f"PRAGMA table_info({table})")]
            found = database.read(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
            return [dict(zip(columns, row, strict=True)) for row in found]

        return rows

    @pytest.fixture
    def execute(self, database, log):
        def execute(statement):
            with database.write() as cursor:
                cursor.execute(statement)

        return execute


class TestInMemory(InSQLite):
    @pytest.fixture
    def database(self):
        database = SqliteDatabase.in_memory()
        yield database
        database.close()


class TestInAFile(InSQLite):
    @pytest.fixture
    def database(self, tmp_path):
        database = SqliteDatabase.create(tmp_path / "log.sqlite")
        yield database
        database.close()

    @pytest.fixture
    def execute(self, tmp_path, log):
        def execute(statement):
            connection = sqlite3.connect(tmp_path / "log.sqlite")
            try:
                with connection:
                    connection.execute(statement)
            finally:
                connection.close()

        return execute

    def test_readers_continue_during_a_write(self, tmp_path, database, append):
        append(alerter("a"))
        reader = SqliteDatabase.open(tmp_path / "log.sqlite")
        with database.write() as cursor:
            cursor.execute("CREATE TABLE unfinished (x)")
            assert reader.read("SELECT count(*) FROM events") == [(1,)]
            assert reader.read("SELECT name FROM components") == [("a",)]
        reader.close()

    def test_a_commit_is_on_the_disk_before_it_is_acknowledged(self, database, log):
        assert database.read("PRAGMA journal_mode") == [("wal",)]
        assert database.read("PRAGMA synchronous") == [(2,)]  # FULL


def test_registering_a_stack_costs_the_same_however_many_there_are():
    def steps(ws, name):
        counted = []
        connection = ws._database._connection
        connection.set_progress_handler(lambda: counted.append(1) and None, 5)
        stack(ws, name, artifact_store="lake")
        connection.set_progress_handler(None, 0)
        return len(counted)

    with Workspace.in_memory() as ws:
        store(ws, "lake")
        first = steps(ws, "first")
        for number in range(100):
            ws.stacks.copy("first", f"s{number}")
        assert steps(ws, "last") < 1.5 * first
