"""Secrets in the keyring of the operating system, through the package keyring."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stackfold.application.secrets.secrets import SecretStore
from stackfold.domain.errors import SecretStoreUnavailable
from stackfold.infrastructure.secrets.private_file import PrivateFile
from stackfold.infrastructure.system.environment import importable

_SERVICE = "stackfold"
_NAME = "keyring"
_UNFINISHED = "(unfinished)"
"""Key in the index of the secret that is being changed; no secret can have this name."""


class Keyring(SecretStore):
    """The Keychain of macOS, the Credential Locker of Windows, GNOME Keyring, KWallet and others.

    A keyring cannot list its entries, so a file, the index, holds the names and keys without
    values. It names the secret that is being changed before the keyring changes. If a process is
    killed in between, the keyring decides what that secret is.
    """

    name = _NAME

    def __init__(self, folder: Path) -> None:
        """Keep the index in `folder`."""
        self._file = PrivateFile(self.name, folder / "keyring.json")
        self._folder = folder

    def problem(self) -> str:
        return problem()

    def keys(self) -> Mapping[str, Sequence[str]]:
        return self._index()

    def read(self, name: str) -> Mapping[str, str]:
        if name not in self._index():
            return {}
        stored = load_password(self._user(name))
        if stored is None:
            raise SecretStoreUnavailable(
                self.name, f"it no longer holds {name!r}: delete that secret and create it again"
            )
        values: dict[str, str] = json.loads(stored)
        return values

    def write(self, name: str, values: Mapping[str, str]) -> None:
        with self._changing(name) as index:
            store_password(self._user(name), json.dumps(dict(values)))
            index[name] = [*values]

    def delete(self, name: str) -> None:
        with self._changing(name) as index:
            with _keyring() as ring:
                if ring.get_password(_SERVICE, self._user(name)) is not None:
                    ring.delete_password(_SERVICE, self._user(name))
            index.pop(name, None)

    @contextmanager
    def _changing(self, name: str) -> Iterator[dict[str, list[str]]]:
        """Yield the index for a change of one secret, and write it if the block succeeds."""
        unusable = problem()
        if unusable:
            raise SecretStoreUnavailable(self.name, unusable)
        with self._file.locked():
            index = self._index()
            self._file.write({**index, _UNFINISHED: name})
            yield index
            self._file.write(index)

    def _index(self) -> dict[str, list[str]]:
        """Name → keys; for a change that was interrupted, what the keyring holds."""
        index = self._file.read()
        name = index.pop(_UNFINISHED, None)
        if name is not None:
            with suppress(SecretStoreUnavailable):  # it is locked; the names need no password
                stored = load_password(self._user(name))
                index.pop(name, None)
                if stored is not None:
                    index[name] = [*json.loads(stored)]
        return index

    def _user(self, name: str) -> str:
        return f"{name} of {self._folder}"


def problem() -> str:
    """Return why no keyring can be used; empty if one can."""
    if not importable("keyring"):
        return "it needs the package keyring: pip install 'stackfold[secrets]'"
    import keyring

    try:
        # Backends that store nothing, or plain text, have a priority below 1.
        usable = keyring.get_keyring().priority >= 1
    except Exception as error:  # of any backend that does not work here
        return f"the system's keyring does not work: {type(error).__name__}"
    return "" if usable else "the system has no keyring, or it is locked"


def load_password(user: str) -> str | None:
    """Return the entry of a user name of Stackfold's; None if there is none."""
    with _keyring() as ring:
        stored: str | None = ring.get_password(_SERVICE, user)
        return stored


def store_password(user: str, text: str) -> None:
    """Store an entry under a user name of Stackfold's."""
    with _keyring() as ring:
        ring.set_password(_SERVICE, user, text)


@contextmanager
def _keyring() -> Iterator[Any]:
    """The package keyring, with any error as SecretStoreUnavailable."""
    unusable = problem()
    if unusable:
        raise SecretStoreUnavailable(_NAME, unusable)
    import keyring

    try:
        yield keyring
    except Exception as error:  # of any class; its text may quote the secret
        raise SecretStoreUnavailable(_NAME, f"it failed: {type(error).__name__}") from None
