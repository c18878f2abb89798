"""The artifact store `local`."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import ValidationError

from stackfold.domain.errors import ArtifactDamaged, ArtifactStoreUnavailable, OutsideStore
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore
from stackfold.testing.contracts.artifact_store import ArtifactStoreContract, content, uris, written

SECRET = b"secret"
SECRET_DIGEST = hashlib.sha256(SECRET).hexdigest()


def local_store(path, home=Path("/nowhere")):
    return LocalArtifactStore(LocalArtifactStore.Configuration(path=str(path)), home)


def file_of(uri) -> Path:
    return Path(unquote(urlsplit(uri).path))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    return local_store(folder)


@pytest.fixture
def secret(tmp_path):
    """A file beside the store."""
    path = tmp_path / "store-evil" / "secret"
    path.parent.mkdir()
    path.write_bytes(SECRET)
    return path


class TestLocalArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def store(self, folder):
        return local_store(folder)

    @pytest.fixture
    def outside(self, folder, secret):
        folder.mkdir()
        link = folder / "link"
        link.symlink_to(secret)
        (folder / "ab").symlink_to(secret.parent)
        return [
            secret.as_uri(),
            str(secret),
            f"file://{folder}/../store-evil/secret",
            f"file://{folder}/%2E%2E/store-evil/secret",
            f"file://{folder}%2F..%2Fstore-evil%2Fsecret",
            f"file://localhost{secret}",
            f"file://elsewhere{folder}/a",
            link.as_uri(),
            (folder / "ab" / "secret").as_uri(),
            folder.as_uri(),
            "/",
            "file:///",
            "",
            "relative/path",
            "s3://bucket/key",
            f"{folder}/a\0b",
            f"file://{folder}/a%00b",
        ]

    @pytest.fixture
    def damage(self):
        def change_a_byte(uri):
            path = file_of(uri)
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)

        return change_a_byte

    @pytest.fixture
    def neighbour(self, store, folder):
        place = folder.parent / "neighbour"
        place.write_bytes(SECRET)
        return (
            lambda parts: "/".join([folder.as_uri(), *parts]),
            lambda: place.read_bytes() == SECRET and not (folder.parent / "other").exists(),
        )

    @pytest.fixture
    def age(self):
        def make_older(uri, by):
            then = time.time() - by.total_seconds()
            os.utime(file_of(uri), (then, then))

        return make_older


# -- where the folder is


def test_a_relative_path_is_inside_the_home(tmp_path):
    store = LocalArtifactStore(LocalArtifactStore.Configuration(), tmp_path)
    stored = written(store, b"bytes")
    assert file_of(stored.uri).parents[1] == tmp_path / "artifacts"


def test_a_tilde_is_the_users_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    stored = written(local_store("~/mine"), b"bytes")
    assert file_of(stored.uri).parents[1] == tmp_path / "mine"


def test_an_unknown_user_is_refused():
    with pytest.raises(ArtifactStoreUnavailable, match="there is no such user"):
        written(local_store("~nobody-of-that-name/a"), b"bytes")


@pytest.mark.parametrize("path", ["", "a\0b", "s3://bucket", "file:///tmp"])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(ValidationError):
        LocalArtifactStore.Configuration(path=path)


@pytest.mark.parametrize("name", ["with space", "näive", "a%20b", "a#b?c", "new\nline"])
def test_a_folder_may_have_any_name(tmp_path, name):
    store = local_store(tmp_path / name)
    stored = written(store, b"bytes")
    assert content(store, stored) == b"bytes"
    assert stored.uri.isascii()
    assert uris(store) == [stored.uri]


def test_the_folder_may_be_a_link(tmp_path, store, folder):
    (tmp_path / "link").symlink_to(folder)
    linked = local_store(tmp_path / "link")
    stored = written(linked, b"bytes")
    assert stored == written(store, b"bytes")
    assert content(linked, stored) == content(store, stored) == b"bytes"


def test_a_path_through_a_link_inside_the_store_is_fine(store, folder):
    stored = written(store, b"bytes")
    (folder / "alias").symlink_to(file_of(stored.uri))
    assert store.size((folder / "alias").as_uri()) == 5


def test_making_a_store_touches_nothing(store, folder):
    assert uris(store) == []
    assert not folder.exists()


# -- what leads out


def test_a_link_in_the_place_of_a_folder_of_the_store_is_not_followed(store, folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.mkdir()
    (folder / hashlib.sha256(b"bytes").hexdigest()[:2]).symlink_to(elsewhere)
    with pytest.raises(OutsideStore):
        written(store, b"bytes")
    (folder / ".incoming").rmdir()
    (folder / ".incoming").symlink_to(elsewhere)
    with pytest.raises(OutsideStore):
        written(store, b"others")
    assert list(elsewhere.iterdir()) == []


def test_what_is_somebody_elses_is_neither_listed_nor_swept(store, folder):
    for name in ("v1/model.bin", "ab/notes.txt", "readme.txt", ".incoming/sub/file"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    (folder / "ab" / ("0" * 62)).mkdir()
    (folder / "ab" / ("1" * 62)).symlink_to(folder / "readme.txt")
    assert uris(store) == []
    assert store.sweep(datetime.now(UTC) + timedelta(days=1)) == 0
    assert (folder / ".incoming" / "sub" / "file").exists()


def test_a_folder_that_leads_elsewhere_is_not_swept(store, folder, secret):
    folder.mkdir()
    (folder / ".incoming").symlink_to(secret.parent)
    assert store.sweep(datetime.now(UTC) + timedelta(days=1)) == 0
    assert secret.exists()


def test_what_lies_behind_a_link_is_not_listed(store, folder, secret):
    folder.mkdir()
    (folder / "ab").symlink_to(secret.parent)
    assert uris(store) == []


def test_what_is_no_file_is_not_opened(store, folder):
    (folder / "ab").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    for name in ("ab", "pipe"):
        for operation in (store.size, store.delete):
            with pytest.raises(ArtifactDamaged, match="is not a file"):
                operation((folder / name).as_uri())


# -- what goes wrong


def test_a_file_in_the_place_of_the_folder_is_refused(store, folder):
    folder.write_text("")
    with pytest.raises(ArtifactStoreUnavailable, match="it is not a folder: use another one"):
        written(store, b"bytes")


def test_a_file_above_the_folder_is_refused(folder):
    folder.write_text("")
    store = local_store(folder / "deeper" / "still")
    with pytest.raises(ArtifactStoreUnavailable, match="it is not a folder: use another one"):
        written(store, b"bytes")


def test_a_read_only_disk_is_refused(mounted):
    disk = mounted("size=1m")
    store = local_store(disk / "store")
    stored = written(store, b"bytes")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(ArtifactStoreUnavailable, match="it is read-only"):
        written(store, b"others")
    assert content(store, stored) == b"bytes"


def test_a_full_disk_leaves_nothing_partial(mounted):
    store = local_store(mounted("size=1m") / "store")
    stored = written(store, b"bytes")
    with pytest.raises(
        ArtifactStoreUnavailable, match="the disk is full: free some space"
    ) as caught:
        written(store, b"x" * 2**21)
    assert "\n" not in str(caught.value)
    assert uris(store) == [stored.uri]
    assert content(store, stored) == b"bytes"
    # and the space is free again
    assert written(store, b"y" * 2**18).size == 2**18


def test_a_killed_writer_leaves_nothing_partial(store, folder):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore\n"
        "configuration = LocalArtifactStore.Configuration(path=sys.argv[1])\n"
        "store = LocalArtifactStore(configuration, Path())\n"
        "for number in range(10**9):\n"
        "    with store.create() as file:\n"
        "        file.write(b'%d' % number * 1000)\n"
        "    print(file.stored.uri, file.stored.digest, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, str(folder)]
    for pause in (0.0, 0.013, 0.029):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as writer:
            first = writer.stdout.readline()
            time.sleep(pause)
            writer.send_signal(signal.SIGKILL)
            acknowledged = [first, *writer.stdout.read().splitlines(keepends=True)]
        for line in acknowledged:
            if line.endswith("\n"):
                with store.open(*line.split()) as file:
                    assert file.read()
    for uri in uris(store):
        digest = "".join(file_of(uri).parts[-2:])
        with store.open(uri, digest) as file:
            assert file.read()


@pytest.fixture
def mounted(tmp_path):
    """Mounts a disk in memory; skips the test where that is not allowed."""
    disk = tmp_path / "disk"

    def mount(options):
        disk.mkdir()
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk],
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
        return disk

    yield mount
    subprocess.run(["umount", disk], capture_output=True, check=False)


# -- in a home that was moved


def in_home(home, path="artifacts"):
    return local_store(path, home)


@pytest.mark.parametrize("path", ["artifacts", "data/artifacts", "./artifacts/", "."])
def test_what_is_in_the_home_is_found_where_the_home_is_now(tmp_path, path):
    stored = written(in_home(tmp_path / "old", path), b"content")
    (tmp_path / "old").rename(tmp_path / "new")
    store = in_home(tmp_path / "new", path)
    with store.open(stored.uri, stored.digest) as file:
        assert file.read() == b"content"
    assert store.size(stored.uri) == 7
    assert [store.current_uri(stored.uri)] == [each.uri for each in store.list_artifacts()]
    assert store.delete(stored.uri)


def test_in_a_copy_of_a_home_the_copy_counts(tmp_path):
    stored = written(in_home(tmp_path / "old"), b"content")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    file_of(stored.uri).write_bytes(b"changed")
    with in_home(tmp_path / "new").open(stored.uri, stored.digest) as file:
        assert file.read() == b"content"


def test_only_what_lay_in_a_folder_of_that_name_is_looked_for_in_the_home(tmp_path):
    stored = written(in_home(tmp_path / "old"), b"content")
    with pytest.raises(OutsideStore):
        in_home(tmp_path / "new", "others").size(stored.uri)
    with pytest.raises(OutsideStore):
        local_store(tmp_path / "new" / "artifacts").size(stored.uri)
