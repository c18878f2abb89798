"""Gateways as processes of this machine; see `proxy.py` for what they do."""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stackfold.application.deployments.gateways import GatewayState, Listen, Recorded, Route
from stackfold.infrastructure.gateway.route_table import CONTROL, Target, write_targets
from stackfold.infrastructure.system import server_process
from stackfold.infrastructure.system.loopback import is_loopback
from stackfold.infrastructure.system.private_files import make_folder
from stackfold.infrastructure.system.server_process import ServerProcess

_FOLDER, _NOTE, _PORT, _LOG = "gateways", "gateway.json", "port", "gateway.log"
_PACKAGES = Path(__file__).parents[3]
"""The folder that Stackfold's package is imported from."""
_PATIENCE = 30.0
"""Seconds in which a gateway must listen."""
_POLL = 0.02
_TIMEOUT = 2.0
"""Seconds to wait for an answer of a gateway."""
_GRACE = 2.0
_NOT_INHERITED = ("STACKFOLD_", "PYTHON")
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class ProcessGateways:
    """Implements `Gateways`: each gateway has a folder in the home."""

    def __init__(self, home: Path) -> None:
        """Create the service.

        Args:
            home: The home, with a folder for each gateway.
        """
        self._home = home

    def can_route(self, url: str) -> bool:
        """Whether an address is one of HTTP on this machine, and processes can be started."""
        parts = urlsplit(url)
        is_here = parts.scheme == "http" and is_loopback(parts.hostname or "")
        return is_here and hasattr(os, "posix_spawn")

    def open(
        self, id: str, listen: Listen, former: Recorded | None, routes: Sequence[Route]
    ) -> Recorded:
        """Start a gateway, unless one that runs can be used."""
        folder = self._folder(id)
        make_folder(folder)
        self.route(id, routes)
        if former and former["address"] == listen.host and self._answers(id, former):
            return former
        self._end(id)
        wanted = [listen.port or 0]
        if former and not listen.port and former["address"] == listen.host:
            wanted.insert(0, int(former["port"]))
        for port in wanted:
            recorded = self._start(id, folder, listen.host, port)
            if recorded:
                return recorded
        raise OSError(f"nothing can listen at {listen.host}:{listen.port}: give another port")

    def route(self, id: str, routes: Sequence[Route]) -> None:
        """Replace the routes of a gateway."""
        targets = []
        for each in routes:
            parts = urlsplit(each.url)
            host, port = parts.hostname or "", parts.port or 80
            targets.append(Target(each.server, host, port, each.share, each.title))
        write_targets(self._folder(id), targets)

    def drain(self, id: str, recorded: Recorded, servers: Sequence[str], seconds: float) -> bool:
        """Wait until no request that servers answer is in progress."""
        end = time.monotonic() + seconds
        while True:
            state = self._asked(id, recorded)
            if state is None or not any(state["active"].get(each) for each in servers):
                return True
            if time.monotonic() > end:
                return False
            time.sleep(_POLL)

    def url(self, recorded: Recorded, url: str) -> str:
        """The address at which a gateway answers what a server answers at an address."""
        host = str(recorded["address"])
        if not is_loopback(host):
            host = str(recorded["host"]) if host in _REACHED_AT else host
        return urlsplit(url)._replace(netloc=_netloc(host, recorded["port"])).geturl()

    def address(self, recorded: Recorded) -> str:
        """The host and port by which this machine reaches a gateway."""
        host = str(recorded["address"])
        return _netloc(_REACHED_AT.get(host, host), recorded["port"])

    def state(self, id: str, recorded: Recorded) -> GatewayState:
        """Check a gateway."""
        if recorded["host"] != socket.gethostname():
            return GatewayState("elsewhere", f"its gateway is on the machine {recorded['host']!r}")
        if self._answers(id, recorded):
            return GatewayState("ready")
        return GatewayState("down", f"its gateway does not answer at {self.address(recorded)}")

    def is_recording(self, id: str, recorded: Recorded) -> bool:
        """Whether a gateway has handed requests to a recorder."""
        if recorded["host"] != socket.gethostname():
            return False
        state = self._asked(id, recorded)
        return state is not None and bool(state.get("recording"))

    def close(self, id: str) -> None:
        """End the gateway, if it runs, and delete its files."""
        self._end(id)
        shutil.rmtree(self._folder(id), ignore_errors=True)

    # -- private

    def _folder(self, id: str) -> Path:
        return Path(os.path.abspath(self._home), _FOLDER, id)

    def _start(self, id: str, folder: Path, host: str, port: int) -> Recorded | None:
        """Start the process; None if it ended, as when the port is taken."""
        (folder / _PORT).unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        environment |= {"PYTHONPATH": str(_PACKAGES), "PYTHONSAFEPATH": "1"}
        command = [sys.executable, "-m", f"{__package__}", str(folder), id, host, str(port)]
        process = server_process.start(command, environment, folder / _LOG)
        try:
            note = {"pid": process.pid, "started": process.started}
            (folder / _NOTE).write_text(json.dumps(note))
            end = time.monotonic() + _PATIENCE
            while time.monotonic() < end and server_process.alive(process):
                with suppress(OSError, ValueError):
                    listens = int((folder / _PORT).read_text())
                    return {"host": socket.gethostname(), "address": host, "port": listens}
                time.sleep(_POLL)
        except BaseException:
            server_process.end(process, grace=0)
            raise
        server_process.end(process, grace=0)
        return None

    def _end(self, id: str) -> None:
        try:
            note = json.loads((self._folder(id) / _NOTE).read_text())
            process = ServerProcess(int(note["pid"]), str(note["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return
        with suppress(PermissionError):
            server_process.end(process, grace=_GRACE)

    def _answers(self, id: str, recorded: Recorded) -> bool:
        if recorded["host"] != socket.gethostname():
            return False
        return self._asked(id, recorded) is not None

    def _asked(self, id: str, recorded: Recorded) -> dict[str, Any] | None:
        """What a gateway reports; None if it does not answer."""
        from stackfold.infrastructure.flavors.http_requests import request

        try:
            address = f"http://{self.address(recorded)}{CONTROL}{id}"
            response = request("GET", address, timeout=_TIMEOUT)
            content = json.loads(response.body)
            return content if response.status == 200 and content["id"] == id else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _netloc(host: str, port: object) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
