"""The alerter `email` on a real SMTP server, aiosmtpd."""

import importlib.util
import socket
from email import message_from_bytes
from email.policy import default

import pytest
from certificates import certificate, server_context

from stackfold.domain.errors import AlertRejected
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.testing import AlerterContract

if importlib.util.find_spec("aiosmtpd") is None:
    pytest.skip("install the dependency group `flavors`", allow_module_level=True)

# There is no TLS on one of its servers, which are on loopback.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")

PASSWORD = "hunter2-hunter2"
WITH_PASSWORD = {"username": "{{mail.user}}", "password": "{{mail.password}}"}


class Inbox:
    """Keeps the messages that the server takes."""

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):  # its name there
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def messages(self):
        return [message_from_bytes(each.content, policy=default) for each in self.envelopes]


def port_of(controller):
    return controller.server.sockets[0].getsockname()[1]


def connect(port):
    return socket.create_connection(("127.0.0.1", port))


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def serve(inbox, tmp_path, monkeypatch):
    """Starts a server; returns the configuration of an alerter that uses it."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    started = []
    monkeypatch.setenv("STACKFOLD_SECRET_MAIL_USER", "ml")
    monkeypatch.setenv("STACKFOLD_SECRET_MAIL_PASSWORD", PASSWORD)

    def authenticator(server, session, envelope, mechanism, data):
        right = (data.login, data.password) == (b"ml", PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    def serve(security="none", password=False):
        path = certificate(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        context = server_context(path)
        options = {
            "none": {},
            "starttls": {"tls_context": context, "require_starttls": True},
            "tls": {"ssl_context": context},
        }[security]
        if password:
            options |= {
                "authenticator": authenticator,
                "auth_required": True,
                "auth_require_tls": security == "starttls",
            }
        controller = Controller(inbox, hostname="127.0.0.1", port=0, **options)
        # Its own check of the server needs a fixed port.
        controller._trigger_server = lambda: connect(port_of(controller)).close()
        controller.start()
        started.append(controller)
        return {
            "host": "localhost",
            "port": port_of(controller),
            "security": security,
            "sender": "stackfold@example.com",
            "to": ["ml@example.com", "ops@example.com"],
            **(WITH_PASSWORD if password else {}),
        }

    yield serve
    for controller in started:
        controller.stop()


class TestEmail(AlerterContract):
    @pytest.fixture
    def flavor(self):
        return "email"

    @pytest.fixture(params=["none", "starttls", "tls"])
    def configuration(self, serve, request):
        return serve(request.param, password=True)

    @pytest.fixture
    def unreachable(self):
        return {
            "host": "localhost",
            "port": 1,
            "security": "none",
            "sender": "a@example.com",
            "to": ["b@example.com"],
        }

    @pytest.fixture
    def delivered(self, inbox):
        def delivered():
            return [
                f"{each['subject']}\n{each.get_body(('plain',)).get_content()}"
                for each in inbox.messages
            ]

        return delivered


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_wrong_password_is_told_without_it(ws, serve, security, monkeypatch, inbox):
    configuration = {**serve(security, password=True), "strict": True}
    monkeypatch.setenv("STACKFOLD_SECRET_MAIL_PASSWORD", "wrong-hunter2")
    alerter = ws.flavors.build(ComponentType.ALERTER, "email", configuration)
    for attempt in (lambda: alerter.post("x"), alerter.check_connection):
        with pytest.raises(AlertRejected, match="the user or the password is wrong") as raised:
            attempt()
        assert "hunter2" not in str(raised.value)
    assert inbox.messages == []


def test_the_message_is_what_mail_programs_read(ws, serve, inbox):
    alerter = ws.flavors.build(ComponentType.ALERTER, "email", serve())
    alerter.post("ü\n.\n..two", title="Größe", level="error", facts={"a": 1}, thread="night-7")
    alerter.post("x", thread="night-7")
    alerter.post("x", thread="night-8")
    first, second, third = inbox.messages
    assert first["subject"] == "[stackfold] error: Größe"
    assert first["to"] == "ml@example.com, ops@example.com"
    plain = first.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert plain == "Größe\n\nü\n.\n..two\n\na: 1\n"
    assert first["references"] == second["references"] != third["references"]
    assert first["message-id"] != second["message-id"]
    assert inbox.envelopes[0].rcpt_tos == ["ml@example.com", "ops@example.com"]
