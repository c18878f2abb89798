"""What every alerter must do: messages arrive, and no outage harms the run that sends them."""

import logging
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from stackfold.application.ports import Alerter
from stackfold.application.secrets.redaction import remember
from stackfold.domain.errors import (
    AlerterCannotAsk,
    AlerterUnavailable,
    AlertRejected,
    AlertUnanswered,
    Invalid,
    StackfoldError,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts import not_given

TYPE = ComponentType.ALERTER
SECRET = "contract-hunter2-hunter2"
LOGGER = "stackfold.alerters"

Delivered = Callable[[], Sequence[str]]
"""Returns everything that the tool has received, each message as one text."""


class AlerterContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    They are `flavor`, `configuration`, `delivered`, `unreachable`, and `answer` if the tool has
    answers.
    """

    @pytest.fixture
    def flavor(self) -> str:
        """The name of the flavor; one of your own is registered by `workspace`."""
        raise NotImplementedError("override the fixture 'flavor'")

    @pytest.fixture
    def configuration(self) -> Mapping[str, Any]:
        """The configuration of an alerter whose tool responds."""
        return {}

    @pytest.fixture
    def delivered(self) -> Delivered:
        """Returns what the tool has received."""
        not_given("delivered", "what arrives")

    @pytest.fixture
    def unreachable(self) -> Mapping[str, Any]:
        """The configuration of an alerter whose tool does not respond."""
        not_given("unreachable", "what happens while the tool is unavailable")

    @pytest.fixture
    def answer(self) -> Callable[[bool], None]:
        """Lets a person approve or reject the last question."""
        not_given("answer", "answers")

    @pytest.fixture
    def workspace(self) -> Iterator[Workspace]:
        """The workspace; override it to register a flavor of your own, or create secrets."""
        with Workspace.in_memory() as workspace:
            yield workspace

    @pytest.fixture
    def alerter(
        self, workspace: Workspace, flavor: str, configuration: Mapping[str, Any]
    ) -> Alerter:
        """The alerter."""
        return self.built(workspace, flavor, configuration)

    def built(self, workspace: Workspace, flavor: str, configuration: Mapping[str, Any]) -> Alerter:
        """Build an alerter.

        Args:
            workspace: The workspace.
            flavor: The name of its flavor.
            configuration: Its configuration.
        """
        found = workspace.flavors.build(TYPE, flavor, configuration)
        assert isinstance(found, Alerter)
        return found

    def test_a_message_arrives(self, alerter: Alerter, delivered: Delivered) -> None:
        assert alerter.post("accuracy fell to 0.71") is True
        assert alerter.post(
            "line one\nline two",
            title="training failed",
            level="error",
            facts={"run": "night-7", "loss": 0.5},
            link="https://example.com/runs/night-7",
        )
        first, second = delivered()
        assert "accuracy fell to 0.71" in first
        for part in ("training failed", "line one", "line two", "night-7", "0.5", "example.com"):
            assert part in second

    def test_odd_texts_arrive(self, alerter: Alerter, delivered: Delivered) -> None:
        odd = [
            "…ü 🚀",
            "a\x00b\x1b[31m\u202e",
            "\udcff",
            "<b>&</b> <!channel> @everyone",
            "{{a.b}}",
        ]
        for text in odd:
            assert alerter.post(text) is True
            assert alerter.post("x", title=text, facts={text: text}) is True
        assert alerter.post("x" * 100_000, title="y" * 1000) is True
        assert alerter.post("&" * 100_000, title="&" * 1000) is True
        assert alerter.post("x", title="a\r\nBcc: eve@example.com\n\nbody") is True
        seen = delivered()
        assert len(seen) == 2 * len(odd) + 3
        assert not any("\x00" in each or "\x1b" in each or "\u202e" in each for each in seen)
        assert max(map(len, seen)) < 80_000
        assert "🚀" in seen[0]

    def test_mistakes_of_the_caller_are_errors(self, alerter: Alerter) -> None:
        level: Any = "loud"
        for mistake in (
            lambda: alerter.post(""),
            lambda: alerter.post("x", level=level),
            lambda: alerter.post("x", link="javascript:alert(1)"),
            lambda: alerter.ask("x", timeout=0),
        ):
            with pytest.raises(Invalid):
                mistake()

    def test_values_of_secrets_are_not_sent(self, alerter: Alerter, delivered: Delivered) -> None:
        remember(SECRET, "{{contract.key}}")
        alerter.post(f"the key is {SECRET}", title=SECRET, facts={"key": SECRET})
        (seen,) = delivered()
        assert SECRET not in seen
        assert "{{contract.key}}" in seen

    def test_it_can_be_sent_to_another_process(
        self, alerter: Alerter, delivered: Delivered
    ) -> None:
        alerter.post("from here")
        again = pickle.loads(pickle.dumps(alerter))
        assert again.configuration == alerter.configuration
        assert again.post("from there") is True
        assert "from there" in delivered()[-1]

    def test_an_outage_is_one_line_and_no_error(
        self,
        workspace: Workspace,
        flavor: str,
        unreachable: Mapping[str, Any],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        alerter = self.built(workspace, flavor, unreachable)
        with caplog.at_level(logging.WARNING, LOGGER):
            began = time.monotonic()
            for _ in range(50):  # as a training loop would
                assert alerter.post("x") is False
            assert time.monotonic() - began < 60
        lines = [each.getMessage() for each in caplog.records if each.name == LOGGER]
        assert len(lines) == 50
        assert not any("\n" in line for line in lines)
        with pytest.raises(StackfoldError) as raised:
            alerter.check_connection()
        assert "\n" not in str(raised.value)

    def test_an_outage_fails_a_strict_alerter(
        self, workspace: Workspace, flavor: str, unreachable: Mapping[str, Any]
    ) -> None:
        alerter = self.built(workspace, flavor, {**unreachable, "strict": True})
        with pytest.raises(AlerterUnavailable) as raised:
            alerter.post("x")
        assert "\n" not in str(raised.value)

    def test_a_question_cannot_be_asked_during_an_outage(
        self, workspace: Workspace, flavor: str, unreachable: Mapping[str, Any]
    ) -> None:
        alerter = self.built(workspace, flavor, unreachable)
        with pytest.raises((AlerterUnavailable, AlerterCannotAsk)):
            alerter.ask("deploy it?", timeout=5)

    def test_the_connection_can_be_checked(self, alerter: Alerter, delivered: Delivered) -> None:
        alerter.check_connection()
        assert list(delivered()) == []

    @pytest.mark.parametrize("approved", [True, False])
    def test_a_question_is_answered(
        self,
        alerter: Alerter,
        answer: Callable[[bool], None],
        approved: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(type(alerter), "poll_interval", 0.1)
        opened = type(alerter).open_question

        def open_and_answer(self: Alerter, question: Any) -> Any:
            poll = opened(self, question)
            assert poll() is None
            answer(approved)
            return poll

        monkeypatch.setattr(type(alerter), "open_question", open_and_answer)
        given = alerter.ask("deploy it?", title="fraud@3", timeout=20)
        assert given.approved is approved
        assert given.by

    def test_a_question_that_nobody_answers_ends(
        self,
        alerter: Alerter,
        answer: Callable[[bool], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(type(alerter), "poll_interval", 0.1)
        with pytest.raises(AlertUnanswered):
            alerter.ask("deploy it?", timeout=0.5)

    def test_a_tool_without_answers_says_so(
        self, alerter: Alerter, request: pytest.FixtureRequest
    ) -> None:
        if type(self).answer is not AlerterContract.answer:
            pytest.skip("the tool has answers")
        with pytest.raises((AlerterCannotAsk, AlertRejected)):
            alerter.ask("deploy it?", timeout=1)
