"""Docker, Podman and Buildah: the programs that build images, each with its own way to be asked."""

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

_SECRETS = "STACKFOLD_SECRET_"
"""What begins the names of variables that hold secrets; an engine needs none of them."""

_REFUSED = ("unauthorized", "authentication required", "denied", "forbidden", "no basic auth")
_UNREACHABLE = (
    "connection refused", "no such host", "i/o timeout", "no route to host", "connection reset",
    "server misbehaving", "tls handshake", "x509",
    "network is unreachable", "context deadline exceeded",
)  # fmt: skip


class Access(NamedTuple):
    """How a registry is to be spoken to."""

    credentials: Credentials | None
    """Whose; None for those that the engine knows itself."""
    is_plain: bool
    """Whether it speaks plain HTTP."""


class Build(NamedTuple):
    """An image that is to be built."""

    name: str
    containerfile: Path
    context: Path
    arguments: Mapping[str, str]
    platform: str | None
    rebuild: bool
    base: str
    """The image that it begins with."""
    access: Access | None
    """To the registry of that; None if nobody knows more of it than the engine."""


class _Way(NamedTuple):
    """What an engine must be told to be let in by a registry."""

    options: Sequence[str] = ()
    environment: Mapping[str, str] = MappingProxyType({})


class Engine:
    """A program on this machine."""

    program: ClassVar[str]

    def __init__(self, options: Sequence[str], build_options: Sequence[str], seconds: int) -> None:
        """Ask it with these options.

        Args:
            options: Before what it is asked.
            build_options: When it is asked to build.
            seconds: How long a build may take, and how long a push.
        """
        self._options = options
        self._build_options = build_options
        self._seconds = seconds

    def build(self, build: Build) -> None:
        """Build an image.

        Raises:
            BuildFailed: It did not work.
        """
        command = ["build", *self._how, "-t", build.name, "-f", str(build.containerfile)]
        for name, value in build.arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        if build.platform:
            command += ["--platform", build.platform]
        if build.rebuild:
            command += ["--no-cache", "--pull"]
        with _private_folder() as folder:
            way = self._way(build.base, build.access, folder) if build.access else _Way()
            command += [*way.options, *self._build_options, str(build.context)]
            try:
                outcome = self._run(command, way.environment)
            except subprocess.TimeoutExpired as error:
                raise BuildFailed(build.name, self._too_long) from error
        if outcome.code:
            raise BuildFailed(build.name, f"{self.program}: {outcome.reason}")

    def push(self, name: str, access: Access) -> str:
        """Push an image, and return the digest that its registry gave it.

        Args:
            name: The image.
            access: To its registry.

        Raises:
            PushFailed: It did not work.
            RegistryForbidden: The registry does not let them in.
            RegistryUnavailable: The registry does not answer.
        """
        with _private_folder() as folder:
            way = self._way(name, access, folder)
            try:
                outcome, digest = self._push(name, way, folder)
            except subprocess.TimeoutExpired as error:
                raise PushFailed(name, self._too_long) from error
        if not outcome.code and digest:
            return digest
        said = outcome.output.lower()
        if any(each in said for each in _REFUSED):
            who = "the account" if access.credentials else f"whom {self.program} is logged in as"
            raise RegistryForbidden(host_of(name), f"{who} may not push {name}")
        if "server gave http response to https" in said:
            problem = (
                "it speaks plain HTTP: if that will do, give insecure, or tell Docker's daemon"
            )
            raise RegistryUnavailable(host_of(name), problem)
        if any(each in said for each in _UNREACHABLE):
            raise RegistryUnavailable(host_of(name), outcome.reason)
        raise PushFailed(name, f"{self.program}: {outcome.reason}")

    @abstractmethod
    def id(self, name: str) -> str | None:
        """What the engine knows an image by, "sha256:…"; None if it does not have it."""

    # -- how it is done

    _how: ClassVar[Sequence[str]] = ()
    """What is said with every build."""

    @abstractmethod
    def _way(self, name: str, access: Access, folder: Path) -> _Way:
        """How to be let in by the registry in an image's name.

        What is secret is written to the folder, which is private and goes.
        """

    @abstractmethod
    def _push(self, name: str, way: _Way, folder: Path) -> tuple[Outcome, str]:
        """Push an image; what became of it, and its digest."""

    @property
    def _too_long(self) -> str:
        return f"it took longer than {self._seconds} seconds, the timeout"

    def _ask(self, *arguments: str) -> str | None:
        """One word that it says of an image; None if it does not have it."""
        with suppress(subprocess.TimeoutExpired):
            outcome = self._run(arguments)
            if not outcome.code and outcome.output.strip():
                return outcome.output.split()[-1]
        return None

    def _run(
        self, arguments: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})
    ) -> Outcome:
        command = [self.program, *self._options, *arguments]
        own = {each: value for each, value in os.environ.items() if not each.startswith(_SECRETS)}
        return run(command, self._seconds, {**own, **environment})


