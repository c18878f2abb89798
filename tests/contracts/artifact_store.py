"""What every artifact store must do."""

import hashlib
import pickle
import threading
import tracemalloc

import pytest

from stackfold.application.ports import ArtifactStore
from stackfold.domain.errors import ArtifactDamaged, OutsideStore

MEBIBYTE = 2**20


class ArtifactStoreContract:
    """Derive, and provide the fixtures `store`, `outside` and `damage`."""

    @pytest.fixture
    def store(self) -> ArtifactStore:
        """An empty store."""
        raise NotImplementedError

    @pytest.fixture
    def outside(self) -> list[str]:
        """Addresses that are not the store's, among them one where there is something."""
        raise NotImplementedError

    @pytest.fixture
    def damage(self):
        """A function that changes a byte of the artifact at an address, past the store."""
        raise NotImplementedError

    @pytest.mark.parametrize("data", [b"", b"\0", b"some bytes" * 1000])
    def test_what_is_written_comes_back(self, store, data):
        stored = written(store, data)
        assert stored.digest == hashlib.sha256(data).hexdigest()
        assert stored.size == len(data) == store.size(stored.uri)
        assert content(store, stored) == data

    def test_what_is_written_in_pieces_is_one_artifact(self, store):
        with store.create() as file:
            assert [file.write(piece) for piece in (b"ab", b"", b"c")] == [2, 0, 1]
        assert content(store, file.stored) == b"abc"

    def test_a_large_artifact_is_never_whole_in_memory(self, store):
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

    def test_a_reader_may_go_back_to_the_beginning(self, store):
        for data in (b"small", b"large" * MEBIBYTE):
            stored = written(store, data)
            with store.open(stored.uri, stored.digest) as file:
                assert file.read(3) == data[:3]
                file.seek(0)
                assert file.read() == data

    def test_the_same_bytes_are_stored_once(self, store):
        first, second = written(store, b"same"), written(store, b"same")
        assert first == second
        assert list(store.uris()) == [first.uri]

    def test_other_bytes_have_another_address(self, store):
        stored = [written(store, data) for data in (b"a", b"b", b"c")]
        assert set(store.uris()) == {each.uri for each in stored}

    def test_an_empty_store_holds_nothing(self, store):
        assert list(store.uris()) == []

    def test_there_is_nothing_until_the_block_ends(self, store):
        with store.create() as file:
            file.write(b"not yet")
            assert list(store.uris()) == []
        assert list(store.uris()) == [file.stored.uri]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
    def test_a_block_that_raises_leaves_nothing(self, store, error):
        def write_half():
            with store.create() as file:
                file.write(b"half")
                raise error

        with pytest.raises(error):
            write_half()
        assert list(store.uris()) == []

    def test_another_instance_sees_the_same_artifacts(self, store):
        stored = written(store, b"shared")
        other = type(store)(store.configuration, store.home)
        assert content(other, stored) == b"shared"

    def test_a_store_can_travel_to_another_process(self, store):
        stored = written(store, b"shared")
        there = pickle.loads(pickle.dumps(store))
        assert content(there, stored) == b"shared"

    def test_many_writers_of_the_same_bytes_do_not_disturb_each_other(self, store):
        stored = []

        def write():
            for number in range(5):
                stored.append(written(store, b"%d" % number))

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(stored) == 20
        assert sorted({content(store, each) for each in stored}) == [b"0", b"1", b"2", b"3", b"4"]
        assert len(list(store.uris())) == 5

    def test_a_damaged_artifact_is_refused(self, store, damage):
        for data in (b"small", b"large" * MEBIBYTE):
            stored = written(store, data)
            damage(stored.uri)
            with pytest.raises(ArtifactDamaged, match="is damaged: its sha256 is"):
                content(store, stored)

    def test_a_damaged_artifact_is_whole_after_it_is_written_again(self, store, damage):
        stored = written(store, b"bytes")
        damage(stored.uri)
        assert content(store, written(store, b"bytes")) == b"bytes"

    def test_an_artifact_that_is_gone_is_refused(self, store):
        stored = written(store, b"bytes")
        store.delete(stored.uri)
        with pytest.raises(ArtifactDamaged, match="is gone"):
            content(store, stored)

    def test_deleting_removes_one_artifact(self, store):
        stored, other = written(store, b"bytes"), written(store, b"others")
        store.delete(stored.uri)
        store.delete(stored.uri)
        assert store.size(stored.uri) is None
        assert list(store.uris()) == [other.uri]

    def test_an_address_outside_the_store_is_refused(self, store, outside):
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


def written(store, data):
    with store.create() as file:
        file.write(data)
    return file.stored


def content(store, stored):
    with store.open(stored.uri, stored.digest) as file:
        return file.read()
