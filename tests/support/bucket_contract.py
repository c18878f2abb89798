"""What every artifact store in a bucket must do, beside the contract of all artifact stores."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta

import pytest

from stackfold.errors import ArtifactDamaged, OutsideStore
from stackfold.infrastructure.flavors.buckets import bucket as buckets
from stackfold.testing.contracts.artifact_store import ArtifactStoreContract, content, written


def key_of(uri):
    """The key in its bucket of an object with an address such as s3://bucket/key."""
    return uri.split("/", 3)[3]


def an_hour_ago():
    return datetime.now(UTC) - timedelta(hours=1)


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


def before_deleting(monkeypatch, uri, act):
    """Let something happen when the deleter has looked, and is about to delete."""
    import obstore

    delete = obstore.delete

    def interrupted(client, keys):
        if keys == [key_of(uri)]:
            act()
        delete(client, keys)

    monkeypatch.setattr(obstore, "delete", interrupted)


class BucketContract(ArtifactStoreContract):
    """Override the fixtures `store` and `client`; the path of the store ends with "/store"."""

    @pytest.fixture
    def client(self):
        """A client of the bucket that is independent of the flavor."""
        raise NotImplementedError

    @pytest.fixture
    def path(self, store):
        return store.configuration.path

    @pytest.fixture
    def outside(self, client, path):
        import obstore

        scheme, bucket = path.split("/")[0], path.split("/")[2]
        secret = path.removesuffix("/store") + "/store-evil/secret"
        obstore.put(client, key_of(secret), b"secret")
        digest = "ab/" + "0" * 62
        return [
            secret,
            path,
            f"{path}/",
            f"{path}/../store-evil/secret",
            f"{path}/.deleting/{'0' * 64}",
            f"{path}-evil/{digest}",
            f"{path.replace(bucket, 'other')}/{digest}",
            f"{path.replace('://', '://user@')}/{digest}",
            f"{path}/{digest}".replace(scheme, "https:"),
            f"{path}/{digest}\n",
            f"file:///{digest}",
            "",
            f"{scheme}//",
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

    @pytest.fixture
    def old(self, store, age):
        """An artifact that was written two hours ago."""
        stored = written(store, b"bytes")
        age(stored.uri, timedelta(hours=2))
        return stored

    # -- objects of others

    @pytest.mark.parametrize("form", ["{}/more", "ab/{}", "raw/2026/sales.csv"])
    def test_an_object_of_others_below_the_prefix_is_read_and_never_deleted(
        self, store, client, path, form
    ):
        import obstore

        uri = f"{path}/{form.format('ab/' + '0' * 62)}"
        digest = hashlib.sha256(b"theirs").hexdigest()
        with pytest.raises(ArtifactDamaged), store.open(uri, digest):
            pass
        obstore.put(client, key_of(uri), b"theirs")
        assert store.identify(uri) == (uri, digest, 6)
        with store.open(uri, digest) as stream:
            assert stream.read() == b"theirs"
        with pytest.raises(OutsideStore):
            store.delete(uri)
        assert store.size(uri) == 6

    def test_an_object_of_others_that_was_changed_is_rejected(self, store, client, path):
        import obstore

        uri = f"{path}/rows.csv"
        obstore.put(client, key_of(uri), b"before")
        registered = store.identify(uri)
        obstore.put(client, key_of(uri), b"after!")
        with pytest.raises(ArtifactDamaged, match="was changed since it was registered"):
            content(store, registered)

    # -- deleting old artifacts that are written again at the same time

    def test_one_of_many_creates_an_object(self, store):
        bucket, barrier, won = store._open_bucket(), threading.Barrier(12), []

        def create(number):
            barrier.wait()
            won.append(bucket._create(f"{store._prefix}/claim".lstrip("/"), b"%d" % number))

        threads = [threading.Thread(target=create, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False] * 11 + [True]

    def test_an_artifact_written_during_a_deletion_remains(self, store, old, monkeypatch):
        import obstore

        put, sent = obstore.put, threading.Event()

        def told(client, key, *args, **kwargs):
            done = put(client, key, *args, **kwargs)
            if key == key_of(old.uri) and kwargs.get("mode") != "create":
                sent.set()
            return done

        writer = threading.Thread(target=written, args=(store, b"bytes"))

        def write():
            writer.start()
            assert sent.wait(30)

        monkeypatch.setattr(obstore, "put", told)
        before_deleting(monkeypatch, old.uri, write)
        assert store.delete(old.uri, an_hour_ago()) is True
        writer.join(30)
        assert not writer.is_alive()
        assert content(store, old) == b"bytes"

    def test_one_deleter_at_a_time(self, store, old, monkeypatch):
        others = []
        before_deleting(
            monkeypatch, old.uri, lambda: others.append(store.delete(old.uri, an_hour_ago()))
        )
        assert store.delete(old.uri, an_hour_ago()) is True
        assert others == [False]

    def test_the_claim_of_a_dead_deleter_expires(self, store, client, old, monkeypatch):
        import obstore

        claim = f"{key_of(store.configuration.path)}/.deleting/{old.digest}"
        obstore.put(client, claim, b"")
        assert store.delete(old.uri, an_hour_ago()) is False
        monkeypatch.setattr(buckets, "_MAX_CLAIM", -10_000)
        assert written(store, b"bytes") == old
        assert store.sweep(datetime.now(UTC) + timedelta(hours=1)) == 0
        assert [
            each["path"] for page in obstore.list(client, claim.rpartition("/")[0]) for each in page
        ] == []

    def test_a_deleter_that_was_slow_deletes_nothing(self, store, old, monkeypatch):
        monkeypatch.setattr(buckets, "_MAX_CLAIM", -1)
        assert store.delete(old.uri, an_hour_ago()) is False
        assert content(store, old) == b"bytes"
