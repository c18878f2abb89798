"""A real Label Studio on this machine, and a person who labels in it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from flavor_environments import environment

SECONDS = 600
"""The first start creates the database, which is kept beside the server's environment."""
EMAIL, PASSWORD = "ada@example.com", "secret-of-ada"
_DATABASE = "label_studio.sqlite3"


class LabelStudioServer:
    """Listens on loopback only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = environment("label-studio")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.token = ""
        """The personal access token of the person."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        data, known = self._folder / "data", self._home / "database-of-tests" / _DATABASE
        data.mkdir(exist_ok=True)
        if known.exists():
            shutil.copy(known, data)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._home / "bin" / "label-studio"),
                    "start",
                    "--no-browser",
                    "--internal-host=127.0.0.1",
                    f"--port={self._port}",
                    f"--data-dir={data}",
                    f"--username={EMAIL}",
                    f"--password={PASSWORD}",
                    "--log-level=WARNING",
                ],
                env={
                    **os.environ,
                    "HOME": str(self._folder),
                    "COLLECT_ANALYTICS": "false",
                    "LATEST_VERSION_CHECK": "false",
                    "SENTRY_DSN": "",
                    "FRONTEND_SENTRY_DSN": "",
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()
        if not known.exists():
            # An empty database, to which the same account is added at the next start.
            known.parent.mkdir(exist_ok=True)
            shutil.copy(data / _DATABASE, known.with_suffix(".new"))
            known.with_suffix(".new").replace(known)
        self.token = self._new_token()

    def kill(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def as_person(self) -> httpx.Client:
        """A client of the API past the flavor."""
        answer = httpx.post(f"{self.url}/api/token/refresh/", json={"refresh": self.token})
        access = answer.raise_for_status().json()["access"]
        headers = {"Authorization": f"Bearer {access}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def _new_token(self) -> str:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            page = client.get("/user/login/").text
            (hidden,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[:1]
            form = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": hidden}
            headers = {"Referer": f"{self.url}/user/login/"}
            assert client.post("/user/login/", data=form, headers=headers).status_code == 302
            headers["X-CSRFToken"] = client.cookies["csrftoken"]
            answer = client.post("/api/token/", headers=headers)
            return answer.raise_for_status().json()["token"]

    def _wait(self) -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self._process and self._process.poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            time.sleep(0.5)
        raise RuntimeError((self._folder / "log").read_text()[-2000:])


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory):
    if not (environment("label-studio") / "bin" / "label-studio").exists():
        pytest.skip("no Label Studio here: run `make slow-flavors`")
    server = LabelStudioServer(tmp_path_factory.mktemp("label-studio"))
    try:
        server.start()
        yield server
    finally:
        server.kill()
