"""How the artifact store `azure` signs in: at servers that answer as Microsoft documents.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from azurite import azure_store
from bucket_faults import problem

SECRET = "client secret/+"
EMPTY = b"""<?xml version="1.0" encoding="utf-8"?>
<EnumerationResults ContainerName="models"><Blobs /><NextMarker /></EnumerationResults>"""


class Microsoft(BaseHTTPRequestHandler):
    """Hands out tokens, and is a container that is empty for those who have one."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert urlsplit(self.path).path == "/tenant/oauth2/v2.0/token"
        assert sent["grant_type"] == ["client_credentials"]
        assert sent["scope"] == ["https://storage.azure.com/.default"]
        if sent["client_id"] == ["client"] and sent["client_secret"] == [SECRET]:
            self._token("principal", expires_in=3599)
        else:
            self._answer(401, {"error": "invalid_client", "error_description": "wrong secret"})

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        if self.path.startswith("/metadata/identity/oauth2/token"):
            assert self.headers["Metadata"] == "true"
            assert query["resource"] == ["https://storage.azure.com"]
            until = str(int(time.time()) + 3599)
            client = query.get("client_id", ["machine"])[0]
            self._token(client, expires_in="3599", expires_on=until)
            return
        token = self.headers.get("Authorization", "").removeprefix("Bearer token of ")
        self.server.seen.append(token)
        if token in {"principal", "machine", "second"}:
            self._send(
                200, b"<EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>"
            )
        else:
            self._send(403, b"<Error><Code>AuthenticationFailed</Code></Error>")

    def _token(self, of, **expires):
        self._answer(200, {"access_token": f"token of {of}", "token_type": "Bearer", **expires})

    def _answer(self, status, answer):
        self._send(status, json.dumps(answer).encode(), "application/json")

    def _send(self, status, body, type="application/xml"):
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Print nothing."""


@pytest.fixture
def microsoft(monkeypatch):
    pytest.importorskip("obstore")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Microsoft)
    server.seen, server.url = [], f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STACKFOLD_SECRET_AZURE_SECRET", SECRET)
    # What is configured is used, whatever the environment contains.
    for name in ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_TOKEN", "AZURE_STORAGE_SAS_KEY"):
        monkeypatch.setenv(name, "b3RoZXI=")
    yield server
    server.shutdown()
    server.server_close()


def principal(server, **given):
    return azure_store(
        path="az://models/x",
        account_name="account",
        endpoint_url=server.url,
        authority_url=server.url,
        tenant_id="tenant",
        client_id="client",
        client_secret="{{azure.secret}}",
        **given,
    )


def test_a_service_principal_signs_in(microsoft):
    principal(microsoft).check_connection()
    assert microsoft.seen == ["principal"]


def test_a_service_principal_with_a_wrong_secret_is_reported(microsoft, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_AZURE_SECRET", "wrong-one")
    line = problem("check", principal(microsoft, retry_timeout=1), "wrong-one")
    assert line.endswith(
        "the service principal cannot sign in: correct tenant_id, client_id or client_secret"
    )
    assert microsoft.seen == []


@pytest.mark.parametrize(
    ("client_id", "expected"), [({}, "machine"), ({"client_id": "second"}, "second")]
)
def test_a_managed_identity_is_used(microsoft, monkeypatch, client_id, expected):
    address = f"{microsoft.url}/metadata/identity/oauth2/token"
    monkeypatch.setenv("AZURE_MSI_ENDPOINT", address)
    store = azure_store(
        path="az://models/x",
        account_name="account",
        endpoint_url=microsoft.url,
        managed_identity=True,
        **client_id,
    )
    store.check_connection()
    assert microsoft.seen == [expected]


def test_a_machine_without_an_identity_is_reported(microsoft, monkeypatch):
    monkeypatch.setenv("AZURE_MSI_ENDPOINT", "http://127.0.0.1:1/")
    store = azure_store(
        path="az://models/x",
        account_name="account",
        endpoint_url=microsoft.url,
        managed_identity=True,
        retry_timeout=0.5,
    )
    assert "there are no credentials: give account_key" in problem("check", store)
