"""Decides which times of a schedule are started now, and which have passed without a run.

A time is accounted for once a run was started for it, or it is recorded that none was. What is
decided here depends on the log and the clock only, so that any process can continue for another.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from stackfold.domain.schedules.times import Times

GRACE = timedelta(minutes=5)
"""How late a time may be that is no missed one: a machine was busy, or a timer fired late."""
MOST = 10_000
"""The most times without a run that are counted."""


class Window(NamedTuple):
    """When a run of the schedule was running."""

    started: datetime
    ended: datetime | None
    """None while it is running."""


class State(NamedTuple):
    """What a decision depends on, besides the clock."""

    times: Times
    catch_up: str
    catch_up_limit: int
    overlap: str
    accounted: datetime
    """The times up to this one are accounted for."""
    windows: Sequence[Window] = ()
    """The latest runs of the schedule."""


class Gap(NamedTuple):
    """Times in a row that have passed without a run."""

    reason: str
    """"missed" or "overlap"."""
    first: datetime
    last: datetime
    times: int


class Decision(NamedTuple):
    """What to do now."""

    passed: Sequence[Gap] = ()
    """What to record, before anything is started."""
    start: Sequence[datetime] = ()
    """The times to start runs for, in order."""


NOTHING = Decision()


def decide(state: State, now: datetime) -> Decision:
    """Decide what to do about the times up to now that are not accounted for.

    Args:
        state: The schedule.
        now: The time.
    """
    skips = state.overlap == "skip"
    if skips and any(window.ended is None for window in state.windows):
        return NOTHING  # what passes meanwhile is recorded when it has ended, as one gap
    due = state.times.between(state.accounted, now, MOST)
    if not due:
        return NOTHING
    count = len(due)
    if count == MOST:
        latest = state.times.last(due[-1], now, MOST)
        due = sorted({due[0], *(latest or due[-1:])})
    overlapped = {each for each in due if skips and _within(each, state.windows)}
    waiting = [each for each in due if each not in overlapped]
    chosen = waiting[-(state.catch_up_limit if state.catch_up == "all" else 1) :]
    if state.catch_up == "none":
        chosen = [each for each in chosen if now - each <= GRACE]
    before = [each for each in due if not chosen or each < chosen[0]]
    gaps = _gaps(before, overlapped)
    if count == MOST and gaps:
        gaps[0] = gaps[0]._replace(times=max(MOST, gaps[0].times))
    return Decision(gaps, chosen[:1] if skips else chosen)


def _within(time: datetime, windows: Sequence[Window]) -> bool:
    return any(each.started <= time and each.ended and time <= each.ended for each in windows)


def _gaps(times: Sequence[datetime], overlapped: set[datetime]) -> list[Gap]:
    """Times as gaps, one for as many times in a row as have the same reason."""
    gaps: list[Gap] = []
    for time in times:
        reason = "overlap" if time in overlapped else "missed"
        if gaps and gaps[-1].reason == reason:
            gaps[-1] = gaps[-1]._replace(last=time, times=gaps[-1].times + 1)
        else:
            gaps.append(Gap(reason, time, time, 1))
    return gaps
