"""Where in the log a point in the past is."""

from stackfold.application.moments import AsOf, Position, RunStart, Time, moment
from stackfold.domain.errors import Ambiguous, NotFound, OutsideLog
from stackfold.infrastructure.database import Database
from stackfold.infrastructure.text import encodable


def position_of(database: Database, as_of: AsOf) -> int | None:
    """The last position that belongs to a point in the past; None for now.

    Raises:
        InvalidMoment: It is written in no known form.
        OutsideLog: The log had not begun yet, or ends before that position.
        NotFound: There is no such run.
    """
    if as_of is None:
        return None
    match moment(as_of):
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
    run = encodable(run)
    # Ids are lower-case hexadecimal and hyphens, all of which sort before "g".
    rows = database.read(
        "SELECT originator_id, position FROM events WHERE originator_id >= ? "
        "AND originator_id < ? AND topic = 'run.started' LIMIT 10",
        (run, f"{run}g"),
    )
    if not rows:
        raise NotFound("run", run, "give its id, or the beginning of it")
    if len(rows) > 1:
        raise Ambiguous("run", run, [id for id, _ in rows])
    return int(rows[0][1])


def _last(database: Database) -> int:
    ((last,),) = database.read("SELECT coalesce(max(position), 0) FROM events")
    return int(last)


def _outside(database: Database, given: str) -> OutsideLog:
    ((first,),) = database.read("SELECT min(recorded_at) FROM events")
    return OutsideLog(given, first, _last(database))
