"""The process that executes the run of a schedule: says which run it started, or why none."""

import json
import sys
from typing import TextIO

from stackfold.domain.errors import AlreadyStarted, LogUnavailable, RunFailed, StackfoldError
from stackfold.infrastructure.system.answering_process import FirstLine
from stackfold.infrastructure.workspace import Workspace


def main(given: TextIO) -> None:
    """Start a run, and execute it.

    Args:
        given: JSON with the home, store, actor, correlation id, schedule and time.
    """
    from stackfold.application.schedules.starting import start

    request = json.load(given)
    first = FirstLine()
    try:
        if not request["store"] and not Workspace.exists(request["home"]):
            raise LogUnavailable(request["home"], "is in memory: no other process can read it")
        actor, correlation_id = request["actor"], request["correlation_id"]
        with (
            Workspace.open(request["home"], request["store"], actor=actor) as ws,
            ws.acting_as(actor, correlation_id=correlation_id),
        ):
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
