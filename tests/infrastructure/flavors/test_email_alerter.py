"""The alerter `email`: what it sends, and servers that do not behave."""

import time
from email import message_from_bytes
from email.policy import default

import pytest
from certificates import certificate, server_context
from error_text import error_text
from smtp_server import faulty_smtp

from stackfold.application.ports.alert import alert_of
from stackfold.domain.errors import (
    AlerterCannotAsk,
    AlerterUnavailable,
    AlertRejected,
    InvalidConfiguration,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.email.messages import email_message

ALERTER = ComponentType.ALERTER
PASSWORD = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_MAIL_USER", "ml")
    monkeypatch.setenv("STACKFOLD_SECRET_MAIL_PASSWORD", PASSWORD)


@pytest.fixture
def server():
    with faulty_smtp() as server:
        yield server


@pytest.fixture
def mail(ws):
    def mail(server, **configuration):
        given = {
            "host": "localhost",
            "port": server.port,
            "security": "none",
            "sender": "stackfold@example.com",
            "to": ["ml@example.com", "ops@example.com"],
            "strict": True,
            "timeout": 5,
            **configuration,
        }
        return ws.flavors.build(ALERTER, "email", given)

    return mail


WITH_PASSWORD = {"username": "{{mail.user}}", "password": "{{mail.password}}"}


# -- messages


def parsed(**given):
    sent = email_message(alert_of(**given), "a@example.com", ["b@example.com"], "[ml]", "t1")
    return message_from_bytes(bytes(sent), policy=default)


def test_a_message_is_plain_and_html():
    message = parsed(
        text="line one\n<b>", title="a & b", level="error", facts={"x": "<i>"}, link="https://x.io/"
    )
    plain = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert plain == "a & b\n\nline one\n<b>\n\nx: <i>\n\nhttps://x.io/\n"
    html = message.get_body(("html",)).get_content().replace("\r\n", "\n")
    assert "line one\n&lt;b&gt;" in html
    assert "a &amp; b" in html
    assert "&lt;i&gt;" in html
    assert message["subject"] == "[ml] error: a & b"
    assert message["from"] == "a@example.com"
    assert message["auto-submitted"] == "auto-generated"
    assert message["references"] == "<t1@example.com>"
    assert [*message.iter_attachments()] == []


@pytest.mark.parametrize(
    "title", ["a\r\nBcc: eve@example.com", "a\n\nbody", "ü" * 500, "\udcff\x00", "=?utf-8?q?x?="]
)
def test_no_header_can_be_injected(title):
    message = parsed(text="x", title=title, thread=title)
    assert message["bcc"] is None
    assert sorted(map(str.lower, message.keys())) == [
        "auto-submitted",
        "content-type",
        "date",
        "from",
        "in-reply-to",
        "message-id",
        "mime-version",
        "references",
        "subject",
        "to",
        "x-stackfold-level",
    ]
    assert "\n" not in message["subject"]


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"sender": "a\r\nBcc: b@example.com"}, "no address"),
        ({"sender": "Ada <ada@example.com>"}, "no address"),
        ({"to": ["ada@example.com,eve@example.com"]}, "no address"),
        ({"to": ["@example.com"]}, "no address"),
        ({"to": []}, "to"),
        ({"security": "none"}, "on this machine only"),
        ({"password": "hunter2", "username": "{{a.b}}"}, "is a secret"),
        ({"password": "{{a.b}}"}, "belong together"),
        ({"host": "smtp.example.com\r\n"}, "host"),
        ({"subject_prefix": "a\r\nBcc: b@example.com"}, "subject_prefix"),
    ],
)
def test_what_does_not_fit_is_rejected(ws, configuration, problem):
    given = {"host": "smtp.example.com", "sender": "a@example.com", "to": ["b@example.com"]}
    with pytest.raises(InvalidConfiguration, match=problem) as raised:
        ws.components.register(ALERTER, "mail", "email", {**given, **configuration})
    assert "hunter2" not in error_text(raised.value)


def test_a_mail_has_no_answer(mail, server):
    with pytest.raises(AlerterCannotAsk, match="it only sends"):
        mail(server).ask("deploy it?")
    assert server.commands == []


# -- what goes wrong


