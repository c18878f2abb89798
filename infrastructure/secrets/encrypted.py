"""Secrets in an encrypted file of the home; the key is in the environment or the keyring.

Each secret is encrypted by AES-256-GCM and authenticated with its name, so that no two can be
swapped. Names and keys are not encrypted: the log holds them anyway. A passphrase in the
environment becomes the key by scrypt, with a salt from the file.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from stackfold.application.secrets.secrets import SecretStore
from stackfold.domain.errors import SecretStoreUnavailable
from stackfold.infrastructure.secrets import keyring_store
from stackfold.infrastructure.secrets.private_file import PrivateFile
from stackfold.infrastructure.system.environment import importable

KEY = "STACKFOLD_SECRETS_KEY"
_MIN_PASSPHRASE = 16
_NONCE = 12
_SALT = 16


class EncryptedFile(SecretStore):
    """A file that cannot be read without its key."""

    name = "encrypted"

    def __init__(self, folder: Path) -> None:
        """Keep the file in `folder`."""
        self._file = PrivateFile(self.name, folder / "encrypted.json")
        self._key_name = f"key of {folder}"

    def problem(self) -> str:
        if not importable("cryptography"):
            return "it needs the package cryptography: pip install 'stackfold[secrets]'"
        passphrase = os.environ.get(KEY)
        if not passphrase and keyring_store.problem():
            return f"there is no key for it: set {KEY} to a text of {_MIN_PASSPHRASE} characters"
        if passphrase and len(passphrase) < _MIN_PASSPHRASE:
            return f"{KEY} is too short: it needs {_MIN_PASSPHRASE} characters"
        return ""

    def keys(self) -> Mapping[str, Sequence[str]]:
        return {name: each["keys"] for name, each in self._file.read().get("secrets", {}).items()}

    def read(self, name: str) -> Mapping[str, str]:
        content = self._file.read()
        if name not in content.get("secrets", {}):
            return {}
        self._require_key()
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        sealed = base64.b64decode(content["secrets"][name]["sealed"])
        key = self._key(base64.b64decode(content["salt"]))
        try:
            plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except InvalidTag:
            raise SecretStoreUnavailable(
                self.name, f"the key does not fit {self._file.path}, or the file was tampered with"
            ) from None
        values: dict[str, str] = json.loads(plain)
        return values

    def write(self, name: str, values: Mapping[str, str]) -> None:
        self._require_key()
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self._file.changing() as content:
            salt = content.setdefault("salt", base64.b64encode(os.urandom(_SALT)).decode())
            # The whole file must have the same key.
            for other in list(content.get("secrets", {}))[:1]:
                self.read(other)
            key = self._key(base64.b64decode(salt), create=True)
            nonce = os.urandom(_NONCE)
            sealed = nonce + AESGCM(key).encrypt(
                nonce, json.dumps(dict(values)).encode(), name.encode()
            )
            content.setdefault("secrets", {})[name] = {
                "keys": [*values],
                "sealed": base64.b64encode(sealed).decode(),
            }

    def delete(self, name: str) -> None:
        with self._file.changing() as content:
            content.get("secrets", {}).pop(name, None)

    def _require_key(self) -> None:
        problem = self.problem()
        if problem:
            raise SecretStoreUnavailable(self.name, problem)

    def _key(self, salt: bytes, create: bool = False) -> bytes:
        passphrase = os.environ.get(KEY)
        if passphrase:
            return _derived(passphrase, salt)
        key = keyring_store.load_password(self._key_name)
        if key is None and create:
            key = base64.b64encode(os.urandom(32)).decode()
            keyring_store.store_password(self._key_name, key)
        if key is None:
            raise SecretStoreUnavailable(self.name, f"its key is not in the keyring: set {KEY}")
        return base64.b64decode(key)


@lru_cache(maxsize=4)
def _derived(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
