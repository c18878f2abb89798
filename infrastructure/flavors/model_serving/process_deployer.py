"""Base class of model deployers whose servers are processes of this machine.

Each deployment has a private folder in the home with the model, the log of its server and a note
of the server's process.
"""

import json
import os
import re
import shutil
import socket
import sys
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, NamedTuple

from stackfold.application.ports.model_deployer import (
    Deployed,
    Health,
    ModelDeployer,
    ModelToServe,
    Reference,
    Served,
)
from stackfold.domain.errors import DeploymentFailed, DeploymentStopped, DeploymentUnavailable
from stackfold.infrastructure.flavors.model_serving import server_log
from stackfold.infrastructure.flavors.model_serving.model_files import (
    MLFLOW_MODEL,
    is_servable,
    model_digest,
)
from stackfold.infrastructure.flavors.model_serving.server_requests import ServerAddress, is_ready
from stackfold.infrastructure.flavors.model_serving.server_settings import ServerSettings
from stackfold.infrastructure.system import server_process
from stackfold.infrastructure.system.loopback import is_loopback
from stackfold.infrastructure.system.private_files import make_folder
from stackfold.infrastructure.system.server_process import ServerProcess
from stackfold.infrastructure.system.trust import project_code_folder

_PACKAGE = Path(__file__).parents[3]
"""The folder of Stackfold's package."""
_FOLDER = "deployments"
_MODEL, _NOTE, _CODE = "model", "server.json", "code"
_DIRECTORY = "stackfold.Directory"
"""The type of folders that steps fill themselves."""
_POLL_INTERVAL = 0.1
_HEALTH_TIMEOUT = 2.0
"""Seconds to wait for the response to a health check."""
_READ_CHARACTERS = 2**16
_PORT_TAKEN = "address already in use"
_NOT_INHERITED = ("STACKFOLD_", "MLSERVER_", "MLFLOW_", "_MLFLOW", "KSERVE_", "PYTHON")
"""Prefixes of variables that servers do not inherit: secrets, and settings of the servers."""


class _RunningServer(NamedTuple):
    """A server that was started; it may have ended since."""

    host: str
    """The name of its machine."""
    process: ServerProcess
    address: ServerAddress

    @classmethod
    def from_reference(cls, reference: Reference) -> "_RunningServer":
        process = ServerProcess(int(reference["pid"]), str(reference["started"]))
        address = ServerAddress(str(reference["address"]), int(reference["port"]))
        return cls(str(reference["host"]), process, address)

    def reference(self) -> Reference:
        return {
            "host": self.host,
            "pid": self.process.pid,
            "started": self.process.started,
            "address": self.address.host,
            "port": self.address.port,
        }


