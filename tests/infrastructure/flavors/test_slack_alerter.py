"""The alerter `slack`, on a server with the part of Slack's Web API that it calls."""

import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from error_text import error_text
from webhook_server import Reply, webhook_receiver

from stackfold.domain.errors import (
    AlerterCannotAsk,
    AlerterUnavailable,
    AlertRejected,
    AlertUnanswered,
    InvalidConfiguration,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.testing import AlerterContract

ALERTER = ComponentType.ALERTER
TOKEN = "xoxb-hunter2-hunter2"
CHANNEL = "C0123456789"
ADA, EVE = "U0ADA", "U0EVE"


class Slack:
    """What Slack documents of its methods; raises in the server for requests that it rejects."""

    def __init__(self, receiver):
        self.receiver = receiver
        self.messages = []
        self.reactions = {}
        self.scopes = {"chat:write", "channels:history", "reactions:read"}
        self.wrong = []
        receiver.respond = self.respond

    def respond(self, request):
        method = urlsplit(request.path).path.removeprefix("/api/")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.error("invalid_auth")
        if method == "chat.postMessage":
            if request.headers["content-type"] != "application/json; charset=utf-8":
                return self.error("invalid_post_type")
            return self.post(json.loads(request.body))
        # These take no JSON.
        if request.method != "GET" or request.body:
            return self.error("invalid_post_type")
        given = {name: value for name, (value,) in parse_qs(urlsplit(request.path).query).items()}
        if method != "auth.test" and given.get("channel") != CHANNEL:
            return self.error("channel_not_found")
        return getattr(self, method.replace(".", "_"))(**given)

    def post(self, message):
        if message["channel"] != CHANNEL:
            return self.error("channel_not_found")
        for block in message["blocks"]:
            if block["type"] not in {"header", "section", "context"}:
                return self.error("invalid_blocks")
        ts = f"{1_700_000_000 + len(self.messages)}.000100"
        thread = message.get("thread_ts")
        if thread and thread not in [each["ts"] for each in self.messages]:
            return self.error("thread_not_found")
        self.messages.append({**message, "ts": ts, "user": "U0BOT"})
        return self.ok(ts=ts, channel=CHANNEL, message={})

    def auth_test(self):
        return self.ok(user="bot")

    def conversations_history(self, channel, include_all_metadata, limit):
        if "channels:history" not in self.scopes:
            return self.error("missing_scope", needed="channels:history")
        shown = [each for each in reversed(self.messages) if "thread_ts" not in each]
        return self.ok(messages=shown[: int(limit)])

    def conversations_replies(self, channel, ts, limit):
        return self.ok(messages=[m for m in self.messages if ts in (m["ts"], m.get("thread_ts"))])

    def reactions_get(self, channel, timestamp, full):
        (message,) = [each for each in self.messages if each["ts"] == timestamp]
        return self.ok(message={**message, "reactions": self.reactions.get(timestamp, [])})

    def ok(self, **content):
        return Reply(200, json.dumps({"ok": True, **content}).encode())

    def error(self, code, **content):
        self.wrong.append(code)
        return Reply(200, json.dumps({"ok": False, "error": code, **content}).encode())

    def react(self, name, *users):
        found = {"name": name, "users": [*users], "count": len(users)}
        self.reactions.setdefault(self.messages[-1]["ts"], []).append(found)

    def reply(self, user, text):
        ts = self.messages[-1]["ts"]
        reply = {"thread_ts": ts, "user": user, "text": text, "ts": f"{ts}1", "channel": CHANNEL}
        self.messages.append(reply)


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_SLACK_TOKEN", TOKEN)


@pytest.fixture
def receiver():
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def server(receiver):
    return Slack(receiver)


@pytest.fixture
def settings(receiver):
    return {
        "token": "{{slack.token}}",
        "channel": CHANNEL,
        "approvers": [ADA],
        "api_url": f"{receiver.url}api",
    }


@pytest.fixture
def slack(ws, server, settings, monkeypatch):
    def slack(**configuration):
        alerter = ws.flavors.build(ALERTER, "slack", {**settings, **configuration})
        monkeypatch.setattr(type(alerter), "poll_interval", 0.05)
        return alerter

    return slack


class TestSlack(AlerterContract):
    @pytest.fixture
    def flavor(self):
        return "slack"

    @pytest.fixture
    def configuration(self, settings, server):
        return settings

    @pytest.fixture
    def unreachable(self, settings):
        return {**settings, "api_url": "http://127.0.0.1:1/api/", "timeout": 1}

    @pytest.fixture
    def delivered(self, server):
        def delivered():
            assert server.wrong == []
            return [shown(each) for each in server.messages]

        return delivered

    @pytest.fixture
    def answer(self, server):
        return lambda approved: server.react("white_check_mark" if approved else "x", ADA)


def shown(message):
    """The texts of the blocks, as Slack shows them."""
    texts = []
    for block in message["blocks"]:
        parts = [block["text"]] if "text" in block else block.get("fields", block.get("elements"))
        texts += [part["text"] for part in parts]
    text = "\n".join(texts)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# -- messages


def test_the_messages_of_a_run_are_a_thread(slack, server):
    alerter = slack()
    for text in ("one", "two"):
        alerter.post(text, thread="night-7")
    slack().post("three", thread="night-7", level="error")  # another process
    slack().post("other", thread="night-8")
    slack().post("no run")
    first = server.messages[0]["ts"]
    assert [each.get("thread_ts") for each in server.messages] == [None, first, first, None, None]
    assert [each.get("reply_broadcast") for each in server.messages][1:3] == [False, True]
    assert "metadata" not in server.messages[4]
    assert server.wrong == []


def test_without_the_scope_every_message_is_one_of_the_channel(slack, server):
    server.scopes.discard("channels:history")
    assert slack().post("one", thread="night-7")
    assert slack().post("two", thread="night-7")
    assert not any("thread_ts" in each for each in server.messages)


def test_threads_can_be_turned_off(slack, server, receiver):
    alerter = slack(threads=False)
    assert alerter.post("one", thread="night-7")
    assert alerter.post("two", thread="night-7")
    assert len(receiver.received) == 2


def test_a_message_has_a_title_facts_and_a_link(slack, server):
    slack().post("text", title="title", level="error", facts={"a": 1}, link="https://x.example/a|b")
    (message,) = server.messages
    assert message["text"] == ":red_circle: title: text"
    assert message["unfurl_links"] is False
    assert [each["type"] for each in message["blocks"]] == ["header", *["section"] * 3]
    assert message["blocks"][3]["text"]["text"] == "<https://x.example/a%7Cb>"


# -- what goes wrong


@pytest.mark.parametrize(
    ("answer", "problem", "error"),
    [
        ({"ok": False, "error": "channel_not_found"}, "invite the bot", AlertRejected),
        ({"ok": False, "error": "token_revoked"}, "renew the token", AlertRejected),
        (
            {"ok": False, "error": "missing_scope", "needed": "chat:write"},
            "missing_scope chat:write: add the scope",
            AlertRejected,
        ),
        ({"ok": False, "error": "some_new_error"}, "answers some_new_error", AlertRejected),
        ({"ok": False, "error": "ratelimited"}, "answers ratelimited", AlerterUnavailable),
        ({"ok": False, "error": "a\nb <html>"}, "not one of Slack", AlertRejected),
        ({"ok": "yes"}, "not one of Slack", AlertRejected),
        ([], "not one of Slack", AlertRejected),
        (b"<html>", "not one of Slack", AlertRejected),
        (b"[" * 100_000, "not one of Slack", AlertRejected),
        (b"\xff", "not one of Slack", AlertRejected),
        ("redirects", "answers 307, a redirect", AlertRejected),
        (500, "answers 500", AlerterUnavailable),
        ("hangs", "did not answer in time", AlerterUnavailable),
        ("closes", "disconnected|reset", AlerterUnavailable),
        ("is huge", "larger than|in time", AlerterUnavailable),
        (Reply(429, headers={"Retry-After": "30"}), "answers 429", AlerterUnavailable),
    ],
    ids=str,
)
def test_what_goes_wrong_is_told_in_one_line(slack, receiver, answer, problem, error):
    if isinstance(answer, dict | list):
        answer = json.dumps(answer).encode()
    if isinstance(answer, bytes):
        answer = Reply(200, answer)
    alerter = slack(strict=True, timeout=1)
    receiver.answers = [answer] * 9
    with pytest.raises(error, match=problem) as raised:
        alerter.post("x")
    assert "\n" not in str(raised.value)
    assert TOKEN not in error_text(raised.value)


def test_it_waits_as_long_as_slack_asks(slack, server, receiver):
    receiver.answers = [Reply(429, headers={"Retry-After": "1"})]
    began = time.monotonic()
    assert slack().post("x")
    assert time.monotonic() - began > 1
    assert len(server.messages) == 1


def test_a_token_that_cannot_be_one_is_not_repeated(slack, receiver, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_SLACK_TOKEN", "xoxb-hunter2\r\nX-Evil: 1")
    with pytest.raises(AlertRejected, match="the token of the bot") as raised:
        slack(strict=True).post("x")
    assert "hunter2" not in error_text(raised.value)
    assert receiver.received == []


def test_the_connection_is_checked_by_the_token(slack, monkeypatch):
    slack().check_connection()
    monkeypatch.setenv("STACKFOLD_SECRET_SLACK_TOKEN", "xoxb-another")
    with pytest.raises(AlertRejected, match="invalid_auth: correct the token"):
        slack().check_connection()


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"channel": "#general"}, "channel"),
        ({"token": "xoxb-1"}, "is a secret"),
        ({"approvers": ["ada"]}, "is no id of a user"),
        ({"api_url": "http://slack.example/api/"}, "must be https"),
        ({"api_url": "https://ada:hunter2@slack.example/"}, "no user or password"),
    ],
)
def test_what_does_not_fit_is_rejected(ws, configuration, problem):
    given = {"token": "{{slack.token}}", "channel": CHANNEL, **configuration}
    with pytest.raises(InvalidConfiguration, match=problem) as raised:
        ws.components.register(ALERTER, "chat", "slack", given)
    assert "hunter2" not in error_text(raised.value)


