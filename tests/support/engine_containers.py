"""What images are built with in the tests: real engines, and base images out of this machine."""

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pytest
from registry_server import SECONDS, Registry

WAYS = {
    "buildah": ([], ["--storage-driver=vfs", "--isolation=chroot"]),
    "podman": ([], ["--storage-driver=vfs", "--isolation=chroot"]),
    "docker": ([],),
}
"""Engine → the options with which it may work here, the best first."""


def busybox() -> str | None:
    """A busybox that needs no library, if there is one."""
    for path in filter(None, (shutil.which("busybox"), "/bin/busybox")):
        if os.path.exists(path):
            linked = subprocess.run(["ldd", path], check=False, capture_output=True, text=True)
            if linked.returncode or "statically" in linked.stdout:
                return path
    return None


_PYTHON = """#!/bin/sh
# Stands for python3 in a tiny image: it notes how pip is asked, and fails as pip does.
echo "$@" > /pip-was-asked
for last in "$@"; do :; done
cat "$last" > /pip-was-given
if grep -q unknown-package "$last"; then
    echo "ERROR: No matching distribution found for unknown-package" >&2
    exit 1
fi
if grep -q endless-package "$last"; then
    exec sleep "$(grep -o '9[0-9]*$' "$last")"
fi
"""


def tiny_image(folder: Path) -> Path:
    """The folder of an image of a few files, in which a script stands for Python."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    shutil.copy(busybox(), programs / "busybox")
    for name in ("sh", "cat", "grep", "sleep"):
        (programs / name).symlink_to("busybox")
    (programs / "python3").write_text(_PYTHON)
    (programs / "python3").chmod(0o755)
    (folder / "Containerfile").write_text("FROM scratch\nCOPY bin/ /bin/\nENV PATH=/bin\n")
    return folder


def python_image(folder: Path) -> Path:
    """The folder of an image with the Python that runs here, its libraries and pip."""
    base = Path(os.path.realpath(sys.base_prefix))
    library = Path(
        sysconfig.get_path("stdlib", vars={"base": str(base), "installed_base": str(base)})
    )
    program = base / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    wanted = [program, *library.glob("lib-dynload/*.so")]
    libraries = re.findall(r"(/\S+) \(0x", _told("ldd", *map(str, wanted)))
    # And what packages are linked with.
    needed = r"=> (\S+/lib(?:gcc_s|stdc\+\+|rt|dl|pthread|util)\.so\.\d)"
    libraries += re.findall(needed, _told("/sbin/ldconfig", "-p"))
    root = folder / "root"
    for path in {str(program), "/etc/ssl/certs/ca-certificates.crt", *libraries}:
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(path), target)
    unneeded = ("__pycache__", "test", "tests", "idlelib", "tkinter", "site-packages", "config-*")
    target = root / str(library).lstrip("/")
    shutil.copytree(library, target, ignore=shutil.ignore_patterns(*unneeded), dirs_exist_ok=True)
    import pip

    shutil.copytree(Path(pip.__file__).parent, target / "site-packages" / "pip")
    (root / "usr" / "bin").mkdir(parents=True, exist_ok=True)
    (root / "usr" / "bin" / "python3").symlink_to(program)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "bin").mkdir(exist_ok=True)
    shutil.copy(busybox(), root / "bin" / "busybox")
    for name in ("sh", "mktemp"):  # what a pod of Kubeflow asks for
        (root / "bin" / name).symlink_to("busybox")
    (folder / "Containerfile").write_text(
        f"FROM scratch\nCOPY root/ /\nENV PATH={program.parent}:/usr/bin:/bin\n"
        "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n"
    )
    return folder


def _told(*command: str) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


class Works(dict):
    """The settings with which an engine works here; else why it does not."""

    problem = ""


@cache
def how_it_works(engine: str) -> Works:
    """With which settings an engine can build here, found out by building something."""
    found = Works()
    if shutil.which(engine) is None:
        found.problem = f"there is no {engine} here"
    elif busybox() is None:
        found.problem = "there is no static busybox here, which the images of the tests need"
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            tiny = tiny_image(Path(folder, "tiny"))
            with (tiny / "Containerfile").open("a") as file:
                file.write('RUN ["/bin/sh", "-c", "echo built > /built"]\n')
            for options in WAYS[engine]:
                before, after = _split(options)
                path = str(tiny / "Containerfile")
                command = [engine, *before, "build", *after, "-t", "localhost/probe:1", "-f", path]
                command.append(str(tiny))
                done = subprocess.run(command, check=False, capture_output=True, text=True)
                if done.returncode == 0:
                    found.update(engine=engine, engine_options=before, build_options=after)
                    found.problem = ""
                    break
                found.problem = (
                    f"{engine} cannot build here: {' '.join(done.stderr.split())[-300:]}"
                )
    return found


def _split(options: list[str]) -> tuple[list[str], list[str]]:
    before = [each for each in options if each.startswith("--storage")]
    return before, [each for each in options if each not in before]


def push(registry: Registry, works: Works, folder: Path, name: str) -> str:
    """Build an image as it stands in a folder, push it, and return what it is called."""
    reference = f"{registry.host}/{name}"
    engine = [works["engine"], *works["engine_options"]]
    plain = [] if works["engine"] == "docker" else ["--tls-verify=false"]
    path = str(folder / "Containerfile")
    for command in (
        [*engine, "build", *works["build_options"], "-t", reference, "-f", path, str(folder)],
        [*engine, "push", *plain, reference],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return reference


class Container:
    """A container out of an image, in which Buildah executes commands; use it in a `with` block."""

    def __init__(self, works: Works, image: str) -> None:
        self._buildah = ["buildah", *works["engine_options"]]
        made = [*self._buildah, "from", "--tls-verify=false", image]
        done = subprocess.run(made, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self._name = done.stdout.split()[-1]

    def __enter__(self) -> "Container":
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._buildah, "rm", self._name], check=True, capture_output=True)

    def run(
        self,
        *command: str,
        environment: Mapping[str, str] = MappingProxyType({}),
        folders: Iterable[Path] = (),
    ) -> "subprocess.CompletedProcess[str]":
        """Execute a command in it, with folders of this machine at the same places."""
        options = ["--isolation", "chroot"]  # works in most places
        for name, value in environment.items():
            options += ["--env", f"{name}={value}"]
        for folder in folders:
            options += ["--volume", f"{folder}:{folder}:rw"]
        run = [*self._buildah, "run", *options, "--", self._name, *command]
        return subprocess.run(run, check=False, capture_output=True, text=True)


def without_storage(folder: Path) -> None:
    """Let nothing of a storage of images stay behind."""
    for mounted in sorted(Path("/proc/mounts").read_text().split(), reverse=True):
        if mounted.startswith(str(folder)):
            subprocess.run(["umount", mounted], check=False, capture_output=True)


# -- fixtures


@pytest.fixture(scope="session")
def storage(tmp_path_factory):
    """A storage of images that is nobody else's, for Podman and Buildah."""
    folder = tmp_path_factory.mktemp("images")
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/kept"\nrunroot = "{folder}/run"\n'
    )
    # As Docker's daemon has it, too: what is on this machine may speak plain HTTP.
    (folder / "registries.conf").write_text('[[registry]]\nlocation="127.0.0.1"\ninsecure=true\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
        patch.setenv("CONTAINERS_REGISTRIES_CONF", str(folder / "registries.conf"))
        yield folder
    without_storage(folder)


def _registry(folder, **more):
    if shutil.which("docker-registry") is None:
        pytest.skip("there is no docker-registry here")
    return Registry(folder, **more)


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """A registry for all tests, which lets everybody in."""
    registry = _registry(tmp_path_factory.mktemp("registry")).start()
    yield registry
    registry.stop()


@pytest.fixture(scope="session")
def guarded_hub(tmp_path_factory):
    """A registry that wants a password."""
    registry = _registry(tmp_path_factory.mktemp("guarded"), guarded=True).start()
    yield registry
    registry.stop()


@pytest.fixture
def own_hub(tmp_path):
    """A registry that a test may stop."""
    registry = _registry(tmp_path / "hub").start()
    yield registry
    registry.stop()


@contextmanager
def docker(storage):
    """Docker's own daemon, or else Podman's, which speaks its language."""
    if shutil.which("docker") is None or how_it_works("docker").problem == "":
        yield
        return
    if how_it_works("podman").problem:
        yield
        return
    socket = storage / "docker.sock"
    with (storage / "daemon.log").open("ab") as log, pytest.MonkeyPatch.context() as patch:
        daemon = subprocess.Popen(
            ["podman", "system", "service", "--time=0", f"unix://{socket}"], stdout=log, stderr=log
        )
        patch.setenv("DOCKER_HOST", f"unix://{socket}")
        until = time.monotonic() + SECONDS
        while not socket.exists() and time.monotonic() < until:
            time.sleep(0.05)
        how_it_works.cache_clear()
        yield
        daemon.terminate()
        daemon.wait()


@pytest.fixture(scope="session", params=["buildah", "podman", "docker"])
def engine(request, storage):
    """Each engine that works here, by the settings with which it does."""
    with docker(storage) if request.param == "docker" else nullcontext():
        works = how_it_works(request.param)
        if works.problem:
            pytest.skip(works.problem)
        yield dict(works)


@pytest.fixture(scope="session")
def buildah(storage):
    """The settings with which Buildah works here."""
    works = how_it_works("buildah")
    if works.problem:
        pytest.skip(works.problem)
    return dict(works)


@pytest.fixture(scope="session")
def index():
    """PyPI, out of which pip installs into images."""
    try:
        socket.create_connection(("pypi.org", 443), SECONDS).close()
    except OSError:
        pytest.skip("PyPI cannot be reached, so nothing can be installed into an image")


@pytest.fixture(scope="session")
def python(buildah, hub, tmp_path_factory):
    """The name of a base image with the Python that runs here, without a package."""
    folder = python_image(tmp_path_factory.mktemp("python") / "image")
    return push(hub, buildah, folder, "python:3")


@pytest.fixture(scope="session")
def tiny(engine, hub, tmp_path_factory):
    """The name of a base image in which a script stands for Python."""
    folder = tiny_image(tmp_path_factory.mktemp("tiny") / "image")
    return push(hub, engine, folder, f"tiny-{engine['engine']}:1")


def no_process_with(words: str) -> bool:
    """Whether no process has them as its command line; waits until so, or for a while."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if not [*processes_with(words)]:
            return True
        time.sleep(0.05)
    return False


def processes_with(words: str) -> Iterator[int]:
    """The processes that have just these words in their command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() == words:
                yield int(path.parent.name)