@pytest.mark.parametrize(
    ("replies", "problem", "error"),
    [
        ({"CONNECT": b"421 too many\r\n"}, "answers 421", AlerterUnavailable),
        (
            {"CONNECT": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
            "not answer as an SMTP",
            AlerterUnavailable,
        ),
        ({"CONNECT": "hangs"}, "did not answer in time", AlerterUnavailable),
        ({"CONNECT": "closes"}, "connection was closed", AlerterUnavailable),
        ({"CONNECT": "trickles"}, "did not answer in time", AlerterUnavailable),
        ({"EHLO": "is huge"}, "reply is larger than", AlerterUnavailable),
        ({"EHLO": "trickles"}, "did not answer in time", AlerterUnavailable),
        ({"EHLO": b"\xff\xfe\x00\r\n" * 9}, "connection was closed", AlerterUnavailable),
        ({"MAIL": b"451 later\r\n"}, "answers 451", AlerterUnavailable),
        ({"MAIL": b"550 no\r\n"}, "answers 550, and refuses the message", AlertRejected),
        ({"RCPT": b"550 no\r\n"}, "answers 550, and refuses every recipient", AlertRejected),
        ({"RCPT": b"450 greylisted\r\n"}, "answers 450", AlerterUnavailable),
        ({"DATA": b"554 no\r\n"}, "answers 554", AlertRejected),
        ({".": b"552 too large\r\n"}, "answers 552", AlertRejected),
        ({".": "hangs"}, "did not answer in time", AlerterUnavailable),
        ({".": "closes"}, "connection was closed", AlerterUnavailable),
        ({"AUTH": b"535 " + PASSWORD.encode() + b" is wrong\r\n"}, "is wrong", AlertRejected),
        ({"AUTH": b"454 later\r\n"}, "answers 454", AlerterUnavailable),
        ({"AUTH": "hangs"}, "did not answer in time", AlerterUnavailable),
    ],
    ids=str,
)
def test_what_goes_wrong_is_told_in_one_line(mail, server, replies, problem, error):
    server.replies = replies
    began = time.monotonic()
    with pytest.raises(error, match=problem) as raised:
        mail(server, timeout=1, **WITH_PASSWORD).post("x")
    assert time.monotonic() - began < 10
    assert "\n" not in str(raised.value)
    assert PASSWORD not in error_text(raised.value)
    assert server.messages == [] or "." in replies


def test_what_happens_after_the_message_was_taken_is_of_no_interest(mail, server):
    server.replies = {"QUIT": "closes"}
    assert mail(server).post("x")
    server.replies = {"QUIT": b"554 no\r\n"}
    assert mail(server).post("x")


def test_some_refused_recipients_are_a_line(mail, server, caplog):
    answers = iter([b"550 who?\r\n", b"250 ok\r\n"])
    proper = server._proper
    server._proper = lambda word: next(answers) if word == "RCPT" else proper(word)
    assert mail(server).post("x") is True
    assert "refused 1 of 2 recipients" in caplog.text
    assert len(server.messages) == 1


# -- encryption


def test_nothing_is_sent_to_a_server_without_starttls(mail, server):
    with pytest.raises(AlertRejected, match="does not offer what security starttls"):
        mail(server, security="starttls", **WITH_PASSWORD).post("x")
    assert [each.partition(" ")[0] for each in server.commands] == ["ehlo"]


@pytest.mark.parametrize("name", ["localhost", "another.example"])
def test_a_certificate_must_be_trusted_and_of_the_host(mail, tmp_path, monkeypatch, name):
    path = certificate(tmp_path, name)
    with faulty_smtp(server_context(path)) as server:
        alerter = mail(server, security="starttls", **WITH_PASSWORD)
        with pytest.raises(AlerterUnavailable, match="certificate is not trusted"):
            alerter.post("x")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        if name == "localhost":
            assert alerter.post("x")
            words = [each.partition(" ")[0] for each in server.commands]
            assert words.index("STARTTLS") < words.index("AUTH") < words.index("mail")
        else:
            with pytest.raises(AlerterUnavailable, match="certificate is not trusted"):
                alerter.post("x")
        assert not any("AUTH" in each for each in server.commands[:2])


def test_what_was_sent_before_the_encryption_is_not_believed(mail, tmp_path, monkeypatch):
    """A reply that was put behind that of STARTTLS must not be read as one of the server."""
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with faulty_smtp(server_context(path)) as server:
        server.replies = {"STARTTLS": b"220 go on\r\n250-evil\r\n250 AUTH PLAIN\r\n"}
        assert mail(server, security="starttls", **WITH_PASSWORD).post("x")
        words = [each.partition(" ")[0] for each in server.commands]
        assert words == ["ehlo", "STARTTLS", "ehlo", "AUTH", "mail", "rcpt", "rcpt", "data", "quit"]
