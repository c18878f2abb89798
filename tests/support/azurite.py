"""A real emulator of Azure Blob Storage on this machine: Microsoft's Azurite, from npm."""

import base64
import hashlib
import hmac
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path

from stackfold.application.secrets.secrets import StoredSecrets
from stackfold.infrastructure.flavors.azure.artifact_store import AzureArtifactStore
from stackfold.infrastructure.secrets.environment import Environment

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account and key of every Azurite: https://learn.microsoft.com/azure/storage/common/storage-use-azurite."""
_SECONDS = 60


def azurite() -> list[str] | None:
    """The command that starts the server, if `.ci/azurite` has installed it."""
    node = shutil.which("node")
    folder = Path(f"{sys.prefix}-flavors", "azurite")
    script = folder / "node_modules/azurite/dist/src/blob/main.js"
    return [node, str(script)] if node and script.is_file() else None


def azure_store(**configuration):
    """A store of the flavor, with the server's credentials unless others are given."""
    given = {"account_name": ACCOUNT, **configuration}
    kinds = {"sas_token", "connection_string", "client_secret", "managed_identity", "account_key"}
    if not kinds & given.keys():
        given["account_key"] = "{{azure.key}}"
    store = AzureArtifactStore(AzureArtifactStore.Configuration(**given), Path("/nowhere"))
    store.secrets = StoredSecrets([Environment()])
    return store


class AzuriteServer:
    """Listens on loopback only; keeps what it has when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/{ACCOUNT}"

    def start(self, *, wait: bool = True) -> None:
        command = [
            *(azurite() or []),
            "--blobHost=127.0.0.1",
            f"--blobPort={self._port}",
            f"--location={self._folder}",
            "--silent",
            "--disableTelemetry",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )
        if wait:
            self._until(self._listens)

    def kill(self) -> None:
        """As a power cut would: nothing is flushed."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def container(self, name: str) -> None:
        """Make a container, and wait until it outlives a kill.

        Azurite writes its metadata to a file every five seconds.
        """
        date = formatdate(usegmt=True)
        headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
        lines = ["PUT", *[""] * 11]
        lines += [f"x-ms-date:{date}", "x-ms-version:2021-08-06"]
        lines += [f"/{ACCOUNT}/{ACCOUNT}/{name}", "restype:container"]
        signature = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256)
        signed = base64.b64encode(signature.digest()).decode()
        request = urllib.request.Request(
            f"{self.url}/{name}?restype=container",
            method="PUT",
            headers={**headers, "Authorization": f"SharedKey {ACCOUNT}:{signed}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 201
        metadata = self._folder / "__azurite_db_blob__.json"
        self._until(lambda: metadata.exists() and f'"{name}"' in metadata.read_text())

    def client(self, container: str):
        """Another client than the flavor's, to look past it."""
        from obstore.store import AzureStore

        return AzureStore(
            container,
            account_name=ACCOUNT,
            account_key=KEY,
            endpoint=self.url,
            client_options={"allow_http": True},
        )

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
            return True
        return False

    def _until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            if done():
                return
            time.sleep(0.1)
        raise TimeoutError((self._folder / "log").read_text()[-2000:])
