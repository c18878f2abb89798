"""What every artifact store must do."""

import base64
import hashlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from stackfold.application.ports import ArtifactStore, StoredArtifact
from stackfold.domain.errors import ArtifactDamaged, ArtifactStoreUnavailable, OutsideStore
from stackfold.testing.contracts import not_given
from stackfold.testing.contracts.store_addresses import LEADING_OUT, operations, random_parts

MEBIBYTE = 2**20


Damage = Callable[[str], object]
"""Changes a byte of the artifact at an address, without the store."""
Neighbour = tuple[Callable[[Sequence[str]], str], Callable[[], bool]]
"""(parts → an address of the store with them, whether the neighbour is as it was)"""
Age = Callable[[str, timedelta], object]
"""Makes the artifact at an address older."""


class ArtifactStoreContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    `store` is needed. Tests for which another fixture is not overridden are skipped.
    """

    @pytest.fixture
    def store(self) -> ArtifactStore:
        """An empty store."""
        raise NotImplementedError("override the fixture 'store'")

    @pytest.fixture
    def outside(self) -> list[str]:
        """Addresses outside the store, among them one of an existing file or object."""
        return not_given("outside", "that addresses outside the store are rejected")

    @pytest.fixture
    def damage(self) -> Damage:
        """A function that changes a byte of the artifact at an address, without the store."""
        return not_given("damage", "that damage is detected")

    @pytest.fixture
    def neighbour(self) -> Neighbour:
        """Something beside the store, and how it is reached.

        A pair of functions. The first makes an address of parts, beginning with that of the store;
        the part ".." and then the name of the neighbour lead to it. The second returns whether the
        neighbour is still as it was.
        """
        return not_given("neighbour", "that no address leads out of the store")

    @pytest.fixture
    def age(self) -> Age:
        """A function that makes the artifact at an address older by a `timedelta`."""
        return not_given("age", "that only old artifacts are deleted")

    @pytest.mark.parametrize("data", [b"", b"\0", b"some bytes" * 1000])
    def test_an_artifact_is_read_as_it_was_written(self, store: ArtifactStore, data: bytes) -> None:
        stored = written(store, data)
        assert stored.digest == hashlib.sha256(data).hexdigest()
        assert stored.size == len(data) == store.size(stored.uri)
        assert content(store, stored) == data

    def test_what_is_written_in_pieces_is_one_artifact(self, store: ArtifactStore) -> None:
        with store.create() as file:
            assert [file.write(piece) for piece in (b"ab", b"", b"c")] == [2, 0, 1]
        assert content(store, file.stored) == b"abc"

    def test_a_large_artifact_is_streamed(self, store: ArtifactStore) -> None:
        piece, count = b"x" * MEBIBYTE, 48
        tracemalloc.start()
        try:
            with store.create() as file:
                for _ in range(count):
                    file.write(piece)
            with store.open(file.stored.uri, file.stored.digest) as back:
                while back.read(MEBIBYTE):
                    pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert file.stored.size == count * MEBIBYTE
        assert peak < 12 * MEBIBYTE

    def test_a_reader_may_go_back_to_the_beginning(self, store: ArtifactStore) -> None:
        for data in (b"small", b"large" * MEBIBYTE):
            stored = written(store, data)
            with store.open(stored.uri, stored.digest) as file:
                assert file.read(3) == data[:3]
                file.seek(0)
                assert file.read() == data

    def test_the_same_bytes_are_stored_once(self, store: ArtifactStore) -> None:
        first, second = written(store, b"same"), written(store, b"same")
        assert first == second
        assert uris(store) == [first.uri]

    def test_other_bytes_have_another_address(self, store: ArtifactStore) -> None:
        stored = [written(store, data) for data in (b"a", b"b", b"c")]
        assert set(uris(store)) == {each.uri for each in stored}

    def test_an_empty_store_lists_nothing(self, store: ArtifactStore) -> None:
        assert uris(store) == []

    def test_an_artifact_exists_only_after_the_block(self, store: ArtifactStore) -> None:
        with store.create() as file:
            file.write(b"not yet")
            assert uris(store) == []
        assert uris(store) == [file.stored.uri]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
    def test_a_block_that_raises_leaves_nothing(
        self, store: ArtifactStore, error: type[BaseException]
    ) -> None:
        def write_half() -> None:
            with store.create() as file:
                file.write(b"half")
                raise error

        with pytest.raises(error):
            write_half()
        assert uris(store) == []

    def test_another_instance_sees_the_same_artifacts(self, store: ArtifactStore) -> None:
        stored = written(store, b"shared")
        other = type(store)(store.configuration, store.home)
        other.secrets = store.secrets
        assert content(other, stored) == b"shared"

    def test_a_store_can_be_pickled(self, store: ArtifactStore) -> None:
        stored = written(store, b"shared")
        there = pickle.loads(pickle.dumps(store))
        assert content(there, stored) == b"shared"

    def test_many_writers_of_the_same_bytes_do_not_disturb_each_other(
        self, store: ArtifactStore
    ) -> None:
        stored = []

        def write() -> None:
            for number in range(5):
                stored.append(written(store, b"%d" % number))

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(stored) == 20
        assert sorted({content(store, each) for each in stored}) == [b"0", b"1", b"2", b"3", b"4"]
        assert len(uris(store)) == 5

    def test_a_damaged_artifact_is_rejected(self, store: ArtifactStore, damage: Damage) -> None:
        for data in (b"small", b"large" * MEBIBYTE):
            stored = written(store, data)
            damage(stored.uri)
            with pytest.raises(ArtifactDamaged, match="is damaged: its sha256 is"):
                content(store, stored)

    def test_a_damaged_artifact_is_whole_after_it_is_written_again(
        self, store: ArtifactStore, damage: Damage
    ) -> None:
        stored = written(store, b"bytes")
        damage(stored.uri)
        assert content(store, written(store, b"bytes")) == b"bytes"

    def test_a_deleted_artifact_is_not_found(self, store: ArtifactStore) -> None:
        stored = written(store, b"bytes")
        store.delete(stored.uri)
        with pytest.raises(ArtifactDamaged, match="no longer exists"):
            content(store, stored)

    def test_deleting_removes_one_artifact(self, store: ArtifactStore) -> None:
        stored, other = written(store, b"bytes"), written(store, b"others")
        store.delete(stored.uri)
        store.delete(stored.uri)
        assert store.size(stored.uri) is None
        assert uris(store) == [other.uri]

    def test_an_address_outside_the_store_is_rejected(
        self, store: ArtifactStore, outside: list[str]
    ) -> None:
        written(store, b"something")
        digest = hashlib.sha256(b"secret").hexdigest()
        for uri in outside:
            for operation in (
                lambda uri: store.open(uri, digest).__enter__(),
                store.size,
                store.delete,
            ):
                with pytest.raises(OutsideStore):
                    operation(uri)

    @pytest.mark.parametrize("part", ["", ".", "..", "%2e%2e"])
    def test_the_store_itself_is_no_artifact(
        self, store: ArtifactStore, neighbour: Neighbour, part: str
    ) -> None:
        written(store, b"something")
        address, unharmed = neighbour
        for operation in operations(store):
            with pytest.raises((OutsideStore, ArtifactDamaged)):
                operation(address([part]))
        assert unharmed()

    def test_no_address_leads_out_of_the_store(
        self, store: ArtifactStore, neighbour: Neighbour
    ) -> None:
        address, unharmed = neighbour
        stored = written(store, b"something")
        for parts in (*LEADING_OUT, *random_parts(200)):
            for operation in operations(store):
                with suppress(OutsideStore, ArtifactDamaged, ArtifactStoreUnavailable):
                    assert not operation(address(parts)), parts
                assert unharmed(), parts
        assert uris(store) == [stored.uri]

    # -- several processes

    def test_processes_write_the_same_bytes_at_once(self, store: ArtifactStore) -> None:
        writers = [
            in_a_process(
                store,
                "for number in range(30):\n"
                "    with store.create() as file:\n"
                "        file.write(b'%d' % (number % 3) * 100_000)\n"
                "        file.write(b'end')\n"
                "    with store.open(file.stored.uri, file.stored.digest) as back:\n"
                "        assert back.read().endswith(b'end')\n",
            )
            for _ in range(3)
        ]
        for writer in writers:
            writer.communicate()
            assert writer.returncode == 0
        assert len(uris(store)) == 3
        for number in range(3):
            data = b"%d" % number * 100_000 + b"end"
            stored = written(store, data)
            assert content(store, stored) == data
        assert len(uris(store)) == 3

    def test_what_a_killed_writer_leaves_can_be_swept(self, store: ArtifactStore) -> None:
        kept = written(store, b"kept")
        writer = in_a_process(
            store,
            "with store.create() as file:\n"
            "    file.write(b'x' * 3_000_000)\n"
            "    print('writing', flush=True)\n"
            "    input()\n",
        )
        assert writer.stdout
        assert writer.stdout.readline() == b"writing\n"
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert uris(store) == [kept.uri]
        now = datetime.now(UTC)
        assert store.sweep(now - timedelta(hours=1)) == 0
        store.sweep(now + timedelta(hours=1))
        assert store.sweep(now + timedelta(hours=1)) == 0, "something was left behind"
        assert content(store, kept) == b"kept"

    # -- listing and deleting

    def test_a_list_has_sizes_and_times(self, store: ArtifactStore) -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)
        stored = written(store, b"12345")
        (kept,) = store.list_artifacts()
        assert (kept.uri, kept.size) == (stored.uri, 5)
        assert before < kept.written < datetime.now(UTC) + timedelta(seconds=2)

    def test_a_list_is_in_the_order_of_the_addresses(self, store: ArtifactStore) -> None:
        stored = [written(store, b"%d" % number).uri for number in range(20)]
        assert uris(store) == sorted(stored)

    def test_only_what_is_old_enough_is_deleted(self, store: ArtifactStore, age: Age) -> None:
        old, young = written(store, b"old"), written(store, b"young")
        age(old.uri, timedelta(hours=2))
        before = datetime.now(UTC) - timedelta(hours=1)
        assert [store.delete(each.uri, before) for each in (old, young)] == [True, False]
        assert uris(store) == [young.uri]
        assert store.delete(old.uri, before) is False

    def test_writing_an_artifact_again_renews_it(self, store: ArtifactStore, age: Age) -> None:
        stored = written(store, b"bytes")
        age(stored.uri, timedelta(hours=2))
        assert written(store, b"bytes") == stored
        assert store.delete(stored.uri, datetime.now(UTC) - timedelta(hours=1)) is False
        assert content(store, stored) == b"bytes"

    def test_deleting_the_old_never_takes_what_is_written_meanwhile(
        self, store: ArtifactStore, age: Age
    ) -> None:
        """A writer finds its artifact, even if another one wrote the same bytes."""
        stored = written(store, b"bytes")
        stop = threading.Event()
        problems = []

        def delete() -> None:
            while not stop.is_set():
                store.delete(stored.uri, datetime.now(UTC) - timedelta(hours=1))

        deleter = threading.Thread(target=delete)
        deleter.start()
        try:
            for _ in range(100):
                with suppress(OSError):  # it was deleted just now
                    age(stored.uri, timedelta(hours=2))
                written(store, b"bytes")
                if store.size(stored.uri) is None and not comes_back(store, stored):
                    problems.append("gone")
        finally:
            stop.set()
            deleter.join()
        assert not problems


def uris(store: ArtifactStore) -> list[str]:
    """Return the addresses of all artifacts."""
    return [kept.uri for kept in store.list_artifacts()]


def comes_back(store: ArtifactStore, stored: StoredArtifact) -> bool:
    """Whether it is there a moment later: deleting may have to look at it first.

    How long a moment is depends on how busy the machine is; what is gone does not come back.
    """
    for _ in range(3000):
        if store.size(stored.uri) is not None:
            return True
        time.sleep(0.01)
    return False


def in_a_process(store: ArtifactStore, program: str) -> subprocess.Popen[bytes]:
    """Start a program in a new process that has the same `store`."""
    carried = base64.b64encode(pickle.dumps(store)).decode()
    begin = f"import base64, pickle\nstore = pickle.loads(base64.b64decode({carried!r}))\n"
    return subprocess.Popen(
        [sys.executable, "-c", begin + program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def written(store: ArtifactStore, data: bytes) -> StoredArtifact:
    """Write an artifact."""
    with store.create() as file:
        file.write(data)
    return file.stored


def content(store: ArtifactStore, stored: StoredArtifact) -> bytes:
    """Read an artifact."""
    with store.open(stored.uri, stored.digest) as file:
        return file.read()