class ProcessModelDeployer(ModelDeployer):
    """Serves each model by a process that runs `python -m stackfold.serve`."""

    extra_port_options: ClassVar[Sequence[str]] = ()
    """Options of the server that take further ports."""
    configuration: ServerSettings

    @property
    def has_own_environment(self) -> bool:  # type: ignore[override]
        """Whether the server's package may be missing from this environment."""
        return self.configuration.python is not None

    @abstractmethod
    def ready_path(self, name: str) -> str:
        """The path at which a server reports whether a model is ready."""

    @abstractmethod
    def inference_path(self, name: str) -> str:
        """The path of a model's predictions."""

    def extra_options(self) -> Mapping[str, object]:
        """Further options of the server: name → value; none by default."""
        return {}

    def deploy(self, model: ModelToServe) -> Served:
        self.delete(Deployed(model.id, model.name, None))
        folder = self._folder(model.id)
        python = self._python(model)
        try:
            self._create_folder(model, folder)
            for last_attempt in (False, False, True):
                (folder / server_log.NAME).unlink(missing_ok=True)  # of the previous attempt
                server = self._start(model, folder, python)
                if self._wait_until_ready(model, folder, server, last_attempt):
                    break
        except OSError as error:
            problem = f"{error.strerror or error}: {error.filename or folder}"
            raise self._failed(model, problem) from error
        host = self.configuration.connect_to
        if not self.configuration.is_loopback and host != self.configuration.host:
            host = socket.gethostname()
        address = ServerAddress(host, server.address.port)
        listen = None
        if model.behind_gateway:
            address = server.address
            listen = (self.configuration.host, self.configuration.port)
        url = f"http://{address}{self.inference_path(model.name)}"
        return Served(server.reference(), url, listen)

    def health(self, deployed: Deployed) -> Health:
        server = self._server(deployed)
        if server is None:
            return Health.DOWN
        if server.host != socket.gethostname():
            return Health.ELSEWHERE
        if not server_process.alive(server.process):
            return Health.DOWN
        try:
            if is_ready(server.address, self.ready_path(deployed.name), _HEALTH_TIMEOUT):
                return Health.READY
        except TimeoutError:
            return Health.DOWN
        # `deploy` returns a reference only once the server was ready.
        return Health.DOWN if deployed.reference else Health.STARTING

    def why_down(self, deployed: Deployed) -> str:
        server = self._server(deployed)
        if server is None:
            return "it has no server"
        process = f"its process {server.process.pid}"
        if server_process.alive(server.process):
            return f"{process} is alive, but does not say that it is ready"
        if server_process.is_of_another_boot(server.process):
            return f"{process} ended when this machine was restarted"
        reason = server_log.last_reason(self._folder(deployed.id) / server_log.NAME)
        return f"{process} ended by itself or was killed. The last line of its log: {reason}"

    def logs(self, deployed: Deployed) -> Iterator[str]:
        self._local_server(deployed)
        path = self._folder(deployed.id) / server_log.NAME
        try:
            with path.open(encoding="utf-8", errors="replace") as log:
                while text := log.read(_READ_CHARACTERS):
                    yield text
        except FileNotFoundError:
            return

    def stop(self, deployed: Deployed) -> None:
        servers = {self._local_server(deployed), self._noted_server(deployed.id)}
        for server in filter(None, servers):
            try:
                server_process.end(server.process)
            except PermissionError as error:
                raise DeploymentUnavailable(deployed.name, "it is another user's") from error

    def delete(self, deployed: Deployed) -> None:
        self.stop(deployed)
        shutil.rmtree(self._folder(deployed.id), ignore_errors=True)

    # -- finding the server of a deployment

    def _url(self, deployed: Deployed) -> str:
        """The address of predictions; raises as `predict`."""
        server = self._local_server(deployed)
        if server is None:
            raise DeploymentStopped(deployed.name, "it has no server")
        address = ServerAddress.parsed(deployed.gateway) if deployed.gateway else server.address
        return f"http://{address}{self.inference_path(deployed.name)}"

    def _local_server(self, deployed: Deployed) -> _RunningServer | None:
        """The server, if there is one; raises DeploymentUnavailable if it is elsewhere."""
        server = self._server(deployed)
        if server is not None and server.host != socket.gethostname():
            problem = f"it is served by the machine {server.host!r}: ask there"
            raise DeploymentUnavailable(deployed.name, problem)
        return server

    def _server(self, deployed: Deployed) -> _RunningServer | None:
        if deployed.reference is None:
            return self._noted_server(deployed.id)
        return _RunningServer.from_reference(deployed.reference)

    def _noted_server(self, id: str) -> _RunningServer | None:
        """The last server that was started, even if `deploy` did not return."""
        try:
            content = json.loads((self._folder(id) / _NOTE).read_text())
            return _RunningServer.from_reference(content)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _folder(self, id: str) -> Path:
        # Ids contain none of these; one that did must not lead to another folder.
        return Path(os.path.abspath(self.home), _FOLDER, re.sub(r"[^\w-]", "_", id))

    # -- starting a server

    def _python(self, model: ModelToServe) -> str:
        if not hasattr(os, "posix_spawn"):
            raise self._failed(model, "servers are started on Linux and macOS only")
        python = self.configuration.python
        path = shutil.which(os.path.expanduser(python)) if python else sys.executable
        if not path:
            raise self._failed(model, f"there is no program {python}: correct python")
        return os.path.abspath(path)

    def _create_folder(self, model: ModelToServe, folder: Path) -> None:
        """Create the deployment's folder, with the model in it."""
        make_folder(folder.parent)
        folder.mkdir(mode=0o700)
        (folder / _CODE).mkdir()
        # The server imports Stackfold from here, and not what is installed beside it.
        (folder / _CODE / "stackfold").symlink_to(_PACKAGE, target_is_directory=True)
        path = folder / _MODEL
        model.copy(path)
        if is_servable(path):
            return
        if model.type == _DIRECTORY:
            raise self._failed(model, f"it is a folder without the file {MLFLOW_MODEL} of MLflow")
        # Only its materializer can read it.
        import cloudpickle

        data = cloudpickle.dumps(model.load())
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.write_bytes(data)

    def _start(self, model: ModelToServe, folder: Path, python: str) -> _RunningServer:
        address, *others = self._ports(model)
        extra_ports = zip(self.extra_port_options, others, strict=True)
        options = {
            "model": folder / _MODEL,
            "digest": model_digest(folder / _MODEL),
            "name": model.name,
            "versions": json.dumps(dict(model.versions)),
            "folder": folder,
            "host": self._host(model),
            "port": address.port,
            **{option: other.port for option, other in extra_ports},
            **self.extra_options(),
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        process = server_process.start(
            [python, "-m", "stackfold.serve", self.flavor, *arguments],
            self._environment(folder, python),
            folder / server_log.NAME,
        )
        server = _RunningServer(socket.gethostname(), process, address)
        try:
            (folder / _NOTE).write_text(json.dumps(server.reference()))
        except BaseException:
            server_process.end(process, grace=0)
            raise
        return server

    def _ports(self, model: ModelToServe) -> list[ServerAddress]:
        """The addresses for the server to listen on; free ports unless one is configured."""
        host = self._host(model)
        wanted = None if model.behind_gateway else self.configuration.port
        reached_at = host if model.behind_gateway else self.configuration.connect_to
        try:
            family, *_, resolved = socket.getaddrinfo(host, wanted or 0, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise self._failed(model, f"there is no host {host!r}: correct host") from error
        addresses, sockets = [], []
        try:
            for port in (wanted or 0, *(0 for _ in self.extra_port_options)):
                sockets.append(socket.socket(family))
                sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets[-1].bind((resolved[0], port))
                chosen = sockets[-1].getsockname()[1]
                addresses.append(ServerAddress(reached_at, chosen))
        except OSError as error:
            problem = f"{host}:{wanted} cannot be listened on ({error.strerror}): give another port"
            raise self._failed(model, problem) from error
        finally:
            for each in sockets:
                each.close()
        return addresses

    def _host(self, model: ModelToServe) -> str:
        """Where a server listens: behind a gateway, only this machine needs to reach it."""
        host = self.configuration.host
        return "127.0.0.1" if model.behind_gateway and not is_loopback(host) else host

    def _environment(self, folder: Path, python: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
        path = [str(folder / _CODE)]
        if self.configuration.python is None:
            # The modules of the model's class are imported from the same folders as here.
            path += filter(None, sys.path)
            if "" in sys.path:  # the current folder, as in a notebook
                with suppress(FileNotFoundError):  # it was deleted
                    path.append(os.getcwd())
            path += filter(None, [project_code_folder(Path(self.home))])
        path += filter(None, [self.configuration.environment.get("PYTHONPATH")])
        return {
            **inherited,
            "PATH": os.pathsep.join([os.path.dirname(python), inherited.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **self.configuration.environment,
            "PYTHONPATH": os.pathsep.join(path),
        }

    def _wait_until_ready(
        self, model: ModelToServe, folder: Path, server: _RunningServer, last_attempt: bool
    ) -> bool:
        """Wait until a server is ready.

        Returns:
            False if the port was taken by another process before the server could listen.
        """
        deadline = time.monotonic() + self.configuration.ready_timeout
        path = self.ready_path(model.name)
        try:
            while server_process.alive(server.process):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._not_ready(model, folder)
                try:
                    if is_ready(server.address, path, min(left, _HEALTH_TIMEOUT)):
                        return True
                except TimeoutError:
                    continue
                time.sleep(min(_POLL_INTERVAL, max(left, 0)))
        except BaseException:
            server_process.end(server.process, grace=_HEALTH_TIMEOUT)
            raise
        log = folder / server_log.NAME
        is_chosen = model.behind_gateway or self.configuration.port is None
        may_retry = not last_attempt and is_chosen
        if may_retry and _PORT_TAKEN in server_log.tail(log).lower():
            return False
        raise self._failed(model, f"its server ended: {server_log.last_reason(log)}")

    def _not_ready(self, model: ModelToServe, folder: Path) -> DeploymentFailed:
        seconds = f"{self.configuration.ready_timeout:g} seconds"
        problem = (
            f"its server was not ready in {seconds} and was ended; ready_timeout gives it more. "
            f"The last line of its log: {server_log.last_reason(folder / server_log.NAME)}"
        )
        return self._failed(model, problem)

    def _failed(self, model: ModelToServe, problem: str) -> DeploymentFailed:
        return DeploymentFailed(f"the model deployer {self.flavor!r}", model.name, problem)
