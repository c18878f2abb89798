"""The artifact store `s3`, on a real server."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta

import pytest

from stackfold.errors import ArtifactDamaged, OutsideStore
from stackfold.infrastructure.flavors.s3 import bucket as s3_bucket
from stackfold.testing.contracts.artifact_store import ArtifactStoreContract, content, written


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
            f"{s3_path}/.deleting/{'0' * 64}",
            f"{s3_path}-evil/{digest}",
            f"{s3_path.replace('s3://stackfold', 's3://other')}/{digest}",
            f"{s3_path.replace('s3://', 's3://user@')}/{digest}",
            f"{s3_path}/{digest}".replace("s3://", "https://"),
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
    """Makes objects appear old to the client, as their time on the server cannot be set."""

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


@pytest.mark.parametrize("form", ["{}/more", "ab/{}", "raw/2026/sales.csv"])
def test_an_object_of_others_below_the_prefix_is_read_and_never_deleted(
    s3, s3_client, s3_path, form
):
    import obstore

    uri = f"{s3_path}/{form.format('ab/' + '0' * 62)}"
    digest = hashlib.sha256(b"theirs").hexdigest()
    with pytest.raises(ArtifactDamaged), s3.open(uri, digest):
        pass
    obstore.put(s3_client, key_of(uri), b"theirs")
    with s3.open(uri, digest) as stream:
        assert stream.read() == b"theirs"
    with pytest.raises(OutsideStore):
        s3.delete(uri)
    assert s3.size(uri) == 6


# -- deleting old artifacts that are written again at the same time


@pytest.fixture
def old(s3, monkeypatch):
    """An artifact that was written two hours ago."""
    ageing = Ageing(monkeypatch)
    stored = written(s3, b"bytes")
    ageing.age(stored.uri, timedelta(hours=2))
    return stored


def an_hour_ago():
    return datetime.now(UTC) - timedelta(hours=1)


def before_deleting(monkeypatch, uri, act):
    """Let something happen when the deleter has looked, and is about to delete."""
    import obstore

    delete = obstore.delete

    def interrupted(client, keys):
        if keys == [key_of(uri)]:
            act()
        delete(client, keys)

    monkeypatch.setattr(obstore, "delete", interrupted)


def test_an_artifact_written_during_a_deletion_remains(s3, old, monkeypatch):
    import obstore

    put, sent = obstore.put, threading.Event()

    def told(client, key, *args, **kwargs):
        done = put(client, key, *args, **kwargs)
        if key == key_of(old.uri) and kwargs.get("mode") != "create":
            sent.set()
        return done

    writer = threading.Thread(target=written, args=(s3, b"bytes"))

    def write():
        writer.start()
        assert sent.wait(30)

    monkeypatch.setattr(obstore, "put", told)
    before_deleting(monkeypatch, old.uri, write)
    assert s3.delete(old.uri, an_hour_ago()) is True
    writer.join(30)
    assert not writer.is_alive()
    assert content(s3, old) == b"bytes"


def test_one_deleter_at_a_time(s3, old, monkeypatch):
    others = []
    before_deleting(monkeypatch, old.uri, lambda: others.append(s3.delete(old.uri, an_hour_ago())))
    assert s3.delete(old.uri, an_hour_ago()) is True
    assert others == [False]


def test_the_claim_of_a_dead_deleter_expires(s3, s3_client, old, monkeypatch):
    import obstore

    claim = f"{key_of(s3.configuration.path)}/.deleting/{old.digest}"
    obstore.put(s3_client, claim, b"")
    assert s3.delete(old.uri, an_hour_ago()) is False
    monkeypatch.setattr(s3_bucket, "_MAX_CLAIM", -10_000)
    assert written(s3, b"bytes") == old
    assert s3.sweep(datetime.now(UTC) + timedelta(hours=1)) == 0
    assert [
        each["path"] for page in obstore.list(s3_client, claim.rpartition("/")[0]) for each in page
    ] == []


def test_a_deleter_that_was_slow_deletes_nothing(s3, old, monkeypatch):
    monkeypatch.setattr(s3_bucket, "_MAX_CLAIM", -1)
    assert s3.delete(old.uri, an_hour_ago()) is False
    assert content(s3, old) == b"bytes"
