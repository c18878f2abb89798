"""Where secrets are kept: each store by the same rules, and what is particular to each."""

import json
import os
import pickle
import signal
import stat
import subprocess
import sys
import threading

import keyring
import pytest
from keyring.backend import KeyringBackend

from stackfold.domain.errors import SecretStoreUnavailable
from stackfold.infrastructure.secrets.encrypted import KEY, EncryptedFile
from stackfold.infrastructure.secrets.environment import Environment, add_values
from stackfold.infrastructure.secrets.keyring_store import Keyring
from stackfold.infrastructure.secrets.plain import PlainFile

VALUE = "correct horse battery staple ünïcode\nsecond line"
PASSPHRASE = "sixteen letters at least"


class Ring(KeyringBackend):
    """A keyring in memory, as the tests' machine has none."""

    priority = 5

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


@pytest.fixture
def ring():
    before = keyring.get_keyring()
    keyring.set_keyring(ring := Ring())
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "home" / "secrets"


@pytest.fixture(params=["file", "encrypted", "encrypted by keyring", "keyring"])
def store(request, folder, monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    if request.param in {"keyring", "encrypted by keyring"}:
        request.getfixturevalue("ring")
    if request.param == "encrypted":
        monkeypatch.setenv(KEY, PASSPHRASE)
    kinds = {"file": PlainFile, "keyring": Keyring}
    return kinds.get(request.param, EncryptedFile)(folder)


def test_what_is_written_is_read(store):
    assert store.problem() == ""
    store.write("aws", {"key": "a", "secret": VALUE})
    store.write("other", {"x": "y"})
    assert store.read("aws") == {"key": "a", "secret": VALUE}
    assert store.value("aws", "secret") == VALUE
    assert store.value("aws", "nothing") is None
    assert {name: [*keys] for name, keys in store.keys().items()} == {
        "aws": ["key", "secret"],
        "other": ["x"],
    }


def test_nothing_is_there_at_first(store, folder):
    assert not store.keys()
    assert not store.read("aws")
    assert store.value("aws", "key") is None
    assert not folder.exists()


def test_writing_replaces_and_deleting_removes(store):
    store.write("aws", {"key": "a", "secret": "b"})
    store.write("aws", {"key": "c"})
    assert store.read("aws") == {"key": "c"}
    store.delete("aws")
    assert not store.read("aws")
    assert not store.keys()


def test_another_instance_and_another_process_see_it(store, folder):
    store.write("aws", {"key": VALUE})
    assert type(store)(folder).value("aws", "key") == VALUE
    carried = pickle.dumps(store)
    assert VALUE.encode() not in carried
    assert pickle.loads(carried).value("aws", "key") == VALUE


def test_only_its_owner_can_read_what_it_writes(store, folder):
    before = os.umask(0)
    try:
        store.write("aws", {"key": VALUE})
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_threads_lose_nothing(store):
    threads = [
        threading.Thread(target=store.write, args=(f"s{number}", {"key": VALUE}))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(store.keys()) == [f"s{number}" for number in range(8)]


def test_processes_lose_nothing(folder):
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from stackfold.infrastructure.secrets.plain import PlainFile\n"
        "for number in range(20):\n"
        "    PlainFile(Path(sys.argv[1])).write(f'{sys.argv[2]}{number}', {'key': 'value'})\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(folder), name], env=environment)
        for name in "abc"
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(PlainFile(folder).keys()) == 60


@pytest.mark.parametrize("store", ["encrypted", "encrypted by keyring", "keyring"], indirect=True)
def test_no_file_of_a_safe_store_holds_a_value(store, folder):
    store.write("aws", {"key": "planted-value"})
    for path in folder.iterdir():
        assert b"planted-value" not in path.read_bytes()


# -- the plain file


def test_a_file_that_others_can_read_is_refused(folder):
    store = PlainFile(folder)
    store.write("aws", {"key": "a"})
    (folder / "plain.json").chmod(0o644)
    with pytest.raises(SecretStoreUnavailable, match=r"others can read .*: run chmod 600 on it"):
        store.read("aws")


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"'])
def test_a_damaged_file_is_refused(folder, content):
    store = PlainFile(folder)
    store.write("aws", {"key": "a"})
    (folder / "plain.json").write_text(content)
    with pytest.raises(SecretStoreUnavailable, match="is damaged: restore it, or delete it"):
        store.keys()


# -- the encrypted file


@pytest.fixture
def encrypted(folder, monkeypatch):
    monkeypatch.setenv(KEY, PASSPHRASE)
    store = EncryptedFile(folder)
    store.write("aws", {"key": "a"})
    return store


def test_another_key_opens_nothing_and_adds_nothing(encrypted, monkeypatch):
    monkeypatch.setenv(KEY, PASSPHRASE + "!")
    for operation in (lambda: encrypted.read("aws"), lambda: encrypted.write("b", {"key": "b"})):
        with pytest.raises(SecretStoreUnavailable, match="the key does not fit"):
            operation()
    monkeypatch.setenv(KEY, PASSPHRASE)
    assert encrypted.read("aws") == {"key": "a"}


def test_names_and_keys_are_told_without_the_key(encrypted, monkeypatch):
    monkeypatch.delenv(KEY)
    assert encrypted.keys() == {"aws": ["key"]}
    with pytest.raises(SecretStoreUnavailable, match=f"set {KEY}"):
        encrypted.read("aws")


def test_a_short_key_is_refused(folder, monkeypatch):
    monkeypatch.setenv(KEY, "short")
    with pytest.raises(SecretStoreUnavailable, match="is too short: it needs 16 characters"):
        EncryptedFile(folder).write("aws", {"key": "a"})


def test_what_was_tampered_with_is_refused(encrypted, folder):
    encrypted.write("other", {"key": "b"})
    path = folder / "encrypted.json"
    content = json.loads(path.read_text())
    sealed = content["secrets"]
    # Each is whole, but in the other's place.
    sealed["aws"], sealed["other"] = sealed["other"], sealed["aws"]
    path.write_text(json.dumps(content))
    for name in ("aws", "other"):
        with pytest.raises(SecretStoreUnavailable, match="or the file was tampered with"):
            encrypted.read(name)


# -- the keyring


def test_without_a_keyring_it_says_so(folder):
    store = Keyring(folder)
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        assert store.problem() == "the system has no keyring, or it is locked"
        with pytest.raises(SecretStoreUnavailable, match="no keyring, or it is locked"):
            store.write("aws", {"key": "a"})
    finally:
        keyring.set_keyring(before)
    assert not store.keys()


def test_what_the_keyring_has_lost_is_told(folder, ring):
    store = Keyring(folder)
    store.write("aws", {"key": "a"})
    ring.kept.clear()
    with pytest.raises(SecretStoreUnavailable, match="no longer holds 'aws'"):
        store.read("aws")
    store.delete("aws")
    assert not store.keys()


# -- a keyring whose process is killed

KILLED = """
import json, os, signal, sys
from pathlib import Path
import keyring
from keyring.backend import KeyringBackend
from stackfold.infrastructure.secrets.keyring_store import Keyring

folder, moment, operation, *values = sys.argv[1:]
entries = Path(folder, "entries.json")

class FileRing(KeyringBackend):
    priority = 5

    def load(self):
        return json.loads(entries.read_text()) if entries.exists() else {}

    def change(self, content):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        entries.write_text(json.dumps(content))
        if moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    def get_password(self, service, username):
        return self.load().get(username)

    def set_password(self, service, username, password):
        self.change({**self.load(), username: password})

    def delete_password(self, service, username):
        self.change({key: text for key, text in self.load().items() if key != username})

keyring.set_keyring(FileRing())
store = Keyring(Path(folder, "secrets"))
if operation == "write":
    store.write("aws", json.loads(values[0]))
elif operation == "delete":
    store.delete("aws")
print(json.dumps([{name: [*keys] for name, keys in store.keys().items()}, store.read("aws")]))
"""

OLD, NEW = {"key": "old"}, {"key": "new", "more": "x"}


@pytest.fixture
def keyring_process(tmp_path):
    """Runs an operation on the store in a process that may be killed as the keyring changes."""

    def run(operation, values=None, moment="never"):
        words = [str(tmp_path), moment, operation, *([json.dumps(values)] if values else [])]
        done = subprocess.run(
            [sys.executable, "-c", KILLED, *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == (0 if moment == "never" else -signal.SIGKILL)
        return json.loads(done.stdout) if moment == "never" else None

    return run


@pytest.mark.parametrize(
    ("before", "operation", "moment", "after"),
    [
        (None, "write", "before", {}),
        (None, "write", "after", NEW),
        (OLD, "write", "before", OLD),
        (OLD, "write", "after", NEW),
        (OLD, "delete", "before", OLD),
        (OLD, "delete", "after", {}),
    ],
)
def test_after_a_kill_names_and_values_agree(keyring_process, before, operation, moment, after):
    if before:
        keyring_process("write", before)
    keyring_process(operation, NEW if operation == "write" else None, moment)
    names = {"aws": [*after]} if after else {}
    assert keyring_process("read") == [names, after]
    assert keyring_process("write", {"key": "again"}) == [{"aws": ["key"]}, {"key": "again"}]
    assert keyring_process("delete") == [{}, {}]


def test_without_a_keyring_an_interrupted_change_shows_the_old_names(keyring_process, tmp_path):
    keyring_process("write", OLD)
    keyring_process("write", NEW, "after")
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        assert Keyring(tmp_path / "secrets").keys() == {"aws": ["key"]}
    finally:
        keyring.set_keyring(before)


# -- the environment


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_AWS_PROD_ACCESS_KEY", "a")
    monkeypatch.setenv("STACKFOLD_SECRET_EMPTY_KEY", "")
    monkeypatch.setenv("STACKFOLD_SECRET_STORE", "file")
    return Environment()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("aws", "prod_access_key"),
        ("aws_prod", "access_key"),
        ("aws-prod", "access-key"),
        ("AWS_prod", "Access_Key"),
        ("aws_prod_access", "key"),
    ],
)
def test_a_variable_is_found_by_every_way_to_read_it(environment, name, key):
    assert environment.value(name, key) == "a"


def test_a_list_of_the_environment_shows_the_shortest_name(environment):
    assert environment.keys() == {"aws": ["prod_access_key"]}
    assert environment.read("aws_prod") == {"access_key": "a"}
    assert environment.value("empty", "key") is None


def test_what_a_process_was_handed_is_found_but_is_not_in_its_environment(monkeypatch):
    monkeypatch.setattr("stackfold.infrastructure.secrets.environment._added", {})
    add_values({("aws-prod", "key"): "handed over"})
    assert Environment().value("aws-prod", "key") == "handed over"
    assert Environment().keys() == {"aws": ["prod_key"]}
    assert "handed over" not in os.environ.values()


def test_the_environment_is_only_read(environment):
    for operation in (lambda: environment.write("a", {}), lambda: environment.delete("a")):
        with pytest.raises(SecretStoreUnavailable, match="it can only be read"):
            operation()