# -- answers


def asked(alerter, answer, timeout=10.0):
    """Ask, and let people answer once the question is there."""
    opened = alerter.open_question

    def open_question(question):
        poll = opened(question)
        answer()
        return poll

    alerter.open_question = open_question
    return alerter.ask("deploy it?", title="fraud@3", thread="night-7", timeout=timeout)


@pytest.mark.parametrize(
    ("name", "approved"),
    [("+1", True), ("+1::skin-tone-3", True), ("heavy_check_mark", True), ("-1", False)],
)
def test_a_reaction_answers(slack, server, name, approved):
    assert asked(slack(), lambda: server.react(name, EVE, ADA)) == (approved, ADA, "")
    (question,) = server.messages
    assert "thread_ts" not in question
    assert "Answer with" in shown(question)
    assert server.wrong == []


@pytest.mark.parametrize(
    ("text", "approved"), [("Yes, go ahead", True), ("ok.", True), ("no! not today", False)]
)
def test_a_reply_answers(slack, server, text, approved):
    assert asked(slack(), lambda: server.reply(ADA, text)) == (approved, ADA, text)


def test_only_approvers_count_and_only_answers(slack, server):
    def others():
        server.react("white_check_mark", EVE)
        server.react("eyes", ADA)
        server.reply(EVE, "yes")
        server.messages[-1], server.messages[-2] = server.messages[-2], server.messages[-1]
        server.messages.append(
            {"thread_ts": server.messages[-1]["ts"], "user": ADA, "text": "let me see", "ts": "1"}
        )

    with pytest.raises(AlertUnanswered):
        asked(slack(), others, timeout=0.5)


def test_a_rejection_counts_before_an_approval(slack, server):
    def both():
        server.react("white_check_mark", ADA)
        server.react("x", "U0BOB")

    alerter = slack(approvers=[ADA, "U0BOB"])
    assert asked(alerter, both) == (False, "U0BOB", "")


def test_without_approvers_nobody_can_be_asked(slack, server):
    with pytest.raises(AlerterCannotAsk, match="approvers"):
        slack(approvers=[]).ask("deploy it?")
    assert server.messages == []


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"message": 1, "messages": 1},
        {"message": {"reactions": [1, {"name": 1}, {"name": "+1", "users": ADA}]}},
        {"messages": [1, {"user": ADA, "text": 1}, {"user": [ADA], "text": "yes"}]},
    ],
)
def test_odd_answers_are_none(slack, server, content):
    opened = re.compile("reactions|replies")
    respond = server.receiver.respond
    server.receiver.respond = lambda request: (
        server.ok(**content) if opened.search(request.path) else respond(request)
    )
    with pytest.raises(AlertUnanswered):
        slack().ask("deploy it?", timeout=0.3)
