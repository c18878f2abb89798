"""The process that executes the run of a schedule: says which run it started, or why none."""

import json
import sys
from typing import NamedTuple, TextIO

from stackfold.domain.errors import AlreadyStarted, LogUnavailable, RunFailed, StackfoldError
from stackfold.infrastructure.system.answering_process import AnsweringProcess, FirstLine
from stackfold.infrastructure.workspace import Workspace


class Target(NamedTuple):
    """The log that a run belongs to."""

    home: str
    store: str | None


def started_process(target: Target, actor: str, schedule: str, time: str) -> AnsweringProcess:
    """Start the process for a time of a schedule.

    Args:
        target: The log.
        actor: Who runs the schedule.
        schedule: The id of the schedule.
        time: RFC 3339, UTC; or "#" and the position of an event.

    Raises:
        Unavailable: The system cannot start it.
    """
    request = {**target._asdict(), "actor": actor, "schedule": schedule, "time": time}
    return AnsweringProcess(__name__, request)


def main(given: TextIO) -> None:
    """Start a run, and execute it.

    Args:
        given: JSON with the home, store, actor, schedule and time.
    """
    from stackfold.application.schedules.starting import start

    request = json.load(given)
    first = FirstLine()
    try:
        if not request["store"] and not Workspace.exists(request["home"]):
            raise LogUnavailable(request["home"], "is in memory: no other process can read it")
        with Workspace.open(request["home"], request["store"], actor=request["actor"]) as ws:
            services = ws._services
            start(
                services.schedule_queries,
                services,
                request["schedule"],
                request["time"],
                first,
                lambda: first.said,
            )
    except AlreadyStarted as error:
        first.say(already=error.run)
    except RunFailed as error:
        # Recorded with the run, if there is one.
        first.say(problem=str(error))
        sys.exit(1)
    except StackfoldError as error:
        first.say(problem=str(error))
        sys.exit(1)
    except Exception as error:
        first.say(problem=f"unexpected {type(error).__name__}: {error}")
        raise
