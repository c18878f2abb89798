"""The artifact store `gcs` when its server is away, busy, or says no: bounded, one clear line."""

import json

import pytest
from bucket_contract import key_of
from bucket_faults import OPERATIONS, BucketFaults, problem
from gcs_server import gcs_store, service_account_key

from stackfold.testing.contracts.artifact_store import content, uris, written


class TestGcsFaults(BucketFaults):
    MISSING = "gs://missing"
    NO_BUCKET = "there is no such bucket: create it, or correct the path"

    @pytest.fixture
    def server(self, gcs_server):
        return gcs_server

    @pytest.fixture
    def make(self, gcs_secrets):
        return gcs_store

    @pytest.fixture
    def path(self, gcs_path):
        return gcs_path

    @pytest.fixture
    def secret(self, gcs_server):
        return json.loads(gcs_server.key)["private_key"].split("\n")[1]

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_the_key_of_another_account_is_reported(self, store, monkeypatch, operation):
        monkeypatch.setenv("STACKFOLD_SECRET_GCS_KEY", service_account_key())
        line = problem(operation, store, "eyJ")
        assert "the key is wrong, or was deleted: correct the secret behind service" in line

    @pytest.mark.parametrize(
        "key",
        [
            "no json",
            "{}",
            "[]",
            '{"type": "authorized_user", "client_id": "id", "client_secret": "s"}',
            '{"client_email": "a@b", "private_key": "no-pem", "private_key_id": "1"}',
        ],
    )
    def test_what_is_no_key_of_a_service_account_is_reported(self, store, monkeypatch, key):
        monkeypatch.setenv("STACKFOLD_SECRET_GCS_KEY", key)
        line = problem("write", store, "no-pem")
        assert line.endswith("is not the JSON key of a service account")


def test_environment_variables_do_not_change_the_server(gcs, monkeypatch, tmp_path):
    (tmp_path / "other.json").write_text(service_account_key())
    for name, value in {
        "GOOGLE_BASE_URL": "http://127.0.0.1:1",
        "GOOGLE_BUCKET": "other",
        "GOOGLE_BEARER_TOKEN": "other",
        "GOOGLE_SERVICE_ACCOUNT": str(tmp_path / "other.json"),
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "other.json"),
        "GOOGLE_SKIP_SIGNATURE": "true",
    }.items():
        monkeypatch.setenv(name, value)
    assert content(gcs, written(gcs, b"bytes")) == b"bytes"


def test_application_default_credentials_are_used(gcs_server, gcs_path, monkeypatch, tmp_path):
    (tmp_path / "key.json").write_text(gcs_server.key)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    store = gcs_store(path=gcs_path, endpoint_url=gcs_server.url, service_account_key=None)
    assert content(store, written(store, b"bytes")) == b"bytes"


def test_a_file_of_credentials_that_is_none_is_reported(
    gcs_server, gcs_path, monkeypatch, tmp_path
):
    (tmp_path / "key.json").write_text("no json")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    store = gcs_store(path=gcs_path, endpoint_url=gcs_server.url, service_account_key=None)
    line = problem("write", store)
    assert "GOOGLE_APPLICATION_CREDENTIALS names no file with the key of a service account" in line


def test_more_objects_than_one_page_are_listed(gcs, gcs_client, gcs_path):
    import obstore

    count = 1_100  # a page has 1,000
    keys = [f"{key_of(gcs_path)}/{n % 256:02x}/{n:062x}" for n in range(count)]
    for key in keys:
        obstore.put(gcs_client, key, b"")
    assert [key_of(each) for each in uris(gcs)] == sorted(keys)
