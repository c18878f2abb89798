"""Secrets in the keyring of the operating system, by the package keyring."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stackfold.application.secrets.secrets import SecretStore
from stackfold.domain.errors import SecretStoreUnavailable
from stackfold.infrastructure.secrets.private_file import PrivateFile
from stackfold.infrastructure.system.environment import importable

_SERVICE = "stackfold"
_NAME = "keyring"


class Keyring(SecretStore):
    """The Keychain of macOS, the Credential Locker of Windows, GNOME Keyring, KWallet and others.

    A keyring cannot tell what it holds, so a file tells the names and keys, without values.
    """

    name = _NAME

    def __init__(self, folder: Path) -> None:
        """Keep the list of names in `folder`."""
        self._index = PrivateFile(self.name, folder / "keyring.json")
        self._folder = folder

    def problem(self) -> str:
        return problem()

    def keys(self) -> Mapping[str, Sequence[str]]:
        return self._index.read()

    def read(self, name: str) -> Mapping[str, str]:
        if name not in self._index.read():
            return {}
        kept = password(self._user(name))
        if kept is None:
            raise SecretStoreUnavailable(
                self.name, f"it no longer holds {name!r}: delete that secret and create it again"
            )
        values: dict[str, str] = json.loads(kept)
        return values

    def write(self, name: str, values: Mapping[str, str]) -> None:
        with self._index.changing() as index:
            keep(self._user(name), json.dumps(dict(values)))
            index[name] = [*values]

    def delete(self, name: str) -> None:
        with self._index.changing() as index:
            index.pop(name, None)
            with _in_plain_words() as ring:
                if ring.get_password(_SERVICE, self._user(name)) is not None:
                    ring.delete_password(_SERVICE, self._user(name))

    def _user(self, name: str) -> str:
        return f"{name} of {self._folder}"


def problem() -> str:
    """Why there is no keyring to use; empty if there is one."""
    if not importable("keyring"):
        return "it needs the package keyring: pip install 'stackfold[secrets]'"
    import keyring

    try:
        # Those that only say no, or keep plain text, come last in the package's own order.
        usable = keyring.get_keyring().priority >= 1
    except Exception as error:  # whatever a backend raises that cannot work here
        return f"the system's keyring does not work: {type(error).__name__}"
    return "" if usable else "the system has no keyring, or it is locked"


def password(user: str) -> str | None:
    """What the keyring keeps under a name of ours; None if that is nothing."""
    with _in_plain_words() as ring:
        kept: str | None = ring.get_password(_SERVICE, user)
        return kept


def keep(user: str, text: str) -> None:
    """Let the keyring keep a text under a name of ours."""
    with _in_plain_words() as ring:
        ring.set_password(_SERVICE, user, text)


@contextmanager
def _in_plain_words() -> Iterator[Any]:
    because = problem()
    if because:
        raise SecretStoreUnavailable(_NAME, because)
    import keyring

    try:
        yield keyring
    except Exception as error:  # backends raise what they like, and may quote what they were given
        raise SecretStoreUnavailable(_NAME, f"it refused: {type(error).__name__}") from None
