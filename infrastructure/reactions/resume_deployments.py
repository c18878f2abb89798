"""The built-in reaction that finishes starts and updates whose process was killed."""

from stackfold.application.history.views import LogEvent
from stackfold.application.reactions.reaction import Delivery, Postponed, Reaction, Retries
from stackfold.domain.errors import Busy, DeploymentFailed, NotFound

_AGAIN = 2.0
"""Seconds between two looks at a start that a process is working on."""
_WHY = "Resumed: the process that started it was killed"


def resume(event: LogEvent, delivery: Delivery) -> None:
    """Finish the start or update of an event, unless it ended or a process works on it."""
    try:
        delivery.workspace.deployments.resume(event.id, why=_WHY)
    except NotFound:  # it was deleted
        return
    except DeploymentFailed:  # which is recorded
        return
    except Busy:
        raise Postponed(_AGAIN) from None


RESUME_DEPLOYMENTS = Reaction(
    "resume-deployments",
    resume,
    [
        *("deployment.registered", "deployment.start_requested"),
        *("deployment.update_requested", "deployment.switched"),
    ],
    retries=Retries(attempts=5),
    ordered=False,
    from_start=True,
    untyped=True,
)
"""One start does not wait for another. It begins with the first event: a deployment may have been
left unfinished before a worker was run."""
