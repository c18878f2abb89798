"""What every alerter gets from its port, with a clock that the test moves."""

import logging
import pickle

import pytest

from stackfold import flavors
from stackfold.application.ports import alerter as port
from stackfold.errors import AlerterUnavailable, AlertRejected


class Recording(flavors.Alerter[flavors.Configuration]):
    flavor = "recording"
    Configuration = flavors.Configuration

    def send(self, alert):
        self.tried = [*getattr(self, "tried", []), alert.text]
        for error in getattr(self, "errors", [])[:1]:
            self.errors = self.errors[1:]
            raise error


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(port, "time", clock)
    return clock


@pytest.fixture
def alerter(tmp_path):
    return Recording(flavors.Configuration(), tmp_path)


def test_after_an_outage_only_errors_are_tried_for_a_while(alerter, clock, caplog):
    alerter.errors = [AlerterUnavailable("there", "it is down")]
    assert alerter.post("1") is False
    for second in range(10):
        clock.now = 1001.0 + second
        assert alerter.post("2") is False
    assert alerter.tried == ["1"]
    lines = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert lines[0] == "an alert was not sent: the alerter at there cannot be used: it is down"
    assert lines[1] == "an alert was not sent: the alerter did not take an earlier one"
    assert len(lines) == 11
    assert alerter.post("3", strict=True)
    assert alerter.post("4")  # it responds again
    assert alerter.tried == ["1", "3", "4"]


@pytest.mark.parametrize(("wanted", "pause"), [(None, 30), (0.0, 30), (120.0, 120), (1e9, 3600)])
def test_the_pause_is_what_the_tool_asks_for_within_limits(alerter, clock, wanted, pause):
    alerter.errors = [AlerterUnavailable("there", "busy", wanted)]
    alerter.post("1")
    clock.now += pause - 1
    assert alerter.post("2") is False
    clock.now += 2
    assert alerter.post("3") is True
    assert alerter.tried == ["1", "3"]


def test_an_error_is_tried_in_any_case(alerter, clock):
    alerter.errors = [AlerterUnavailable("there", "busy", 3600.0)]
    alerter.post("1")
    assert alerter.post("2", level="error") is True


def test_a_message_that_is_rejected_pauses_nothing(alerter, clock):
    alerter.errors = [AlertRejected("there", "too rude")]
    assert alerter.post("1") is False
    assert alerter.post("2") is True


def test_the_pause_does_not_travel_to_another_machine(alerter, clock):
    alerter.errors = [AlerterUnavailable("there", "busy", 3600.0)]
    alerter.post("1")
    assert pickle.loads(pickle.dumps(alerter)).post("2") is True
