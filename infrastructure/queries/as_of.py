"""Resolves points in the past to positions in the log."""

from stackfold.application.eventsourcing.as_of import AsOf, Position, RunStart, Time, parse_as_of
from stackfold.domain.errors import Ambiguous, AsOfOutOfRange, NotFound
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.run_references import relative_run
from stackfold.infrastructure.queries.text import encodable


def position_of(database: Database, as_of: AsOf) -> int | None:
    """The last position up to a point in the past; None for now.

    Raises:
        InvalidAsOf: The point has an unknown format.
        AsOfOutOfRange: The point is before the first event, or after the last position.
        NotFound: There is no such run.
    """
    if as_of is None:
        return None
    match parse_as_of(as_of):
        case Position(number):
            if not 1 <= number <= _last(database):
                raise _outside(database, f"#{number}")
            return number
        case Time(text):
            rows = database.read(
                "SELECT position FROM events WHERE recorded_at <= ? "
                "ORDER BY recorded_at DESC, position DESC LIMIT 1",
                (text,),
            )
            if not rows:
                raise _outside(database, text)
            return int(rows[0][0])
        case RunStart(run):
            return _start_of(database, run)


def _start_of(database: Database, run: str) -> int:
    run = relative_run(database, run) or encodable(run)
    # Ids are lower-case hexadecimal digits and hyphens, all of which sort before "g". The log has
    # the ids of deleted runs as well; only existing runs are found by name.
    rows = database.read(
        "SELECT originator_id, position FROM events WHERE originator_id >= ? "
        "AND originator_id < ? AND topic = 'run.started' LIMIT 10",
        (run, f"{run}g"),
    ) or database.read(
        "SELECT t.name, e.position FROM runs AS t JOIN events AS e ON e.originator_id = t.id "
        "AND e.topic = 'run.started' WHERE substr(t.name, 1, length(?)) = ? "
        "ORDER BY t.name <> ?, t.name LIMIT 10",
        (run, run, run),
    )
    if not rows:
        raise NotFound("run", run, "give its name, its id, or the beginning of either")
    if len(rows) > 1 and rows[0][0] != run:
        raise Ambiguous("run", run, [which for which, _ in rows])
    return int(rows[0][1])


def _last(database: Database) -> int:
    ((last,),) = database.read("SELECT coalesce(max(position), 0) FROM events")
    return int(last)


def _outside(database: Database, given: str) -> AsOfOutOfRange:
    ((first,),) = database.read("SELECT min(recorded_at) FROM events")
    return AsOfOutOfRange(given, first, _last(database))
