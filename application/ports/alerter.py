"""The port of alerters, which send messages to people and ask them.

An alert must not harm the run that sends it: unless an alerter is strict, `post` raises for no
outage, limit or fault of a tool.
"""

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from stackfold.application.ports.alert import Alert, Answer, Level, alert_of
from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.errors import (
    AlerterCannotAsk,
    AlerterUnavailable,
    AlertUnanswered,
    Invalid,
    StackfoldError,
)
from stackfold.domain.errors.wording import text_of
from stackfold.domain.stacks.component_type import ComponentType

ASK_TIMEOUT = 3600.0
"""Seconds that `ask` waits unless it is given others."""
PAUSE = 30.0
"""Seconds after an outage in which alerts that are no errors are not tried."""
LONGEST_PAUSE = 3600.0
"""The longest pause that a tool can ask for."""
_TICK = 0.1
"""Seconds between two chances to stop a step that waits for an answer."""

Poll = Callable[[], Answer | None]
"""Returns the answer, or None if there is none yet; may raise as `Alerter.send`."""


class Alerter(StackComponent[ConfigurationT]):
    """Sends messages to people, and asks them where the tool can.

    A flavor implements `send`, and `open_question` if its tool has answers.
    """

    component_type = ComponentType.ALERTER

    strict: bool = False
    """Whether `post` raises if an alert cannot be sent, instead of logging a line. May be a
    property that reads the configuration."""
    poll_interval: float = 5.0
    """Seconds between two looks for an answer. May be a property, too."""

    thread: str = ""
    """What messages are about unless it is given: in a run, the name of the run."""

    _paused_until: float = 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_paused_until"}

    def post(
        self,
        text: str,
        *,
        title: str = "",
        level: Level = "info",
        facts: Mapping[str, Any] = MappingProxyType({}),
        link: str = "",
        thread: str | None = None,
        strict: bool | None = None,
    ) -> bool:
        """Send a message, and return whether it was sent.

        If it was not, the logger `stackfold.alerters` has one line with the reason, unless the
        alerter is strict. After an outage, other alerts than errors are not tried for a while.

        Args:
            text: The message; what is longer than 8000 characters is shortened. Values of secrets
                that were read are replaced.
            title: A title, in one line.
            level: "info", "warning" or "error".
            facts: Name → value, shown below the text; at most 20.
            link: An http or https URL.
            thread: What the message is about: tools that can show messages of one thread together.
                By default that is the run, in a step.
            strict: Whether to raise if it cannot be sent; None for what the alerter is.

        Raises:
            Invalid: The level or the link is invalid, or the message is empty.
            AlerterUnavailable: The tool cannot be reached, or limits the rate, and it is strict.
            AlertRejected: The tool does not take the message, and it is strict.
        """
        thread = self.thread if thread is None else thread
        alert = alert_of(text, title=title, level=level, facts=facts, link=link, thread=thread)
        strict = self.strict if strict is None else strict
        if time.monotonic() < self._paused_until and level != "error" and not strict:
            _warn("an alert was not sent", "the alerter did not take an earlier one")
            return False
        try:
            self.send(alert)
        except Exception as error:
            if isinstance(error, AlerterUnavailable):
                pause = min(error.retry_after or PAUSE, LONGEST_PAUSE)
                self._paused_until = time.monotonic() + pause
            if strict:
                raise
            _warn("an alert was not sent", _text_of(error))
            return False
        self._paused_until = 0.0
        return True

    def ask(
        self,
        text: str,
        *,
        title: str = "",
        timeout: float = ASK_TIMEOUT,
        facts: Mapping[str, Any] = MappingProxyType({}),
        link: str = "",
        thread: str | None = None,
    ) -> Answer:
        """Ask people a question that can be approved or rejected, and wait for the answer.

        While it waits, an outage of the tool is no error. Stopping the run ends it.

        Args:
            text: The question.
            title: A title, in one line.
            timeout: Seconds to wait for the answer.
            facts: As for `post`.
            link: As for `post`.
            thread: As for `post`.

        Raises:
            AlerterCannotAsk: The tool or its configuration has no answers.
            AlertUnanswered: Nobody answered in time.
            AlerterUnavailable: The question could not be sent, even if the alerter is not strict.
            AlertRejected: The tool does not take the question.
            Invalid: The timeout or the link is invalid, or the question is empty.
        """
        if isinstance(timeout, bool) or not 0 < timeout <= 30 * 86400:
            raise Invalid(f"the timeout is more than 0 s and at most 30 days, not {timeout!r:.40}")
        thread = self.thread if thread is None else thread
        question = alert_of(text, title=title, facts=facts, link=link, thread=thread)
        end = time.monotonic() + timeout
        poll = self.open_question(question)
        reported = False
        while True:
            wait = self.poll_interval
            try:
                answer = poll()
            except AlerterUnavailable as error:
                answer, wait = None, max(wait, error.retry_after or 0.0)
                if not reported:
                    _warn("an answer cannot be read now, and is still awaited", _text_of(error))
                reported = True
            if answer is not None:
                return answer
            if not _waited(wait, end):
                raise AlertUnanswered(timeout)

    @abstractmethod
    def send(self, alert: Alert) -> None:
        """Send an alert, in bounded time.

        Args:
            alert: The alert.

        Raises:
            AlerterUnavailable: The tool cannot be reached, or limits the rate.
            AlertRejected: The tool does not take it.
        """

    def open_question(self, question: Alert) -> Poll:
        """Send a question, and return a function that looks for the answer.

        Flavors whose tool has no answers do not override it.

        Args:
            question: The question.

        Raises:
            AlerterCannotAsk: The tool or its configuration has no answers.
            AlerterUnavailable: As for `send`.
            AlertRejected: As for `send`.
        """
        raise AlerterCannotAsk(self.flavor, "it only sends: use another alerter to ask")


def _waited(seconds: float, end: float) -> bool:
    """Wait in short steps, in which a step can be stopped; return False if the end was reached."""
    until = time.monotonic() + seconds
    while (now := time.monotonic()) < until:
        if now >= end:
            return False
        time.sleep(min(_TICK, until - now, end - now))
    return True


def _text_of(error: Exception) -> str:
    return text_of(error) if isinstance(error, StackfoldError) else repr(error)


def _warn(what: str, problem: str) -> None:
    line = " ".join(redacted(f"{what}: {problem}").split())
    logging.getLogger("stackfold.alerters").warning("%.500s", line)
