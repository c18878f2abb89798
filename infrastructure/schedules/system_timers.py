"""Writes what lets cron or systemd run a schedule, instead of a process that waits.

Each runs `stackfold schedule run NAME --once`, which starts what is due and nothing else. So a line
may run it too often, such as where cron cannot express the time zone of the schedule.
"""

import re
import shlex
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from stackfold.application.schedules.views import ScheduleView, UnitFile
from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.rfc3339 import from_rfc3339

_PLAIN = re.compile(r"[0-9*,/\- ]+")
"""Cron expressions that every cron reads alike."""
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_EACH_MINUTE = "* * * * *"


class SystemTimers:
    """Writes the lines and files for the log of a workspace."""

    def __init__(self, home: str, store: str | None) -> None:
        """Create it.

        Args:
            home: The folder of the log.
            store: The address of a shared log, which may contain a password, so it is not printed.
        """
        self._home, self._store = home, store

    def crontab(self, view: ScheduleView) -> str:
        """The lines for a crontab of this machine; see `Schedules.crontab`."""
        must_have_times(view, "cron")
        words = self._words(view)
        command = " ".join(map(shlex.quote, words))
        if not self._store:
            command = f"STACKFOLD_HOME={shlex.quote(self._home)} {command}"
        # cron takes a % for the end of the line.
        line = f"{_cron_times(view)} {command.replace('%', chr(92) + '%')}"
        remarks = [f"# Stackfold schedule {view.name}: {view.when}"]
        if self._store:
            remarks.append("# needs the address of the log: write STACKFOLD_STORE=... above")
        return "\n".join([*remarks, line])

    def systemd(self, view: ScheduleView) -> tuple[UnitFile, UnitFile]:
        """The service and the timer, of a user or the system; see `Schedules.systemd`."""
        must_have_times(view, "systemd")
        command = " ".join(map(_quoted, self._words(view)))
        unit = f"stackfold-{_escaped(view.name)}"
        log = [f"Environment={_quoted('STACKFOLD_HOME=' + self._home)}"]
        if self._store:
            remark = "# The file has a line STACKFOLD_STORE=..., and is readable by its owner only."
            log = [remark, "EnvironmentFile=%h/.config/stackfold.env"]
        description = f"Description=Stackfold schedule {view.name}"
        # The colon keeps systemd from replacing variables.
        service = ["[Unit]", description, "", "[Service]", "Type=oneshot", *log]
        service += [f"ExecStart=:{command}"]
        timer = ["[Unit]", description, "", "[Timer]"]
        timer += [f"OnCalendar={each}" for each in _calendar(view)]
        timer += ["AccuracySec=1s", f"Persistent={'false' if view.catch_up == 'none' else 'true'}"]
        timer += ["", "[Install]", "WantedBy=timers.target"]
        return (
            UnitFile(f"{unit}.service", "\n".join(service) + "\n"),
            UnitFile(f"{unit}.timer", "\n".join(timer) + "\n"),
        )

    def _words(self, view: ScheduleView) -> list[str]:
        words = [sys.executable, "-m", "stackfold", "schedule", "run", view.name, "--once"]
        for text in (*words, self._home):
            if not text.isprintable():
                raise InvalidSchedule(f"the path {text!r:.200}", "contains a control character")
        return words


def must_have_times(view: ScheduleView, program: str) -> None:
    """Check that a program that is exact to the minute can run a schedule.

    Args:
        view: The schedule.
        program: Its name in messages.

    Raises:
        InvalidSchedule: It waits for events, or its interval is shorter.
    """
    if view.trigger is not None:
        raise InvalidSchedule(
            f"schedule {view.name!r}",
            "waits for events: `stackfold reactions run start-schedules` starts its runs",
        )
    if view.every is not None and view.every < 60:
        raise InvalidSchedule(
            f"schedule {view.name!r}",
            f"has an interval of {view.every} s, and {program} is exact to the minute: "
            "use `stackfold schedule run`",
        )


# -- cron


def _cron_times(view: ScheduleView) -> str:
    if view.once is not None:
        # The first minute that has not begun before that time.
        local = (from_rfc3339(view.once) + timedelta(seconds=59)).astimezone()
        return f"{local.minute} {local.hour} {local.day} {local.month} *"
    if view.cron is None or not _PLAIN.fullmatch(view.cron):
        return _EACH_MINUTE
    differences = _differences(view.timezone)
    if differences == {timedelta()}:
        return view.cron
    if all(each % timedelta(hours=1) == timedelta() for each in differences):
        return f"{view.cron.split(' ')[0]} * * * *"
    return _EACH_MINUTE


def _differences(timezone: str) -> set[timedelta]:
    """By how much the clock of a time zone differs from that of this machine, in the next years."""
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    begin = datetime.now(UTC)
    moments = (begin + timedelta(days=7 * week) for week in range(2 * 52))
    return {_offset(each.astimezone(zone)) - _offset(each.astimezone()) for each in moments}


def _offset(time: datetime) -> timedelta:
    return time.utcoffset() or timedelta()


# -- systemd


def _calendar(view: ScheduleView) -> list[str]:
    """The times as calendar events of systemd."""
    if view.once is not None:
        return [f"{from_rfc3339(view.once).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"]
    if view.cron is None:
        return ["*-*-* *:*:00"]
    from cronsim import CronSim

    cron = CronSim(view.cron, datetime(2026, 1, 1))  # noqa: DTZ001  # only its fields are read
    minutes, hours = _listed(cron.minutes, range(60)), _listed(cron.hours, range(24))
    plain = min(cron.days) > 0
    if not plain or not all(isinstance(day, int) for day in cron.weekdays):
        return [f"*-*-* *:{minutes}:00"]  # such as the last day of the month
    months = _listed(cron.months, range(1, 13))
    days = _listed(cron.days, range(1, 32))
    names = [name for number, name in enumerate(_DAYS) if {number, number or 7} & {*cron.weekdays}]
    week = "" if len(names) == 7 else f"{','.join(names)} "
    time = f"{hours}:{minutes}:00 {view.timezone}"
    if cron.day_and or not week or days == "*":
        return [f"{week}*-{months}-{days} {time}"]
    return [f"{week}*-{months}-* {time}", f"*-{months}-{days} {time}"]


def _listed(numbers: set[int], of: range) -> str:
    return "*" if {*of} <= numbers else ",".join(f"{each:02}" for each in sorted(numbers))


def _quoted(text: str) -> str:
    """A text as one word of a unit file."""
    for each, escape in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%")):
        text = text.replace(each, escape)
    return f'"{text}"'


def _escaped(name: str) -> str:
    """A name as a part of the name of a unit."""
    return "".join(
        each if each.isascii() and (each.isalnum() or each in "_.-") else _bytes(each)
        for each in name
    )


def _bytes(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode())
