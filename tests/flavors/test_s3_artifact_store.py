"""The artifact store `s3`, on a real server."""

import threading
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from contracts.artifact_store import ArtifactStoreContract

from stackfold.application.secrets import StoredSecrets
from stackfold.infrastructure.flavors.s3_artifact_store import S3ArtifactStore
from stackfold.infrastructure.secrets.environment import Environment


def s3_store(**configuration):
    credentials = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
    store = S3ArtifactStore(
        S3ArtifactStore.Configuration(**{**credentials, **configuration}), Path("/nowhere")
    )
    store.secrets = StoredSecrets([Environment()])
    return store


@pytest.fixture
def path():
    """A place in the bucket that no other test has."""
    return f"s3://stackfold/{uuid4()}/store"


@pytest.fixture
def store(s3_server, s3_secrets, path):
    return s3_store(path=path, endpoint_url=s3_server.url)


@pytest.fixture
def client(s3_server):
    return s3_server.client("stackfold")


def key_of(uri):
    return uri.removeprefix("s3://stackfold/")


class TestS3ArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def store(self, s3_server, s3_secrets, path):
        return s3_store(path=path, endpoint_url=s3_server.url)

    @pytest.fixture
    def outside(self, client, path):
        import obstore

        secret = path.removesuffix("/store") + "/store-evil/secret"
        obstore.put(client, key_of(secret), b"secret")
        digest = "ab/" + "0" * 62
        return [
            secret,
            path,
            f"{path}/",
            f"{path}/../store-evil/secret",
            f"{path}/{digest}/more",
            f"{path}/ab/{digest}",
            f"{path}/.deleting/{'0' * 64}",
            f"{path}-evil/{digest}",
            f"{path.replace('s3://stackfold', 's3://other')}/{digest}",
            f"{path.replace('s3://', 's3://user@')}/{digest}",
            f"{path}/{digest}".replace("s3://", "https://"),
            f"{path}/{digest.upper()}",
            f"{path}/{digest}\n",
            f"file:///{digest}",
            "",
            "s3://",
        ]

    @pytest.fixture
    def damage(self, client):
        import obstore

        def change_a_byte(uri):
            data = bytearray(obstore.get(client, key_of(uri)).bytes())
            data[len(data) // 2] ^= 1
            obstore.put(client, key_of(uri), bytes(data))

        return change_a_byte

    @pytest.fixture
    def neighbour(self, client, path):
        import obstore

        beside = key_of(path).removesuffix("store") + "neighbour"
        obstore.put(client, beside, b"neighbour")
        return (
            lambda parts: "/".join([path, *parts]),
            lambda: bytes(obstore.get(client, beside).bytes()) == b"neighbour",
        )

    @pytest.fixture
    def age(self, monkeypatch):
        return Ageing(monkeypatch).age


class Ageing:
    """Makes objects look old to the client, as nobody can set their time on the server."""

    def __init__(self, monkeypatch):
        import obstore

        self._ages = {}
        self._turn = threading.RLock()
        head, put = obstore.head, obstore.put

        def old_head(client, key):
            with self._turn:
                found = head(client, key)
                return {**found, "last_modified": found["last_modified"] - self._age(key)}

        def renewing_put(client, key, *args, **kwargs):
            with self._turn:
                put(client, key, *args, **kwargs)
                self._ages.pop(key, None)

        monkeypatch.setattr(obstore, "head", old_head)
        monkeypatch.setattr(obstore, "put", renewing_put)

    def _age(self, key):
        return self._ages.get(key, timedelta())

    def age(self, uri, by):
        with self._turn:
            self._ages[key_of(uri)] = by
