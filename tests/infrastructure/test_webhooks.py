"""The webhook reaction, against a real server: what it sends, and what counts as accepted."""

import base64
import hashlib
import hmac
import json
import logging

import pytest
from calls import run
from webhook_server import webhook_receiver
from workspaces import stack

from stackfold.domain.errors import Invalid
from stackfold.eventsourcing import Retries, Stack, webhook
from stackfold.infrastructure.system.webhook_signatures import signed

KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SECRET = f"whsec_{KEY}"
TWICE = Retries(attempts=2, first=0.0, longest=0.0)


@pytest.fixture
def receiver():
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def ws(ws, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_KEY", SECRET)
    return ws


def hook(receiver, **more):
    options = {"secret": "{{hook.key}}", "topics": [Stack.Registered], "retries": TWICE, **more}
    return webhook(f"{receiver.url}stackfold", **options)


def deliver(ws, receiver, **more):
    """Let a webhook begin, register a stack, and run it."""
    run(ws, hook(receiver, **more))
    stack(ws, "prod")
    (view,) = run(ws, hook(receiver, **more))
    return view


def problems(ws):
    return [failed.error for failed in ws.reactions.failed()]


# -- the request


def test_an_event_is_sent_as_a_cloud_event(ws, receiver):
    view = deliver(ws, receiver)
    (request,) = receiver.received
    assert request.path == "/stackfold"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    first, *_, last = ws.log.events()
    assert json.loads(request.body) == {
        "specversion": "1.0",
        "id": last.head,
        "source": f"urn:stackfold:log:{first.head.partition(':')[2]}",
        "type": "stack.registered",
        "subject": last.id,
        "time": last.recorded_at,
        "datacontenttype": "application/json",
        "sequence": f"{last.position:019}",
        "revision": 1,
        "data": last.data,
    }
    assert (view.name, view.lag, problems(ws)) == ("webhook-127.0.0.1", 0, [])


def test_a_request_is_signed_by_standard_webhooks(ws, receiver):
    deliver(ws, receiver)
    (request,) = receiver.received
    id, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    content = f"{id}.{timestamp}.".encode() + request.body
    digest = hmac.new(base64.b64decode(KEY), content, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def test_the_signature_is_that_of_the_example_of_the_standard():
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["short", "whsec_c2hvcnQ=", "whsec_not base64 but long enough"])
def test_an_unusable_key_is_rejected_without_being_shown(ws, receiver, monkeypatch, secret):
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_KEY", secret)
    deliver(ws, receiver)
    (problem,) = problems(ws)
    assert "the key of a webhook" in problem
    assert secret not in problem
    assert not receiver.received


def test_a_missing_secret_parks_the_event_and_names_the_secret(ws, receiver):
    deliver(ws, receiver, secret="{{nowhere.key}}")
    assert "nowhere" in problems(ws)[0]


def test_a_text_of_any_characters_is_sent_as_it_is(ws, receiver):
    run(ws, hook(receiver, topics=["stack.updated"]))
    stack(ws, "prod")
    ws.stacks.update("prod", description='zażółć \N{SNOWMAN} \x1b[31m \\ "quoted"')
    run(ws, hook(receiver, topics=["stack.updated"]))
    assert json.loads(receiver.received[0].body)["data"]["description"].startswith("zażółć")


# -- the answer


def test_errors_of_the_server_are_retried_with_the_same_id_and_body(ws, receiver):
    receiver.answers = [500]
    deliver(ws, receiver)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert problems(ws) == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        ("redirects", "answered 307, a redirect, which is not followed"),
        ("hangs", "did not answer in 0.3 s"),
        ("trickles", "did not answer in 0.3 s"),
        ("closes", "could not be reached: "),
        ("is huge", "could not be reached: the response is larger than 65536 bytes"),
    ],
)
def test_an_event_that_is_not_accepted_is_parked(ws, receiver, answer, problem):
    receiver.answers = [answer] * 2
    deliver(ws, receiver, timeout=0.3)
    assert len(receiver.received) == 2
    assert f"WebhookFailed: the webhook at 127.0.0.1 {problem}" in problems(ws)[0]


def test_events_wait_while_the_server_is_away_and_arrive_in_order(ws):
    with webhook_receiver() as gone:
        port = int(gone.url.split(":")[2].strip("/"))
        run(ws, hook(gone))
    for number in range(3):
        stack(ws, f"s{number}")
    run(ws, hook(gone))
    assert len(problems(ws)) == 3
    assert "could not be reached" in problems(ws)[0]
    with webhook_receiver(port) as back:
        ws.reactions.retry("webhook-127.0.0.1")
        run(ws, hook(back))
        names = [json.loads(each.body)["data"]["name"] for each in back.received]
    assert names == ["s0", "s1", "s2"]
    assert problems(ws) == []


# -- secrets


def test_neither_the_key_nor_a_secret_url_is_shown(ws, receiver, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_URL", f"{receiver.url}t0ken-in-the-path")
    receiver.answers = [500, 500]
    url = {"secret": "{{hook.key}}", "retries": TWICE, "topics": ["stack.registered"]}
    run(ws, webhook("{{hook.url}}", name="hook", **url))
    stack(ws, "prod")
    run(ws, webhook("{{hook.url}}", name="hook", **url))
    assert [each.path for each in receiver.received] == ["/t0ken-in-the-path"] * 2
    ours = [each for each in caplog.records if each.name.startswith("stackfold")]
    shown = repr([each.__dict__ for each in ours]) + repr(ws.reactions.failed())
    shown += repr(ws._database.read("SELECT * FROM reaction_failures"))
    assert "answered 500" in shown
    assert "t0ken" not in shown
    assert KEY not in shown


# -- declarations


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "example.org/hook",
        "http://",
        "http:///path",
        "http://ada:pl4nted@example.org/",
        "http://example.org:99999/",
        "",
        "javascript:alert(1)",
    ],
)
def test_other_urls_are_rejected_without_being_shown(url):
    with pytest.raises(Invalid) as raised:
        webhook(url, secret="{{hook.key}}")
    assert "pl4nted" not in str(raised.value)


@pytest.mark.parametrize(
    "more",
    [
        {"secret": SECRET},
        {"secret": ""},
        {"timeout": 0},
        {"timeout": float("inf")},
        {"timeout": float("nan")},
        {"timeout": True},
        {"topics": [7]},
        {"url": "{{hook.url}}"},
    ],
    ids=str,
)
def test_an_invalid_webhook_is_rejected(more):
    with pytest.raises(Invalid) as raised:
        webhook(**{"url": "https://example.org/", "secret": "{{hook.key}}", **more})
    assert KEY not in str(raised.value)
