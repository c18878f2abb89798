"""The artifact store `azure` when its server is away, busy, or says no: bounded, one clear line."""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from azurite import ACCOUNT, KEY, azure_store
from bucket_contract import key_of
from bucket_faults import OPERATIONS, BucketFaults, problem

from stackfold.testing.contracts.artifact_store import content, uris, written

OTHER_KEY = b64encode(b"another key" * 6).decode()


class TestAzureFaults(BucketFaults):
    MISSING = "az://missing"
    NO_BUCKET = "there is no such container: create it, or correct the path"
    HOST = "account_name or endpoint_url"
    DELETES = b"POST "

    @pytest.fixture
    def server(self, azure_server):
        return azure_server

    @pytest.fixture
    def make(self, azure_secrets):
        return azure_store

    @pytest.fixture
    def path(self, azure_path):
        return azure_path

    @pytest.fixture
    def secret(self):
        return KEY

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_a_wrong_key_is_reported(self, store, monkeypatch, operation):
        monkeypatch.setenv("STACKFOLD_SECRET_AZURE_KEY", OTHER_KEY)
        line = problem(operation, store, OTHER_KEY)
        assert "access is denied: correct the secret behind account_key" in line

    def test_a_key_that_is_not_base64_is_reported(self, store, monkeypatch):
        monkeypatch.setenv("STACKFOLD_SECRET_AZURE_KEY", "no base 64!")
        assert "the key is not base64" in problem("write", store, "no base 64!")

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_a_wrong_signature_is_reported(self, make, server, path, monkeypatch, operation):
        token = "sv=2021-08-06&sr=c&sp=racwdl&se=2030-01-01&sig=wrong-one"
        monkeypatch.setenv("STACKFOLD_SECRET_AZURE_SAS", token)
        store = make(path=path, endpoint_url=server.url, sas_token="{{azure.sas}}")
        assert "access is denied" in problem(operation, store, "wrong-one")

    @pytest.mark.parametrize("operation", ["list", "check"])
    def test_another_account_is_reported(self, make, server, path, operation):
        url = server.url.replace(ACCOUNT, "other")
        store = make(path=path, endpoint_url=url, account_name="other")
        assert "there is no such account on this server" in problem(operation, store)


def signature(permissions, *, hours=1):
    """A shared access signature of the account:
    https://learn.microsoft.com/rest/api/storageservices/create-account-sas
    """
    until = (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"sv": "2020-08-04", "ss": "b", "srt": "sco", "sp": permissions, "se": until}
    signed = [ACCOUNT, permissions, "b", "sco", "", until, "", "", values["sv"], ""]
    digest = hmac.new(b64decode(KEY), "\n".join(signed).encode(), hashlib.sha256).digest()
    return urlencode({**values, "sig": b64encode(digest).decode()})


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("sas_token", signature("rwdlac")),
        ("sas_token", f"?{signature('rwdlac')}"),
        ("connection_string", f"AccountName={ACCOUNT};AccountKey={KEY};"),
        ("connection_string", f"SharedAccessSignature={signature('rwdlac')}"),
    ],
)
def test_other_credentials_are_accepted(azure_server, azure_path, monkeypatch, attribute, value):
    monkeypatch.setenv("STACKFOLD_SECRET_AZURE_OTHER", value)
    given = {attribute: "{{azure.other}}"}
    store = azure_store(path=azure_path, endpoint_url=azure_server.url, **given)
    store.check_connection()
    stored = written(store, b"bytes")
    assert written(store, b"bytes") == stored
    assert content(store, stored) == b"bytes"
    if "Signature" not in value and attribute != "sas_token":
        # Azurite 3.35 answers 500 to a batch, by which objects are deleted, with a signature.
        assert store.delete(stored.uri, datetime.now(UTC) + timedelta(hours=1)) is True


@pytest.mark.parametrize(("permissions", "hours"), [("rl", 1), ("rwdlac", -1)])
def test_a_signature_that_does_not_permit_it_is_reported(
    azure_server, azure_path, monkeypatch, permissions, hours
):
    monkeypatch.setenv("STACKFOLD_SECRET_AZURE_OTHER", signature(permissions, hours=hours))
    store = azure_store(path=azure_path, endpoint_url=azure_server.url, sas_token="{{azure.other}}")
    assert "access is denied" in problem("write", store, "sig=")


def test_a_connection_string_of_another_account_is_rejected(azure_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_AZURE_OTHER", f"AccountName=other;AccountKey={KEY}")
    store = azure_store(path=azure_path, connection_string="{{azure.other}}")
    assert problem("write", store, KEY).endswith("is that of another account: correct account_name")


def test_environment_variables_do_not_change_the_server(azure, monkeypatch):
    for name, value in {
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1",
        "AZURE_ENDPOINT": "http://127.0.0.1:1",
        "AZURE_CONTAINER_NAME": "other",
        "AZURE_STORAGE_ACCOUNT_NAME": "other",
        "AZURE_STORAGE_ACCOUNT_KEY": OTHER_KEY,
        "AZURE_STORAGE_SAS_KEY": "sig=other",
        "AZURE_STORAGE_TOKEN": "other",
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURE_USE_FABRIC_ENDPOINT": "true",
        "AZURE_SKIP_SIGNATURE": "true",
        "AZURE_CREDENTIAL_TYPE": "azure_cli",
    }.items():
        monkeypatch.setenv(name, value)
    assert content(azure, written(azure, b"bytes")) == b"bytes"


def test_more_objects_than_one_page_are_listed(azure, azure_client, azure_path):
    import obstore

    count = 5_010  # a page has 5,000
    keys = [f"{key_of(azure_path)}/{n % 256:02x}/{n:062x}" for n in range(count)]

    async def put(part):
        await asyncio.gather(*(obstore.put_async(azure_client, key, b"") for key in part))

    for start in range(0, count, 400):
        asyncio.run(put(keys[start : start + 400]))
    listed = uris(azure)
    assert [key_of(each) for each in listed] == sorted(keys)
