"""Asking a container registry: what a real one does not do on request.

A server here answers as registries in the cloud do: with tokens, redirections and failures.
`tests/flavors` has a real registry.
"""

import base64
import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stackfold.application.ports import Credentials
from stackfold.domain.errors import RegistryForbidden, RegistryUnavailable
from stackfold.infrastructure.flavors.containers.registry_api import RegistryApi

DIGEST = "sha256:" + "ab" * 32
BASIC = "Basic " + base64.b64encode(b"ada:hunter2").decode()
FOUND = (200, {"Docker-Content-Digest": DIGEST}, {})


class Server:
    """Answers as it is told, and keeps what it was asked, with whose credentials."""

    def __init__(self):
        self.asked = []
        self.answers = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                who = self.headers.get("Authorization")
                server.asked.append((self.path, who))
                answer = server.answers[self.path.partition("?")[0]]
                status, headers, body = answer(who) if callable(answer) else answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(json.dumps(body).encode())

            do_HEAD = do_GET

            def log_message(self, *_): ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def api(self, *, plain=True, password="hunter2"):
        return RegistryApi(self.host, plain, lambda: Credentials("ada", password))

    def image(self, name="training:1"):
        return f"{self.host}/{name}"


@pytest.fixture
def server():
    with Server() as running:
        yield running


def guarded(challenge, welcome):
    """An answer to those who are welcome; others are asked who they are."""

    def answer(who):
        return FOUND if who == welcome else (401, {"WWW-Authenticate": challenge}, {})

    return answer


MANIFEST = "/v2/training/manifests/1"


def test_nobody_is_told_who_asks_unless_they_want_to_know(server):
    server.answers[MANIFEST] = FOUND
    assert server.api().digest(server.image()) == DIGEST
    assert server.asked == [(MANIFEST, None)]


def test_a_registry_that_wants_a_password_gets_it(server):
    server.answers[MANIFEST] = guarded('Basic realm="hub"', BASIC)
    assert server.api().digest(server.image()) == DIGEST
    assert server.asked == [(MANIFEST, None), (MANIFEST, BASIC)]


def with_tokens(server, **told):
    challenge = (
        f'Bearer realm="http://{server.host}/token",service="hub",scope="repository:training:pull"'
    )
    server.answers[MANIFEST] = guarded(challenge, "Bearer once")
    server.answers["/token"] = lambda who: (200, {}, told) if who == BASIC else (401, {}, {})


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_a_registry_that_wants_a_token_says_where_to_get_it(server, name):
    with_tokens(server, **{name: "once"})
    assert server.api().digest(server.image()) == DIGEST
    assert server.asked[1] == (
        "/token?service=hub&scope=repository%3Atraining%3Apull",
        BASIC,
    )


def test_wrong_credentials_are_told_without_repeating_them(server):
    with_tokens(server, token="once")
    for answer in (server.answers[MANIFEST], guarded('Basic realm="hub"', BASIC)):
        server.answers[MANIFEST] = answer
        with pytest.raises(RegistryForbidden, match="correct the secrets behind") as caught:
            server.api(password="wrong-password").digest(server.image())
        assert "wrong-password" not in str(caught.value)


def test_credentials_are_not_carried_to_where_an_answer_leads(server):
    with Server() as other:
        other.answers["/elsewhere"] = FOUND
        elsewhere = (307, {"Location": f"http://{other.host}/elsewhere"}, {})
        challenge = (401, {"WWW-Authenticate": "Basic"}, {})
        server.answers[MANIFEST] = lambda who: elsewhere if who == BASIC else challenge
        assert server.api().digest(server.image()) == DIGEST
        assert other.asked == [("/elsewhere", None)]


@pytest.mark.parametrize("status", [404, 405, 403])
def test_what_it_does_not_tell_is_unknown(server, status):
    server.answers[MANIFEST] = (status, {}, {})
    assert server.api().digest(server.image()) is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_in_trouble_is_said_to_be(server, status):
    server.answers[MANIFEST] = (status, {}, {})
    with pytest.raises(RegistryUnavailable, match=f"it answers with the status {status}"):
        server.api().digest(server.image())


def test_a_token_that_is_none_is_said_to_be(server):
    with_tokens(server)
    with pytest.raises(RegistryForbidden):
        server.api().digest(server.image())


def test_one_that_speaks_no_tls_is_said_to_be(server):
    with pytest.raises(RegistryUnavailable, match="it speaks no TLS: if plain HTTP will do"):
        server.api(plain=False).digest(server.image())


def test_one_that_does_not_answer_is_said_to_be():
    with pytest.raises(RegistryUnavailable, match="nothing answers there"):
        RegistryApi("127.0.0.1:9", True, lambda: None).digest("127.0.0.1:9/training:1")


@pytest.fixture
def with_tls(server, tmp_path):
    """The server with a certificate that nobody trusts; returns that."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "hub.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.host = f"localhost:{server.http.server_port}"
    return path


def test_a_certificate_that_nobody_trusts_is_said_to_be(server, with_tls):
    with pytest.raises(RegistryUnavailable, match="its certificate is not trusted"):
        server.api(plain=False).digest(server.image())


def test_credentials_are_not_sent_where_everybody_could_read_them(server, with_tls, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(with_tls))
    challenge = 'Bearer realm="http://127.0.0.1:9/token",service="hub"'
    server.answers[MANIFEST] = guarded(challenge, "Bearer once")
    with pytest.raises(RegistryUnavailable, match="where everybody could read them"):
        server.api(plain=False).digest(server.image())


# -- whether it can be used at all


def test_a_registry_that_anybody_may_use_can_be_used(server):
    server.answers["/v2/"] = (200, {}, {})
    server.api().check()


def test_a_registry_is_logged_in_to(server):
    server.answers["/v2/"] = guarded('Basic realm="r"', BASIC)
    server.api().check()
    assert server.asked == [("/v2/", None), ("/v2/", BASIC)]


def test_wrong_credentials_are_found_out(server):
    server.answers["/v2/"] = guarded('Basic realm="r"', BASIC)
    with pytest.raises(RegistryForbidden, match="the credentials are wrong"):
        server.api(password="other").check()


def test_something_that_is_no_registry_is_found_out(server):
    server.answers["/v2/"] = (404, {}, {})
    with pytest.raises(RegistryUnavailable, match=r"it is no registry, as it answers with .* 404"):
        server.api().check()
