"""The lines for cron and the units of systemd that run a schedule."""

import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from stackfold import Workspace
from stackfold.errors import InvalidSchedule
from stackfold.infrastructure.schedules.system_timers import SystemTimers

HOME = '/home/ada/my "lab" 100%'
ODD = SystemTimers(HOME, None)


@pytest.fixture
def schedule(ws):
    def create(name="nightly", **options):
        return ws.schedules.create(name, "train.py:train", check=False, **options)

    return create


@pytest.fixture
def local_time_is(monkeypatch):
    import time

    def choose(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield choose
    monkeypatch.undo()
    time.tzset()


def times_of(line):
    return line.splitlines()[-1].split(" STACKFOLD_HOME=")[0]


@pytest.mark.parametrize(
    ("here", "zone", "expected"),
    [
        ("UTC", "UTC", "30 6 * * 1-5"),
        ("Europe/Berlin", "Europe/Berlin", "30 6 * * 1-5"),
        ("Europe/Paris", "Europe/Berlin", "30 6 * * 1-5"),
        ("UTC", "Europe/Berlin", "30 * * * *"),
        ("UTC", "Asia/Kathmandu", "* * * * *"),
    ],
)
def test_cron_runs_a_schedule_of_another_time_zone_more_often(
    schedule, local_time_is, here, zone, expected
):
    local_time_is(here)
    view = schedule(cron="30 6 * * 1-5", timezone=zone)
    assert times_of(ODD.crontab(view)) == expected


def test_cron_has_no_days_of_a_month_from_its_end(schedule, local_time_is):
    local_time_is("UTC")
    assert times_of(ODD.crontab(schedule(cron="30 6 L * *"))) == "* * * * *"
    assert times_of(ODD.crontab(schedule("i", every="6h"))) == "* * * * *"
    at = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert times_of(ODD.crontab(schedule("o", at=at))) == "9 7 6 5 *"


def test_the_command_of_cron_is_quoted_for_its_shell(schedule):
    line = ODD.crontab(schedule(cron="0 6 * * *")).splitlines()[-1]
    _, _, command = line.partition(" STACKFOLD_HOME=")
    assert "%" not in command.replace("\\%", ""), "cron takes it for the end of the line"
    words = shlex.split(f"STACKFOLD_HOME={command}".replace("\\%", "%"))
    assert words == [
        f"STACKFOLD_HOME={HOME}",
        *(sys.executable, "-m", "stackfold", "schedule", "run", "nightly", "--once"),
    ]


@pytest.mark.parametrize("program", ["crontab", "systemd"])
def test_the_address_of_a_shared_log_is_not_printed(schedule, program):
    shared = SystemTimers("/home/ada", "postgresql://ada:secret@db/log")
    text = str(getattr(shared, program)(schedule(cron="0 6 * * *")))
    assert "STACKFOLD_STORE=..." in text
    assert "secret" not in text


@pytest.mark.parametrize("program", ["crontab", "systemd"])
def test_what_they_cannot_run_is_rejected(schedule, program):
    write = getattr(ODD, program)
    with pytest.raises(InvalidSchedule, match="exact to the minute"):
        write(schedule(every="30s"))
    with pytest.raises(InvalidSchedule, match="start-schedules"):
        write(schedule("event", on="stack-activated"))
    with pytest.raises(InvalidSchedule, match="control character"):
        getattr(SystemTimers("/a\nb", None), program)(schedule("n", every="1h"))


@pytest.mark.parametrize(
    ("options", "calendar"),
    [
        ({"cron": "30 6 * * 1-5"}, ["Mon,Tue,Wed,Thu,Fri *-*-* 06:30:00 Europe/Berlin"]),
        ({"cron": "*/20 * * * *"}, ["*-*-* *:00,20,40:00 Europe/Berlin"]),
        (
            {"cron": "0 6 1,15 3 7"},
            ["Sun *-03-* 06:00:00 Europe/Berlin", "*-03-01,15 06:00:00 Europe/Berlin"],
        ),
        ({"cron": "0 6 */9 * 1"}, ["Mon *-*-01,10,19,28 06:00:00 Europe/Berlin"]),
        ({"cron": "5 6 L * *"}, ["*-*-* *:05:00"]),
        ({"cron": "5 6 * * FRI#2"}, ["*-*-* *:05:00"]),
        ({"every": "90m"}, ["*-*-* *:*:00"]),
        ({"at": "2030-05-06T07:08"}, ["2030-05-06 05:08:00 UTC"]),
    ],
)
def test_systemd_has_the_same_times(schedule, options, calendar, tmp_path):
    view = schedule("größe.1-2", timezone="Europe/Berlin", catch_up="last", **options)
    service, timer = ODD.systemd(view)
    lines = timer.text.splitlines()
    assert [line[11:] for line in lines if line.startswith("OnCalendar=")] == calendar
    assert "Persistent=true" in lines
    for unit in (service, timer):
        (tmp_path / unit.name).write_text(unit.text, encoding="utf-8")
    if shutil.which("systemd-analyze") is None:
        return
    for each in calendar:
        subprocess.run(["systemd-analyze", "calendar", each], check=True, capture_output=True)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in verified.stderr.splitlines() if str(tmp_path) in line]
    assert not complaints, verified.stderr


def test_the_units_have_names_that_systemd_accepts(schedule):
    service, timer = ODD.systemd(schedule("größe_1", cron="0 6 * * *"))
    assert service.name == "stackfold-gr\\xc3\\xb6\\xc3\\x9fe_1.service"
    assert timer.name == "stackfold-gr\\xc3\\xb6\\xc3\\x9fe_1.timer"
    assert 'Environment="STACKFOLD_HOME=/home/ada/my \\"lab\\" 100%%"' in service.text


def test_a_workspace_prints_them(tmp_path):
    with Workspace.open(tmp_path) as ws:
        ws.schedules.create("nightly", "train.py:train", cron="0 6 * * *", check=False)
        assert str(tmp_path) in ws.schedules.crontab("nightly")
        assert str(tmp_path) in ws.schedules.systemd("nightly")[0].text
