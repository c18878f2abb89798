"""The alerter `slack`."""

from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.application.ports import Alert, Alerter, Answer, Secret
from stackfold.application.ports.alert import answer_of
from stackfold.application.ports.alerter import Poll
from stackfold.domain.errors import AlerterCannotAsk, AlertRejected
from stackfold.infrastructure.flavors.alert_requests import require_url
from stackfold.infrastructure.flavors.chat_messages import slack_message
from stackfold.infrastructure.flavors.slack.api import SlackApi
from stackfold.infrastructure.system.loopback import is_loopback

_YES = {"+1", "thumbsup", "white_check_mark", "heavy_check_mark"}
_NO = {"-1", "thumbsdown", "x", "no_entry", "no_entry_sign"}
"""Names of reactions, without the colour of a hand."""
_YES_WORDS = {"yes", "approve", "approved", "ok"}
_NO_WORDS = {"no", "reject", "rejected", "stop"}
_HOW = "Answer with :white_check_mark: or :x:, or with yes or no in the thread."
_EVENT = "stackfold_thread"
"""Marks the first message of a thread, so that other processes find it."""


class SlackAlerter(Alerter):
    """Posts alerts to a channel of Slack, and reads answers there."""

    flavor = "slack"

    class Configuration(ports.Configuration):
        """The bot and the channel."""

        token: Secret = Field(description="The token of the bot, xoxb-…, as a reference.")
        channel: str = Field(
            pattern=r"^[CGD][A-Z0-9]{6,20}$",
            description="The id of the channel, which its details show: C0123456789.",
        )
        approvers: list[str] = Field(
            [],
            max_length=50,
            description="The ids of the users whose answers count, which their profiles show: "
            "U0123456789. Without any, `ask` is not possible.",
        )
        threads: bool = Field(
            True,
            description="Whether the messages of a run are a thread. Requires the scope to read "
            "the history; without it, they are messages of the channel.",
        )
        api_url: str = Field(
            "https://slack.com/api/",
            max_length=500,
            description="The address of the Web API; another one for GovSlack or a proxy.",
        )
        timeout: float = Field(
            10, gt=0, le=300, description="Seconds that a request may take, with all attempts."
        )
        strict: bool = Field(
            False,
            description="Whether a step fails if an alert cannot be sent. Otherwise there is one "
            "line in its log.",
        )

        @field_validator("api_url")
        @classmethod
        def _is_an_address(cls, url: str) -> str:
            return require_url(url, insecure=False).rstrip("/") + "/"

        @field_validator("approvers")
        @classmethod
        def _are_users(cls, users: list[str]) -> list[str]:
            for each in users:
                if not (each[:1] in {"U", "W"} and each.isalnum() and each.isupper()):
                    raise ValueError(f"{each!r:.80} is no id of a user, such as U0123456789")
            return users

    configuration: Configuration

    def __init__(self, configuration: Any, home: Any) -> None:
        """Create the alerter; raises as `StackComponent`."""
        super().__init__(configuration, home)
        self._threads: dict[str, str] = {}

    @property
    def strict(self) -> bool:  # type: ignore[override]
        """Whether `post` raises if an alert cannot be sent."""
        return self.configuration.strict

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the API."""
        return not is_loopback(urlsplit(self.configuration.api_url).hostname or "")

    def send(self, alert: Alert) -> None:
        self._post(alert, slack_message(alert))

    def open_question(self, question: Alert) -> Poll:
        """Post the question, and return a function that reads reactions and replies to it."""
        if not self.configuration.approvers:
            raise AlerterCannotAsk(self.flavor, "set approvers, the users whose answers count")
        message = slack_message(question)
        how = {"type": "context", "elements": [{"type": "mrkdwn", "text": _HOW}]}
        message["blocks"].append(how)
        # Not in the thread of the run, whose replies would be taken for answers.
        posted = self._api().post(
            "chat.postMessage", {"channel": self.configuration.channel, **message}
        )
        ts = _ts(posted)
        return lambda: self._answer(ts)

    def check_connection(self) -> None:
        """Check the token; not whether the bot is in the channel."""
        self._api().get("auth.test", {})

    # -- private

    def _api(self) -> SlackApi:
        chosen = self.configuration
        return SlackApi(chosen.api_url, self.secret(chosen.token).strip(), chosen.timeout)

    def _post(self, alert: Alert, message: dict[str, Any]) -> None:
        api, thread = self._api(), alert.thread if self.configuration.threads else ""
        arguments: dict[str, Any] = {"channel": self.configuration.channel, **message}
        first = self._first_of(api, thread) if thread else ""
        if first:
            arguments["thread_ts"] = first
            # Also shown in the channel.
            arguments["reply_broadcast"] = alert.level == "error"
        elif thread:
            payload = {"thread": thread}
            arguments["metadata"] = {"event_type": _EVENT, "event_payload": payload}
        posted = api.post("chat.postMessage", arguments)
        if thread and not first:
            self._threads[thread] = _ts(posted)

    def _first_of(self, api: SlackApi, thread: str) -> str:
        """The first message of a thread, which another process may have posted; empty if none."""
        if thread not in self._threads:
            try:
                found = api.get(
                    "conversations.history",
                    {
                        "channel": self.configuration.channel,
                        "include_all_metadata": "true",
                        "limit": "100",
                    },
                )
            except AlertRejected:  # without the scope
                return ""
            for message in _dicts(found.get("messages")):
                match message:
                    case {
                        "ts": str(ts),
                        "metadata": {"event_type": event, "event_payload": {"thread": of}},
                    } if event == _EVENT and of == thread:
                        self._threads[thread] = ts
        return self._threads.get(thread, "")

    def _answer(self, ts: str) -> Answer | None:
        """What an approver answered; a rejection counts before an approval."""
        api = self._api()
        at = {"channel": self.configuration.channel}
        found = api.get("reactions.get", {**at, "timestamp": ts, "full": "true"})
        answers = self._reactions(found.get("message"))
        found = api.get("conversations.replies", {**at, "ts": ts, "limit": "200"})
        answers += self._replies(found.get("messages"), ts)
        return min(answers, key=lambda each: each.approved, default=None)

    def _reactions(self, message: object) -> list[Answer]:
        answers = []
        for each in _dicts(message.get("reactions") if isinstance(message, dict) else None):
            name, users = each.get("name"), each.get("users")
            if not isinstance(name, str) or not isinstance(users, list):
                continue
            name = name.partition("::")[0]
            for user in users:
                if user in self.configuration.approvers and name in _YES | _NO:
                    answers.append(answer_of(name in _YES, user))
        return answers

    def _replies(self, messages: object, ts: str) -> list[Answer]:
        answers = []
        for each in _dicts(messages):
            user, text = each.get("user"), each.get("text")
            if each.get("ts") == ts or user not in self.configuration.approvers:
                continue
            words = text.lower().split() if isinstance(text, str) else []
            first = words[0].strip(".,:;!") if words else ""
            if first in _YES_WORDS | _NO_WORDS:
                answers.append(answer_of(first in _YES_WORDS, user, text))
        return answers


def _ts(posted: dict[str, Any]) -> str:
    ts = posted.get("ts")
    return ts if isinstance(ts, str) else ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
