"""The artifact store `s3`, on a real server."""

import threading
from datetime import timedelta

import pytest
from contracts.artifact_store import ArtifactStoreContract


def key_of(uri):
    return uri.removeprefix("s3://stackfold/")


class TestS3ArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def store(self, s3):
        return s3

    @pytest.fixture
    def outside(self, s3_client, s3_path):
        import obstore

        secret = s3_path.removesuffix("/store") + "/store-evil/secret"
        obstore.put(s3_client, key_of(secret), b"secret")
        digest = "ab/" + "0" * 62
        return [
            secret,
            s3_path,
            f"{s3_path}/",
            f"{s3_path}/../store-evil/secret",
            f"{s3_path}/{digest}/more",
            f"{s3_path}/ab/{digest}",
            f"{s3_path}/.deleting/{'0' * 64}",
            f"{s3_path}-evil/{digest}",
            f"{s3_path.replace('s3://stackfold', 's3://other')}/{digest}",
            f"{s3_path.replace('s3://', 's3://user@')}/{digest}",
            f"{s3_path}/{digest}".replace("s3://", "https://"),
            f"{s3_path}/{digest.upper()}",
            f"{s3_path}/{digest}\n",
            f"file:///{digest}",
            "",
            "s3://",
        ]

    @pytest.fixture
    def damage(self, s3_client):
        import obstore

        def change_a_byte(uri):
            data = bytearray(obstore.get(s3_client, key_of(uri)).bytes())
            data[len(data) // 2] ^= 1
            obstore.put(s3_client, key_of(uri), bytes(data))

        return change_a_byte

    @pytest.fixture
    def neighbour(self, s3_client, s3_path):
        import obstore

        beside = key_of(s3_path).removesuffix("store") + "neighbour"
        obstore.put(s3_client, beside, b"neighbour")
        return (
            lambda parts: "/".join([s3_path, *parts]),
            lambda: bytes(obstore.get(s3_client, beside).bytes()) == b"neighbour",
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
