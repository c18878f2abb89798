"""The log in PostgreSQL: the contract of logs."""

import psycopg
import pytest
from contracts.log import LogContract

from stackfold.infrastructure.database.postgres import PostgresDatabase
from stackfold.infrastructure.eventstore.wiring import EventStoreComponents
from stackfold.infrastructure.system.database_url import parse_database_url


class TestInPostgres(LogContract):
    @pytest.fixture
    def url(self, postgres):
        with postgres.lent() as url:
            yield url

    @pytest.fixture
    def database(self, url):
        database = PostgresDatabase.open(parse_database_url(url))
        yield database
        database.close()

    @pytest.fixture
    def log(self, database):
        log = EventStoreComponents(database).log
        log.create_tables()
        return log

    @pytest.fixture
    def rows(self, database, log):
        def rows(table):
            columns = [
                name
                for (name,) in database.read(
                    "SELECT column_name FROM information_schema.columns "
                    "WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
                    ["stackfold", table],
                )
            ]
            found = database.read(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
            return [dict(zip(columns, row, strict=True)) for row in found]

        return rows

    @pytest.fixture
    def execute(self, url, log):
        def execute(statement):
            with psycopg.connect(url, options="-c search_path=stackfold") as connection:
                connection.execute(statement.encode())

        return execute
