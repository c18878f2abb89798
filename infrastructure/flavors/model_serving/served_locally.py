"""Model deployers whose servers are processes of this machine.

A deployment has a folder in the home, which nobody else may read: the model, what its server has
written, and which process it is.
"""

import json
import os
import re
import shutil
import socket
import sys
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
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
from stackfold.infrastructure.flavors.model_serving import server_process
from stackfold.infrastructure.flavors.model_serving.served_model import SAYS
from stackfold.infrastructure.flavors.model_serving.server_process import ServerProcess
from stackfold.infrastructure.flavors.model_serving.server_requests import Address, answers
from stackfold.infrastructure.flavors.model_serving.server_settings import ServerSettings
from stackfold.infrastructure.system.private_files import make_folder
from stackfold.infrastructure.system.trust import project_code_folder

_PACKAGE = Path(__file__).parents[3]
"""Stackfold's."""
_FOLDER = "deployments"
_MODEL, _LOG, _NOTE, _CODE = "model", "server.log", "server.json", "code"
_PICKLE = b"\x80"
"""The first byte of every pickle that is written nowadays."""
_GLANCE = 0.1
_PATIENCE = 2.0
"""Seconds that somebody who looks waits for a server's answer."""
_TAIL = 2**16
_LONGEST = 300
_PIECE = 2**16
_TAKEN = "address already in use"
_FAULT = re.compile(r"\b(\w*Error|ERROR|Exception)\b")
_NOT_THEIRS = ("STACKFOLD_", "MLSERVER_", "MLFLOW_", "_MLFLOW", "KSERVE_", "PYTHON")
"""Beginnings of variables that servers do not inherit: secrets, and what would set them up anew."""


class _Found(NamedTuple):
    """Where a server is, or was."""

    host: str
    """The machine's name."""
    process: ServerProcess
    address: Address

    @classmethod
    def by(cls, reference: Reference) -> "_Found":
        process = ServerProcess(int(reference["pid"]), str(reference["started"]))
        address = Address(str(reference["address"]), int(reference["port"]))
        return cls(str(reference["host"]), process, address)

    def reference(self) -> Reference:
        return {
            "host": self.host,
            "pid": self.process.pid,
            "started": self.process.started,
            "address": self.address.host,
            "port": self.address.port,
        }