class Buildah(Engine):
    """https://buildah.io: builds without a daemon, and where nobody may start containers."""

    program = "buildah"
    _how = ("--layers",)

    def id(self, name: str) -> str | None:
        found = self._ask("inspect", "--type", "image", "--format", "{{.FromImageID}}", name)
        return found and f"sha256:{found}"

    def _way(self, name: str, access: Access, folder: Path) -> _Way:
        options = [f"--tls-verify={str(not access.is_plain).lower()}"]
        if access.credentials:
            path = _written(folder / "auth.json", name, access.credentials)
            options += ["--authfile", str(path)]
        return _Way(options)

    def _push(self, name: str, way: _Way, folder: Path) -> tuple[Outcome, str]:
        digest = folder / "digest"
        outcome = self._run(["push", *way.options, "--digestfile", str(digest), name])
        return outcome, digest.read_text().strip() if digest.exists() else ""


class Podman(Buildah):
    """https://podman.io: Buildah's builds, in a program that can start containers, too."""

    program = "podman"

    def id(self, name: str) -> str | None:
        found = self._ask("image", "inspect", "--format", "{{.Id}}", name)
        return found and f"sha256:{found}"


class Docker(Engine):
    """https://docs.docker.com: a daemon builds, which may be on another machine."""

    program = "docker"

    def id(self, name: str) -> str | None:
        return self._ask("image", "inspect", "--format", "{{.Id}}", name)

    def _way(self, name: str, access: Access, folder: Path) -> _Way:
        # Whether a registry may speak plain HTTP is for Docker's daemon to say.
        if access.credentials is None:
            return _Way()
        # It reads credentials from the folder of its configuration, which also names the daemon.
        daemon = self._ask("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
        _written(folder / "config.json", name, access.credentials)
        environment = {"DOCKER_CONFIG": str(folder)}
        if daemon and "DOCKER_HOST" not in os.environ:
            environment["DOCKER_HOST"] = daemon
        return _Way((), environment)

    def _push(self, name: str, way: _Way, folder: Path) -> tuple[Outcome, str]:
        outcome = self._run(["push", name], way.environment)
        found = re.findall(r"digest: (sha256:[0-9a-f]{64})", outcome.output)
        return outcome, found[-1] if found else ""


ENGINES: Mapping[str, type[Engine]] = {each.program: each for each in (Docker, Podman, Buildah)}
"""By name, in the order in which they are looked for."""


def installed() -> Iterator[str]:
    """The engines that are there; Docker only if its daemon answers."""
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


def _written(path: Path, name: str, credentials: Credentials) -> Path:
    """A file as these programs read credentials, for nobody else to read."""
    host = host_of(name)
    key = "https://index.docker.io/v1/" if host == "docker.io" else host
    pair = f"{credentials.username}:{credentials.password}".encode()
    said = {"auth": base64.b64encode(pair).decode()}
    text = json.dumps({"auths": {key: said, host: said}})
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path
