"""Operations: schedules."""

from stackfold.application.history.views import HistoryEntry
from stackfold.application.schedules.views import ScheduleDescription, ScheduleView
from stackfold.web.api.listings import listing
from stackfold.web.api.operations import Call, Limit, Operations, Page, PageNumber, Past

SCHEDULES = Operations("schedules")


@SCHEDULES.get("/schedules")
def list_schedules(
    call: Call,
    *,
    name: str | None = None,
    state: str | None = None,
    stack: str | None = None,
    sort: str = "name",
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[ScheduleView]:
    """List schedules, with their next time and their last run.

    Args:
        name: Only the schedule of this name.
        state: Only those that are `enabled` or `paused`.
        stack: Only those of the stack of this name.
        sort: The field to sort by, after `-` for descending order.
    """
    return call.page(
        as_of,
        page,
        limit,
        lambda at, number, size: call.workspace.schedules.list(
            listing(sort, number, size, name=name, state=state, stack=stack),
            at if as_of else None,
        ),
    )


@SCHEDULES.get("/schedules/{schedule}")
def get_schedule(call: Call, *, schedule: str, as_of: Past = None) -> ScheduleDescription:
    """Get a schedule with its next times, and the latest ones with their runs.

    Args:
        schedule: The name, the id, or a unique prefix of either.
    """
    return call.workspace.schedules.describe(schedule, as_of)


@SCHEDULES.get("/schedules/{schedule}/history")
def get_schedule_history(
    call: Call, *, schedule: str, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get the changes of a schedule, and its times without a run, newest first.

    Args:
        schedule: The name or id; it may have been deleted.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    return [*call.workspace.schedules.history(schedule, limit, as_of=as_of)]
