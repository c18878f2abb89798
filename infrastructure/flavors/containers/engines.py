"""The engines that build and push images: Docker, Podman and Buildah."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from stackfold.application.ports.image_builder import Credentials
from stackfold.domain.errors import BuildFailed, PushFailed, RegistryForbidden, RegistryUnavailable
from stackfold.infrastructure.flavors.containers.engine_processes import Outcome, run
from stackfold.infrastructure.flavors.containers.image_names import host_of

_NOT_INHERITED = "STACKFOLD_SECRET_"
"""Prefix of variables with secrets, which engines do not inherit."""

_FORBIDDEN = ("unauthorized", "authentication required", "denied", "forbidden", "no basic auth")
_UNREACHABLE = (
    "connection refused", "no such host", "i/o timeout", "no route to host", "connection reset",
    "server misbehaving", "tls handshake", "x509",
    "network is unreachable", "context deadline exceeded",
)  # fmt: skip


class Access(NamedTuple):
    """The credentials and the protocol of a registry."""

    credentials: Credentials | None
    """None for those that the engine has stored itself."""
    is_plain: bool
    """Whether it uses plain HTTP."""


class Build(NamedTuple):
    """An image to build."""

    name: str
    containerfile: Path
    context: Path
    arguments: Mapping[str, str]
    platform: str | None
    rebuild: bool
    base: str
    """The base image; empty if a Containerfile names it."""
    access: Access | None
    """The access to the registry of the base image; None for the engine's own."""


class _Login(NamedTuple):
    """The options and variables by which an engine logs in to a registry."""

    options: Sequence[str] = ()
    environment: Mapping[str, str] = MappingProxyType({})


class Engine:
    """An engine: a program on this machine."""

    program: ClassVar[str]

    def __init__(self, options: Sequence[str], build_options: Sequence[str], timeout: int) -> None:
        """Create the engine; nothing is started yet.

        Args:
            options: Global options of the program.
            build_options: Options of its command `build`.
            timeout: Seconds until a build or a push times out.
        """
        self._options = options
        self._build_options = build_options
        self._timeout = timeout

    def build(self, build: Build) -> None:
        """Build an image.

        Raises:
            BuildFailed: The engine failed, or timed out.
        """
        command = ["build", *self._build_defaults, "-t", build.name, "-f", str(build.containerfile)]
        for name, value in build.arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        if build.platform:
            command += ["--platform", build.platform]
        if build.rebuild:
            command += ["--no-cache", "--pull"]
        with _private_folder() as folder:
            login = self._login(build.base, build.access, folder) if build.access else _Login()
            command += [*login.options, *self._build_options, str(build.context)]
            try:
                outcome = self._run(command, login.environment)
            except subprocess.TimeoutExpired as error:
                raise BuildFailed(build.name, self._timed_out) from error
        if outcome.code:
            raise BuildFailed(build.name, f"{self.program}: {outcome.reason}")

    def push(self, name: str, access: Access) -> str:
        """Push an image, and return its digest in the registry.

        Args:
            name: The full name of the image.
            access: The access to its registry.

        Raises:
            PushFailed: The engine failed, or timed out.
            RegistryForbidden: The registry denies access.
            RegistryUnavailable: The registry does not respond.
        """
        with _private_folder() as folder:
            login = self._login(name, access, folder)
            try:
                outcome, digest = self._push(name, login, folder)
            except subprocess.TimeoutExpired as error:
                raise PushFailed(name, self._timed_out) from error
        if not outcome.code and digest:
            return digest
        output = outcome.output.lower()
        if any(each in output for each in _FORBIDDEN):
            who = "the account" if access.credentials else f"whom {self.program} is logged in as"
            raise RegistryForbidden(host_of(name), f"{who} may not push {name}")
        if "server gave http response to https" in output:
            problem = (
                "it speaks plain HTTP: if that will do, give insecure, or tell Docker's daemon"
            )
            raise RegistryUnavailable(host_of(name), problem)
        if any(each in output for each in _UNREACHABLE):
            raise RegistryUnavailable(host_of(name), outcome.reason)
        raise PushFailed(name, f"{self.program}: {outcome.reason}")

    @abstractmethod
    def id(self, name: str) -> str | None:
        """Return the engine's id of an image, "sha256:…"; None if it does not have the image."""

    _build_defaults: ClassVar[Sequence[str]] = ()
    """Options of every build."""

    @abstractmethod
    def _login(self, name: str, access: Access, folder: Path) -> _Login:
        """Return how to log in to the registry in an image's name.

        Args:
            name: The image.
            access: The access to its registry.
            folder: A private temporary folder for credentials.
        """

    @abstractmethod
    def _push(self, name: str, login: _Login, folder: Path) -> tuple[Outcome, str]:
        """Push an image, and return the result and the digest."""

    @property
    def _timed_out(self) -> str:
        return f"it took longer than {self._timeout} seconds, the timeout"

    def _query(self, *arguments: str) -> str | None:
        """The last word of the output of a command; None if the command fails."""
        with suppress(subprocess.TimeoutExpired):
            outcome = self._run(arguments)
            if not outcome.code and outcome.output.strip():
                return outcome.output.split()[-1]
        return None

    def _run(
        self, arguments: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})
    ) -> Outcome:
        command = [self.program, *self._options, *arguments]
        own = {
            each: value for each, value in os.environ.items() if not each.startswith(_NOT_INHERITED)
        }
        return run(command, self._timeout, {**own, **environment})


