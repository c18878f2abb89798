"""What all objects in a cluster that run schedules have in common: times, and what pods need."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stackfold.application.schedules.views import ScheduleView
from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.domain.stacks.secret_references import parts
from stackfold.infrastructure.flavors.shared_log import STORE, log_problem, with_log
from stackfold.infrastructure.schedules.system_timers import must_have_times
from stackfold.infrastructure.secrets.environment import variable_of

if TYPE_CHECKING:
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.domain.runs.pin import Pin

EACH_MINUTE = "* * * * *"


class Pods(NamedTuple):
    """What the pods of a schedule get beside the settings of their component."""

    image: str
    environment: Mapping[str, str]
    secret_variables: Mapping[str, str]
    """Variable → "name:key" of a secret in the cluster."""


class Component(NamedTuple):
    """The component whose settings the pods have."""

    flavor: str
    image: str | None
    environment: Mapping[str, str]
    secret_environment: Mapping[str, str]
    shares_files: bool
    """Whether its pods see the files of this machine."""


def command(view: ScheduleView) -> list[str]:
    """The command of the pods: the schedule by its id, which stays if it is renamed."""
    return ["python", "-m", "stackfold", "schedule", "run", view.id, "--once"]


def pin_of(view: ScheduleView, resolver: "StackResolver") -> "Pin":
    """Pin the stack of a schedule.

    Args:
        view: The schedule.
        resolver: Pins it.

    Raises:
        InvalidSchedule: It has no stack.
    """
    if view.stack is None:
        raise InvalidSchedule(
            f"schedule {view.name!r}",
            "has no stack, and in a pod another one may be active: update it with a stack",
        )
    return resolver.pin(view.stack)


def pods_of(component: Component, home: Path, store_secret: str | None) -> Pods:
    """Return the image and the variables of pods; `must_be_ready` checks them.

    Args:
        component: The component whose settings the pods have.
        home: The folder of the workspace.
        store_secret: The "name:key" of a secret with the address of the log.
    """
    environment = with_log(component.environment, home, component.shares_files)
    secrets = {STORE: store_secret} if store_secret else {}
    if STORE in {**component.secret_environment, **secrets}:
        environment.pop(STORE, None)
    image = component.image or ("python" if component.shares_files else "")
    return Pods(image, environment, secrets)


def must_be_ready(
    view: ScheduleView, pin: "Pin", component: Component, pods: Pods, home: Path, object: str
) -> None:
    """Check that pods can read the log, and have an image and the secrets of the stack.

    Args:
        view: The schedule.
        pin: Its stack.
        component: The component whose settings the pods have.
        pods: Of `pods_of`.
        home: The folder of the workspace.
        object: What creates the pods, such as "a CronJob".

    Raises:
        InvalidSchedule: They cannot, or have not.
    """
    title = f"schedule {view.name!r}"
    given = {**component.secret_environment, **pods.secret_variables}
    shares_files = component.shares_files
    if STORE not in given and (problem := log_problem(pods.environment, home, shares_files)):
        raise InvalidSchedule(title, f"cannot be run by {object}: {problem}")
    if not pods.image:
        raise InvalidSchedule(
            title,
            f"cannot be run by {object} without an image: give the component "
            f"`{component.flavor}` one, by `image`, as nothing is built when {object} fires",
        )
    missing = [each for each in pin.secrets if variable_of(*parts(each)) not in given]
    if missing and not shares_files:
        raise InvalidSchedule(
            title,
            f"needs the secret {missing[0]} in the pods of {object}, which no program sends: give "
            f"{variable_of(*parts(missing[0]))} by secret_environment",
        )


# -- times


class ClusterTimes(NamedTuple):
    """Cron expressions that cover the times of a schedule; they may have more times."""

    cron: str
    zone: str
    """The IANA time zone of `cron`."""
    utc: str
    """An expression in UTC, for what has no time zones."""
    with_seconds: str
    """Six fields in UTC, of which the first is seconds, for what has these."""


def cluster_times(view: ScheduleView, object: str) -> ClusterTimes:
    """Return the times of a schedule as a cluster can express them.

    Args:
        view: The schedule.
        object: What has the times, such as "a CronJob".

    Raises:
        InvalidSchedule: It waits for events, or has an interval of less than a minute.
    """
    must_have_times(view, object)
    if view.once is not None:
        return _counted_from(view.once, _at)
    if view.every is not None and view.starts is not None and view.every % 60 == 0:
        return _counted_from(view.starts, partial(_at_intervals, view.every))
    cron, zone = EACH_MINUTE, "UTC"
    if view.cron is not None and (plain := _plain(view.cron)):
        cron, zone = plain, view.timezone
    utc = cron if zone == "UTC" else EACH_MINUTE
    return ClusterTimes(cron, zone, utc, f"0 {utc}")


def _counted_from(first: str, expression: Callable[[datetime], str]) -> ClusterTimes:
    """Times that begin with a time of a whole second, by an expression of a minute in UTC."""
    time = from_rfc3339(first).astimezone(UTC)
    # The first minute that has not begun before that time.
    cron = expression(time + timedelta(seconds=59))
    return ClusterTimes(cron, "UTC", cron, f"{time.second} {expression(time)}")


def _at(time: datetime) -> str:
    return f"{time.minute} {time.hour} {time.day} {time.month} *"


def _at_intervals(every: int, first: datetime) -> str:
    """Five fields that cover times at intervals of whole minutes.

    They have no other times if the interval divides an hour, a day in whole hours, or a week in
    whole days: 5 hours, which do not, are every hour.
    """
    minutes = _steps(first.minute, every // 60, range(60))
    hours = _steps(first.hour, every // 3600, range(24)) if every % 3600 == 0 else "*"
    weekday = first.isoweekday() % 7
    weekdays = _steps(weekday, every // 86400, range(7)) if every % 86400 == 0 else "*"
    return f"{minutes} {hours} * * {weekdays}"


def _steps(first: int, step: int, of: range) -> str:
    """A field with the numbers that are reached by steps, which go on at 0 after the last one."""
    between = gcd(step, len(of))
    return _listed({(first + each) % len(of) for each in range(0, len(of), between)}, of)


def _plain(cron: str) -> str | None:
    """The expression as Kubernetes reads it; None if it has no form for that.

    Where day and weekday are restricted, Kubernetes may create Jobs at more times than Debian's
    cron, and these do nothing.
    """
    from cronsim import CronSim

    times = CronSim(cron, datetime(2026, 1, 1))  # noqa: DTZ001  # only its fields are read
    weekdays = {day % 7 for day in times.weekdays if isinstance(day, int)}  # 7 is rejected
    if min(times.days) < 1 or any(not isinstance(day, int) for day in times.weekdays):
        return None  # such as the last day of the month
    fields = (
        (times.minutes, range(60)),
        (times.hours, range(24)),
        (times.days, range(1, 32)),
        (times.months, range(1, 13)),
        (weekdays, range(7)),
    )
    return " ".join(_listed(numbers, of) for numbers, of in fields)


def _listed(numbers: set[int], of: range) -> str:
    """A field of a cron expression with numbers, of all that it may have."""
    return "*" if {*of} <= numbers else ",".join(str(each) for each in sorted(numbers))