class ServedLocally(ModelDeployer):
    """What the deployers have in common whose servers are processes of this machine."""

    program: ClassVar[str]
    """The module that serves, by its full name."""
    more_ports: ClassVar[Sequence[str]] = ()
    """Options of it that want further ports."""
    configuration: ServerSettings

    @property
    def has_own_environment(self) -> bool:  # type: ignore[override]
        """Whether the server's package need not be where Stackfold is."""
        return self.configuration.python is not None

    @abstractmethod
    def ready_path(self, name: str) -> str:
        """Where a server says whether a model is ready."""

    @abstractmethod
    def inference_path(self, name: str) -> str:
        """Where it predicts."""

    def deploy(self, model: ModelToServe) -> Served:
        self.delete(Deployed(model.id, model.name, None))
        folder = self._folder(model.id)
        python = self._python(model)
        try:
            self._keep(model, folder)
            for last in (False, False, True):
                (folder / _LOG).unlink(missing_ok=True)  # of a port that was taken meanwhile
                found = self._start(model, folder, python)
                if self._wait(model, folder, found, last):
                    break
        except OSError as error:
            problem = f"{error.strerror or error}: {error.filename or folder}"
            raise self._failed(model, problem) from error
        host = self.configuration.connect_to
        if not self.configuration.is_loopback and host != self.configuration.host:
            host = socket.gethostname()
        url = f"http://{Address(host, found.address.port)}{self.inference_path(model.name)}"
        return Served(found.reference(), url)

    def health(self, deployed: Deployed) -> Health:
        found = self._found(deployed)
        if found is None:
            return Health.DOWN
        if found.host != socket.gethostname():
            return Health.ELSEWHERE
        if not server_process.alive(found.process):
            return Health.DOWN
        try:
            if answers(found.address, self.ready_path(deployed.name), _PATIENCE):
                return Health.READY
        except TimeoutError:
            return Health.DOWN
        # It was ready once if it has been deployed.
        return Health.DOWN if deployed.reference else Health.STARTING

    def why_down(self, deployed: Deployed) -> str:
        found = self._found(deployed)
        if found is None:
            return "it has no server"
        process = f"its process {found.process.pid}"
        if server_process.alive(found.process):
            return f"{process} is alive, but does not say that it is ready"
        if server_process.is_of_another_boot(found.process):
            return f"{process} ended when this machine was restarted"
        said = _last_said(self._folder(deployed.id))
        return f"{process} ended by itself or was killed. The last that its log says: {said}"

    def logs(self, deployed: Deployed) -> Iterator[str]:
        self._must_be_here(deployed)
        try:
            with (self._folder(deployed.id) / _LOG).open(encoding="utf-8", errors="replace") as log:
                while piece := log.read(_PIECE):
                    yield piece
        except FileNotFoundError:
            return

    def stop(self, deployed: Deployed) -> None:
        for found in filter(None, {self._must_be_here(deployed), self._noted(deployed.id)}):
            try:
                server_process.end(found.process)
            except PermissionError as error:
                raise DeploymentUnavailable(deployed.name, "it is another user's") from error

    def delete(self, deployed: Deployed) -> None:
        self.stop(deployed)
        shutil.rmtree(self._folder(deployed.id), ignore_errors=True)

    # -- how it is done

    def _address(self, deployed: Deployed) -> Address:
        """Where predictions are asked for; raises as `predict`."""
        found = self._must_be_here(deployed)
        if found is None:
            raise DeploymentStopped(deployed.name, "it has no server")
        return found.address

    def _must_be_here(self, deployed: Deployed) -> _Found | None:
        found = self._found(deployed)
        if found is not None and found.host != socket.gethostname():
            problem = f"it is served by the machine {found.host!r}: ask there"
            raise DeploymentUnavailable(deployed.name, problem)
        return found

    def _found(self, deployed: Deployed) -> _Found | None:
        if deployed.reference is None:
            return self._noted(deployed.id)
        return _Found.by(deployed.reference)

    def _noted(self, id: str) -> _Found | None:
        """The server that was started last, whether or not anybody was told of it."""
        try:
            return _Found.by(json.loads((self._folder(id) / _NOTE).read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _folder(self, id: str) -> Path:
        # An id has none of these; one that does must not lead to another folder.
        return Path(os.path.abspath(self.home), _FOLDER, re.sub(r"[^\w-]", "_", id))

    def _python(self, model: ModelToServe) -> str:
        if not hasattr(os, "posix_spawn"):
            raise self._failed(model, "servers are started on Linux and macOS only")
        given = self.configuration.python
        found = shutil.which(os.path.expanduser(given)) if given else sys.executable
        if not found:
            raise self._failed(model, f"there is no program {given}: correct python")
        return os.path.abspath(found)

    def _keep(self, model: ModelToServe, folder: Path) -> None:
        """Make the deployment's folder, with the model in it."""
        make_folder(folder.parent)
        folder.mkdir(mode=0o700)
        (folder / _CODE).mkdir()
        # Stackfold alone is to be found there, whatever else is installed beside it.
        (folder / _CODE / "stackfold").symlink_to(_PACKAGE, target_is_directory=True)
        path = folder / _MODEL
        model.copy(path)
        with path.open("rb") as file:
            is_a_pickle = file.read(1) == _PICKLE
        if not is_a_pickle:  # but something that only its materializer can read
            import cloudpickle

            path.write_bytes(cloudpickle.dumps(model.load()))

    def _start(self, model: ModelToServe, folder: Path, python: str) -> _Found:
        address, *others = self._ports(model)
        options = {
            "model": folder / _MODEL,
            "digest": _digest(folder / _MODEL),
            "name": model.name,
            "versions": json.dumps(dict(model.versions)),
            "folder": folder,
            "host": self.configuration.host,
            "port": address.port,
            **{option: other.port for option, other in zip(self.more_ports, others, strict=True)},
        }
        command = [
            python,
            "-m",
            self.program,
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        process = server_process.start(command, self._environment(folder, python), folder / _LOG)
        found = _Found(socket.gethostname(), process, address)
        try:
            (folder / _NOTE).write_text(json.dumps(found.reference()))
        except BaseException:
            server_process.end(process, grace=0)
            raise
        return found

    def _ports(self, model: ModelToServe) -> list[Address]:
        """Where the server is to listen; the system chooses free ports."""
        host, wanted = self.configuration.host, self.configuration.port
        try:
            family, *_, place = socket.getaddrinfo(host, wanted or 0, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise self._failed(model, f"there is no host {host!r}: correct host") from error
        chosen, taken = [], []
        try:
            for port in (wanted or 0, *(0 for _ in self.more_ports)):
                taken.append(socket.socket(family))
                taken[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken[-1].bind((place[0], port))
                number = taken[-1].getsockname()[1]
                chosen.append(Address(self.configuration.connect_to, number))
        except OSError as error:
            problem = f"{host}:{wanted} cannot be listened on ({error.strerror}): give another port"
            raise self._failed(model, problem) from error
        finally:
            for each in taken:
                each.close()
        return chosen

    def _environment(self, folder: Path, python: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_THEIRS)}
        path = [str(folder / _CODE)]
        if self.configuration.python is None:
            # The modules that the model's class may come from are found where we find them.
            path += filter(None, sys.path)
            if "" in sys.path:  # Python's word for the current folder, as in a notebook
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

    def _wait(self, model: ModelToServe, folder: Path, found: _Found, last: bool) -> bool:
        """Wait until a server is ready; False if its port was taken before it could listen."""
        until = time.monotonic() + self.configuration.ready_timeout
        try:
            while server_process.alive(found.process):
                left = until - time.monotonic()
                if left <= 0:
                    raise self._late(model, folder)
                try:
                    if answers(found.address, self.ready_path(model.name), min(left, _PATIENCE)):
                        return True
                except TimeoutError:
                    continue
                time.sleep(min(_GLANCE, max(left, 0)))
        except BaseException:
            server_process.end(found.process, grace=_PATIENCE)
            raise
        if not last and self.configuration.port is None and _TAKEN in _tail(folder).lower():
            return False
        raise self._failed(model, f"its server ended: {_last_said(folder)}")

    def _late(self, model: ModelToServe, folder: Path) -> DeploymentFailed:
        seconds = f"{self.configuration.ready_timeout:g} seconds"
        said = _last_said(folder)
        problem = (
            f"its server was not ready in {seconds} and was ended; ready_timeout gives it more"
        )
        return self._failed(model, f"{problem}. The last that it said: {said}")

    def _failed(self, model: ModelToServe, problem: str) -> DeploymentFailed:
        return DeploymentFailed(f"the model deployer {self.flavor!r}", model.name, problem)


def _digest(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tail(folder: Path) -> str:
    try:
        with (folder / _LOG).open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - _TAIL, 0))
            return log.read().decode(errors="replace")
    except OSError:
        return ""


def _last_said(folder: Path) -> str:
    """Why a server ended, as far as its log tells: our words, or the last of a fault, or any."""
    lines = [line.strip() for line in _tail(folder).splitlines() if line.strip()]
    told = [line.removeprefix(SAYS) for line in lines if line.startswith(SAYS)]
    faults = [line for line in lines if _FAULT.search(line)]
    return (told or faults or lines or ["nothing"])[-1][:_LONGEST]