class Buildah(Engine):
    """https://buildah.io: builds without a daemon, and without the permission to run containers."""

    program = "buildah"
    _build_defaults = ("--layers",)

    def id(self, name: str) -> str | None:
        found = self._query("inspect", "--type", "image", "--format", "{{.FromImageID}}", name)
        return found and f"sha256:{found}"

    def _login(self, name: str, access: Access, folder: Path) -> _Login:
        options = [f"--tls-verify={str(not access.is_plain).lower()}"]
        if access.credentials:
            path = _write_credentials(folder / "auth.json", name, access.credentials)
            options += ["--authfile", str(path)]
        return _Login(options)

    def _push(self, name: str, login: _Login, folder: Path) -> tuple[Outcome, str]:
        digest = folder / "digest"
        outcome = self._run(["push", *login.options, "--digestfile", str(digest), name])
        return outcome, digest.read_text().strip() if digest.exists() else ""


class Podman(Buildah):
    """https://podman.io: builds as Buildah does, and can run containers."""

    program = "podman"

    def id(self, name: str) -> str | None:
        found = self._query("image", "inspect", "--format", "{{.Id}}", name)
        return found and f"sha256:{found}"


class Docker(Engine):
    """https://docs.docker.com: builds by a daemon, which may be on another machine."""

    program = "docker"

    def id(self, name: str) -> str | None:
        return self._query("image", "inspect", "--format", "{{.Id}}", name)

    def _login(self, name: str, access: Access, folder: Path) -> _Login:
        # Docker's daemon decides whether a registry may use plain HTTP.
        if access.credentials is None:
            return _Login()
        # It reads credentials from its configuration folder, which also names the daemon.
        daemon = self._query("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        _write_credentials(folder / "config.json", name, access.credentials)
        environment = {"DOCKER_CONFIG": str(folder)}
        if daemon and "DOCKER_HOST" not in os.environ:
            environment["DOCKER_HOST"] = daemon
        return _Login((), environment)

    def _push(self, name: str, login: _Login, folder: Path) -> tuple[Outcome, str]:
        outcome = self._run(["push", name], login.environment)
        found = re.findall(r"digest: (sha256:[0-9a-f]{64})", outcome.output)
        return outcome, found[-1] if found else ""


ENGINES: Mapping[str, type[Engine]] = {each.program: each for each in (Docker, Podman, Buildah)}
"""Name → class, in the order in which an engine is chosen."""


def installed() -> Iterator[str]:
    """Yield the installed engines; Docker only if its daemon responds."""
    for name in ENGINES:
        if shutil.which(name) and (name != "docker" or _daemon_answers()):
            yield name


def _daemon_answers() -> bool:
    try:
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        return run(command, 10, os.environ).code == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def _private_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="stackfold-") as folder:
        yield Path(folder)


def _write_credentials(path: Path, name: str, credentials: Credentials) -> Path:
    """Write credentials to a private file in the format of these programs."""
    host = host_of(name)
    key = "https://index.docker.io/v1/" if host == "docker.io" else host
    pair = f"{credentials.username}:{credentials.password}".encode()
    entry = {"auth": base64.b64encode(pair).decode()}
    text = json.dumps({"auths": {key: entry, host: entry}})
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path
