"""Starts the run of a schedule for one of its times, in this process."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from stackfold.application.runs.launcher import RunLauncher, RunRequest
from stackfold.application.runs.progress import ProgressListener
from stackfold.application.schedules.planning import PipelineLoader, converted
from stackfold.application.schedules.queries import ScheduleQueries
from stackfold.domain.errors import AlreadyStarted, ConcurrentModification, RunBusy
from stackfold.domain.pipelines.run_configuration import configuration_of
from stackfold.domain.runs.start_facts import Occurrence

if TYPE_CHECKING:
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.domain.runs.environment import Environment


class StartServices(Protocol):
    """What a run is started with."""

    @property
    def pipelines(self) -> PipelineLoader:
        """Loads pipelines."""
        ...

    @property
    def resolver(self) -> "StackResolver":
        """Pins stacks."""
        ...

    @property
    def launcher(self) -> RunLauncher:
        """Executes graphs on pinned stacks."""
        ...

    def environment(self) -> "Environment":
        """Describe this Python, platform and its packages."""
        ...


def start(
    queries: ScheduleQueries,
    services: StartServices,
    id: str,
    time: str,
    listener: ProgressListener,
    recorded: Callable[[], bool],
) -> str:
    """Start the run of a schedule for a time, and return its id when it has completed.

    Args:
        queries: Reads schedules.
        services: Load and execute pipelines.
        id: The schedule.
        time: RFC 3339, UTC; or "#" and the position of an event.
        listener: Receives progress events.
        recorded: Returns whether the run was recorded, as its listener knows.

    Raises:
        AlreadyStarted: There is a run for that time.
        StackfoldError: The run could not be started, and nothing is recorded.
        RunFailed: A step raised; its exception is the cause.
    """
    row = queries.one(id).row
    occurrence = Occurrence(schedule=UUID(id), time=time)
    if queries.was_started(id, time):
        raise AlreadyStarted(row.name, time, str(occurrence.run))
    pipeline = services.pipelines.load(row.source, row.import_root)
    chosen = configuration_of(dict(row.configuration))
    graph = pipeline.graph_for(converted(pipeline, row.parameters), chosen)
    pin = services.resolver.pin(row.stack)
    request = RunRequest(
        graph,
        pin,
        f"Schedule {row.name!r}, {time}",
        services.environment(),
        listener=listener,
        occurrence=occurrence,
        metadata={"schedule": row.name, "scheduled_for": time},
    )
    try:
        return services.launcher.start(request)
    except (RunBusy, ConcurrentModification) as error:
        if recorded():
            raise
        raise AlreadyStarted(row.name, time, str(occurrence.run)) from error
