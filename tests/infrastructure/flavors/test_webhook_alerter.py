"""The alerter `webhook`, on a real HTTP server that checks what it is sent."""

import json
import time

import pytest
from error_text import error_text
from webhook_server import Reply, webhook_receiver

from stackfold.application.ports.alert import alert_of
from stackfold.domain.errors import (
    AlerterCannotAsk,
    AlerterUnavailable,
    AlertRejected,
    AlertUnanswered,
    InvalidConfiguration,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system.webhook_signatures import signed, verified
from stackfold.testing import AlerterContract

KEY = "whsec_c2l4dGVlbi1ieXRlcy1vZi1rZXk="
TOKEN = "hunter2-the-token"
ALERTER = ComponentType.ALERTER


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_KEY", KEY)
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_TOKEN", TOKEN)


@pytest.fixture
def receiver():
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def webhook(ws, receiver):
    def webhook(**configuration):
        given = {"url": f"{receiver.url}alerts", **configuration}
        return ws.flavors.build(ALERTER, "webhook", given)

    return webhook


class Answers:
    """Answers a question as a signed JSON document; says so only when it was told to."""

    def __init__(self, receiver):
        self.receiver = receiver
        self.approved = None
        receiver.respond = self.respond

    def __call__(self, approved):
        self.approved = approved

    def respond(self, request):
        if request.method != "GET":
            return 204
        if self.approved is None:
            return 404
        id = request.path.rpartition("id=")[2]
        return reply({"id": id, "approved": self.approved, "by": "ada"}, id)


def reply(content, id, key=KEY, at=0.0):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(200, body, signed(id, int(time.time() + at), body, key))


class TestWebhook(AlerterContract):
    @pytest.fixture
    def flavor(self):
        return "webhook"

    @pytest.fixture
    def configuration(self, receiver):
        return {
            "url": f"{receiver.url}alerts",
            "signing_key": "{{hook.key}}",
            "answers_url": f"{receiver.url}answers",
        }

    @pytest.fixture
    def unreachable(self):
        return {"url": "http://127.0.0.1:1/", "timeout": 1}

    @pytest.fixture
    def delivered(self, receiver):
        return lambda: [
            json.dumps(json.loads(each.body), ensure_ascii=False)
            for each in receiver.received
            if each.method == "POST"
        ]

    @pytest.fixture
    def answer(self, receiver):
        return Answers(receiver)


class TestFormats(AlerterContract):
    @pytest.fixture(params=["slack", "teams", "discord"])
    def format(self, request):
        return request.param

    @pytest.fixture
    def flavor(self):
        return "webhook"

    @pytest.fixture
    def configuration(self, receiver, format):
        return {"url": f"{receiver.url}alerts", "format": format}

    @pytest.fixture
    def delivered(self, receiver):
        return lambda: [
            json.dumps(json.loads(each.body), ensure_ascii=False).replace("\\n", "\n")
            for each in receiver.received
            if each.method == "POST"
        ]


# -- what is sent


def test_the_body_has_every_field_and_is_signed(webhook, receiver):
    alerter = webhook(signing_key="{{hook.key}}", headers={"X-Token": "{{hook.token}}"})
    alerter.post("text", title="title", level="error", facts={"a": 1}, thread="night-7")
    (request,) = receiver.received
    content = json.loads(request.body)
    assert content == {
        "id": content["id"],
        "text": "text",
        "title": "title",
        "level": "error",
        "facts": {"a": "1"},
        "link": "",
        "thread": "night-7",
    }
    assert request.path == "/alerts"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert request.headers["x-token"] == TOKEN
    assert verified(content["id"], time.time(), request.headers, request.body, KEY)
    assert not verified(content["id"], time.time(), request.headers, request.body + b" ", KEY)
    assert not verified(content["id"], time.time() + 3600, request.headers, request.body, KEY)


def test_the_url_may_be_a_secret(webhook, receiver, monkeypatch, caplog):
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_URL", f"{receiver.url}services/hunter2")
    alerter = webhook(url="{{hook.url}}", strict=True)
    assert alerter.is_remote
    assert alerter.post("x")
    assert receiver.received[0].path == "/services/hunter2"
    receiver.answers = [403]
    with pytest.raises(AlertRejected) as raised:
        alerter.post("x")
    assert "hunter2" not in error_text(raised.value)
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_URL", "http://example.com/hunter2")
    with pytest.raises(AlertRejected, match="must be https") as raised:
        alerter.post("x")
    assert "hunter2" not in error_text(raised.value)


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"url": "http://example.com/a"}, "must be https, except on this machine"),
        ({"url": "ftp://example.com/a"}, "must be https://HOST"),
        ({"url": "https://ada:hunter2@example.com/"}, "may contain no user or password"),
        ({"url": "https://exa mple.com/"}, "must be https://HOST"),
        ({"url": "https://"}, "must be https://HOST"),
        ({"headers": {"X-Token": "hunter2"}}, "is a secret"),
        ({"headers": {"Host": "{{a.b}}"}}, "cannot be set"),
        ({"headers": {"Content-Length": "{{a.b}}"}}, "cannot be set"),
        ({"headers": {"X\r\nY": "{{a.b}}"}}, "cannot be set"),
        ({"answers_url": "https://example.com/"}, "answers_url requires signing_key"),
        ({"format": "carrier pigeon"}, "format"),
        ({"format": "slack"}, "contains a token: store it as a secret"),
        ({"format": "discord", "url": "https://discord.com/api/hunter2"}, "contains a token"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_what_does_not_fit_is_rejected(ws, configuration, problem):
    given = {"url": "https://example.com/alerts", **configuration}
    with pytest.raises(InvalidConfiguration, match=problem) as raised:
        ws.components.register(ALERTER, "hook", "webhook", given)
    assert "hunter2" not in error_text(raised.value)


def test_http_to_other_machines_is_possible_if_it_is_asked_for(ws):
    given = {"url": "http://alerts.example.com/", "insecure": True}
    ws.components.register(ALERTER, "hook", "webhook", given)


def test_a_secret_that_cannot_be_a_header_is_not_repeated(webhook, receiver, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_TOKEN", "hunter2\r\nX-Evil: 1")
    alerter = webhook(headers={"X-Token": "{{hook.token}}"}, strict=True)
    with pytest.raises(AlertRejected, match="cannot be the header X-Token") as raised:
        alerter.post("x")
    assert "hunter2" not in error_text(raised.value)
    assert receiver.received == []


# -- what the server answers


def asks_to_wait(text):
    return Reply(429, headers={"Retry-After": text})


def test_it_waits_as_long_as_the_server_asks(webhook, receiver):
    receiver.answers = [asks_to_wait("1"), 503, 200]
    began = time.monotonic()
    assert webhook().post("x") is True
    assert time.monotonic() - began > 1
    ids = {json.loads(each.body)["id"] for each in receiver.received}
    assert len(receiver.received) == 3
    assert len(ids) == 1


def test_a_pause_that_is_too_long_is_not_waited_for(webhook, receiver, caplog):
    receiver.answers = [asks_to_wait("3600")]
    alerter = webhook()
    assert alerter.post("x") is False
    assert "answers 429" in caplog.text
    # Until then, only errors are tried.
    assert alerter.post("x") is False
    assert len(receiver.received) == 1
    assert alerter.post("x", level="error") is True
    assert alerter.post("x") is True
    assert len(receiver.received) == 3


@pytest.mark.parametrize(
    ("answers", "problem", "error"),
    [
        (["redirects"], "answers 307, a redirect, which is not followed", AlertRejected),
        ([401], "answers 401", AlertRejected),
        ([404], "answers 404", AlertRejected),
        (["hangs"], "did not answer in time", AlerterUnavailable),
        (["trickles"] * 9, "did not answer in time|not complete in time", AlerterUnavailable),
        (["is huge"] * 9, "larger than", AlerterUnavailable),
        (["closes"] * 9, "disconnected|reset", AlerterUnavailable),
        ([500] * 9, "answers 500", AlerterUnavailable),
        ([asks_to_wait("Fri, 31 Dec 2100 23:59:59 GMT")], "429", AlerterUnavailable),
        ([asks_to_wait("9" * 50)] * 9, "429", AlerterUnavailable),
        ([asks_to_wait("\xff")] * 9, "429", AlerterUnavailable),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(webhook, receiver, answers, problem, error):
    receiver.answers = answers
    began = time.monotonic()
    with pytest.raises(error, match=problem) as raised:
        webhook(strict=True, timeout=2, headers={"X-Token": "{{hook.token}}"}).post("x")
    assert time.monotonic() - began < 10
    assert "\n" not in str(raised.value)
    assert TOKEN not in error_text(raised.value)


def test_credentials_do_not_follow_a_redirect(webhook, receiver):
    receiver.answers = ["redirects"]
    assert webhook(headers={"X-Token": "{{hook.token}}"}).post("x") is False
    assert len(receiver.received) == 1


def test_the_connection_is_checked_with_the_credentials(webhook, receiver):
    webhook(headers={"X-Token": "{{hook.token}}"}).check_connection()
    (request,) = receiver.received
    assert (request.method, request.headers["x-token"]) == ("OPTIONS", TOKEN)
    receiver.answers = [405]
    webhook().check_connection()
    receiver.answers = [401]
    with pytest.raises(AlertRejected, match="answers 401"):
        webhook().check_connection()


# -- the forms of chats


def test_mentions_are_not_possible(webhook, receiver):
    text = "<!channel> <@U1> <https://evil.example|click>"
    webhook(format="slack").post(text, title=text, facts={text: text})
    webhook(format="discord").post("@everyone")
    slack, discord = (json.loads(each.body) for each in receiver.received)
    sections = [each for each in slack["blocks"] if each["type"] == "section"]
    assert sections
    assert "<" not in json.dumps(sections)
    assert "<" not in slack["text"]
    assert discord["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("character", ["x", "&", "<"])
def test_messages_fit_what_chats_take(character):
    from stackfold.infrastructure.flavors import chat_messages

    long = character * 20_000
    alert = alert_of(long, title=long, facts={f"{n}{long}": long for n in range(50)})
    slack = chat_messages.slack_message(alert)
    assert len(slack["blocks"]) <= 50
    for block in slack["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        elif "text" in block:
            assert len(block["text"]["text"]) <= 3000
        else:
            assert len(block["fields"]) <= 10
            assert max(len(each["text"]) for each in block["fields"]) <= 2900
    (embed,) = chat_messages.discord_message(alert)["embeds"]
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert len(embed["fields"]) <= 25
    whole = [embed["title"], embed["description"]]
    for field in embed["fields"]:
        assert len(field["name"]) <= 256
        assert len(field["value"]) <= 1024
        whole += [field["name"], field["value"]]
    assert len("".join(whole)) <= 6000
    assert len(json.dumps(chat_messages.teams_message(alert))) < 28_000 * 2


# -- answers


@pytest.fixture
def asking(webhook, receiver, monkeypatch):
    alerter = webhook(signing_key="{{hook.key}}", answers_url=f"{receiver.url}a?team=ml")
    monkeypatch.setattr(type(alerter), "poll_interval", 0.05)
    return alerter


def test_a_webhook_without_answers_cannot_ask(webhook):
    with pytest.raises(AlerterCannotAsk, match="answers_url"):
        webhook(signing_key="{{hook.key}}").ask("deploy it?")


def test_an_answer_is_read_where_it_is_looked_for(asking, receiver):
    def respond(request):
        if request.method == "POST":
            return 204
        id = request.path.rpartition("id=")[2]
        assert verified(id, time.time(), request.headers, b"", KEY)
        return reply({"id": id, "approved": True, "by": "ada\n", "text": "fine\x00"}, id)

    receiver.respond = respond
    answer = asking.ask("deploy it?", timeout=10)
    assert answer == (True, "ada", "fine")
    assert json.loads(receiver.received[0].body)["question"] is True


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda id: Reply(200, b'{"approved": true}'), "not signed"),
        (
            lambda id: reply({"id": id, "approved": True}, id, key="another" * 3),
            "not signed",
        ),
        (lambda id: reply({"id": id, "approved": True}, id, at=-3600), "not signed"),
        (lambda id: reply({"id": id, "approved": True}, "another"), "not signed"),
        (lambda id: reply({"id": "another", "approved": True}, id), "no JSON with id"),
        (lambda id: reply({"id": id, "approved": "yes"}, id), "no JSON with id"),
        (lambda id: reply(b"\xff{", id), "no JSON with id"),
        (lambda id: reply(b"[" * 100_000, id), "no JSON with id"),
        (lambda id: Reply(403), "its status is 403"),
        (lambda id: "redirects", "its status is 307"),
    ],
)
def test_an_answer_that_is_not_one_is_an_error(asking, receiver, make, problem):
    receiver.respond = lambda request: (
        204 if request.method == "POST" else make(request.path.rpartition("id=")[2])
    )
    with pytest.raises(AlertRejected, match=problem) as raised:
        asking.ask("deploy it?", timeout=5)
    assert "\n" not in str(raised.value)


def test_an_outage_while_an_answer_is_awaited_is_one_line(asking, receiver, caplog):
    answers = Answers(receiver)
    answers(True)
    respond = receiver.respond
    receiver.respond = lambda request: (
        respond(request) if request.method == "POST" or len(receiver.received) > 4 else 503
    )
    assert asking.ask("deploy it?", timeout=20).approved
    assert caplog.text.count("still awaited") == 1
    receiver.respond = lambda request: 204 if request.method == "POST" else 503
    with pytest.raises(AlertUnanswered, match=r"within 0\.5 s"):
        asking.ask("deploy it?", timeout=0.5)
