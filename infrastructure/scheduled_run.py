"""The process that executes the run of a schedule, and answers which run it started, or why not."""

import json
from typing import TextIO

from stackfold.domain.errors import AlreadyStarted, LogUnavailable
from stackfold.infrastructure.system.answering_process import answering
from stackfold.infrastructure.workspace import Workspace


def main(given: TextIO) -> None:
    """Start a run, and execute it.

    Args:
        given: JSON with the home, store, actor, correlation id, schedule and time.
    """
    from stackfold.application.schedules.starting import start

    request = json.load(given)
    with answering() as answer:
        if not request["store"] and not Workspace.exists(request["home"]):
            raise LogUnavailable(request["home"], "is in memory: no other process can read it")
        actor, correlation_id = request["actor"], request["correlation_id"]
        with (
            Workspace.open(request["home"], request["store"], actor=actor) as ws,
            ws.acting_as(actor, correlation_id=correlation_id),
        ):
            services = ws._services
            try:
                start(
                    services.schedule_queries,
                    services,
                    request["schedule"],
                    request["time"],
                    answer,
                    lambda: answer.is_sent,
                )
            except AlreadyStarted as error:
                answer.send(already=error.run)
