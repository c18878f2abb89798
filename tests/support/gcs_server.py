"""A server on this machine with the part of Cloud Storage's XML API that is used: `gcs_api.py`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from stackfold.application.secrets.secrets import StoredSecrets
from stackfold.infrastructure.flavors.gcs.artifact_store import GcsArtifactStore
from stackfold.infrastructure.secrets.environment import Environment

_PROGRAM = Path(__file__).with_name("gcs_api.py")
"""Not imported here: it needs cryptography, which not every environment of flavors has."""

_SECONDS = 60


def gcs_store(**configuration):
    """A store of the flavor, with the account's key unless others are given."""
    given = {"service_account_key": "{{gcs.key}}", **configuration}
    store = GcsArtifactStore(GcsArtifactStore.Configuration(**given), Path("/nowhere"))
    store.secrets = StoredSecrets([Environment()])
    return store


def service_account_key() -> str:
    """The JSON key of a new service account."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "trainer@project.iam.gserviceaccount.com",
            "private_key_id": uuid4().hex,
            "private_key": pem.decode(),
        }
    )


class GcsServer:
    """Listens on loopback only; keeps what it has when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.key = service_account_key()
        (folder / "key.json").write_text(self.key)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self, *, wait: bool = True) -> None:
        command = [sys.executable, str(_PROGRAM), str(self._folder), str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + _SECONDS
        while wait and time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def bucket(self, name: str) -> None:
        (self._folder / name).mkdir()

    def client(self, bucket: str):
        """Another client than the flavor's, for which obstore signs the tokens."""
        from obstore.store import GCSStore

        return GCSStore(
            bucket,
            base_url=self.url,
            service_account_key=self.key,
            client_options={"allow_http": True},
        )
