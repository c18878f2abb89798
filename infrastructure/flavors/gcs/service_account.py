"""Service accounts of Google Cloud, and the tokens that they sign themselves."""

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from stackfold.domain.errors import ArtifactStoreUnavailable

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_LIFETIME = 3600
"""Seconds for which a token is valid; Google accepts at most an hour."""


class ServiceAccount(NamedTuple):
    """The key of a service account."""

    email: str
    key_id: str
    private_key: Any
    """An RSA key of the package cryptography."""

    def __repr__(self) -> str:
        return f"ServiceAccount({self.email!r})"

    @classmethod
    def parse(cls, text: str, store: str) -> "ServiceAccount":
        """Parse the JSON file that Google Cloud creates for a key.

        Args:
            text: The content of the file.
            store: The artifact store, for errors.

        Raises:
            ArtifactStoreUnavailable: It is no such file. The message does not repeat it.
        """
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            found = json.loads(text)
            pem = found["private_key"].encode()
            key = load_pem_private_key(pem, password=None)
            if isinstance(key, RSAPrivateKey):
                return cls(str(found["client_email"]), str(found.get("private_key_id", "")), key)
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        problem = "the secret behind service_account_key is not the JSON key of a service account"
        raise ArtifactStoreUnavailable(store, problem)

    def token(self) -> dict[str, Any]:
        """Return a token for Cloud Storage, as obstore expects it.

        It is signed here, so no server is asked for it:
        https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth
        """
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        now = int(time.time())
        claims = {
            "iss": self.email,
            "sub": self.email,
            "scope": _SCOPE,
            "iat": now,
            "exp": now + _LIFETIME,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        signed = b".".join(_encode(json.dumps(each).encode()) for each in (header, claims))
        signature = self.private_key.sign(signed, PKCS1v15(), SHA256())
        return {
            "token": (signed + b"." + _encode(signature)).decode(),
            "expires_at": datetime.fromtimestamp(now + _LIFETIME, UTC),
        }


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
