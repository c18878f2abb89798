"""The program's connection to a Ray cluster, of which a process has one at most."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stackfold.domain.errors import EngineUnavailable
from stackfold.infrastructure.flavors.ray.cluster import RayCluster
from stackfold.infrastructure.flavors.ray.settings import RaySettings

_turn = threading.RLock()


class _Connection:
    users = 0
    """How many blocks use it."""
    ours = False
    """Whether it ends with the last of them."""
    had_its_own = False
    """Whether a cluster of this machine's own was ever started here."""


@contextmanager
def connected(settings: RaySettings, home: Path, stay: bool = False) -> Iterator[RayCluster]:
    """A cluster for the block; blocks may overlap.

    If the program is connected to one, by `ray.init`, it is that one. Else the first block connects
    it, and the last one that ends lets go.

    Args:
        settings: Which cluster, and how.
        home: The folder that relative paths refer to.
        stay: Whether to stay connected until the program ends, as it may be needed again soon.

    Raises:
        EngineUnavailable: It cannot be reached, or the program is connected to another one.
    """
    # Read when ray is imported: no statistics are sent anywhere.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with _turn:
        if settings.on_this_machine:
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # loopback only
        import ray

        if not ray.is_initialized():
            _connect(ray, settings, home)
            _Connection.ours = True
        elif settings.address:
            _must_be_connected_to(ray, settings)
        _Connection.ours = _Connection.ours and not stay
        _Connection.users += 1
    try:
        yield RayCluster(ray, settings)
    finally:
        with _turn:
            _Connection.users -= 1
            if _Connection.ours and not _Connection.users:
                _Connection.ours = False
                ray.shutdown()


def _connect(ray: Any, settings: RaySettings, home: Path) -> None:
    if settings.address:
        if _Connection.had_its_own:
            # What steps say would never arrive: seen with Ray 2.60, and with nothing but Ray.
            problem = (
                "this program had a local one before, and Ray needs a fresh process for another"
            )
            raise EngineUnavailable(settings.title, problem)
        must_answer(settings)
    _Connection.had_its_own |= not settings.address
    where = {"_node_ip_address": "127.0.0.1"} if settings.on_this_machine else {}
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(
            # Never what a file or the environment says: only what the run is pinned to.
            address=settings.address or "local",
            runtime_env=runtime_environment(settings, home),
            include_dashboard=None if settings.address else False,
            # What steps print comes another way, each line to its own step.
            log_to_driver=False,
            logging_level="ERROR",
            **where,
        )
    except Exception as error:  # Ray's own errors have no class in common
        with suppress(Exception):
            ray.shutdown()
        line = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise EngineUnavailable(settings.title, " ".join(line.split())) from error
    finally:
        _put_back(handlers)


def _put_back(handlers: dict[signal.Signals, Any]) -> None:
    """Undo what Ray does to signals: its own handler would make SIGTERM look like a step's exit."""
    if threading.current_thread() is threading.main_thread():
        for which, handler in handlers.items():
            signal.signal(which, handler)


def must_answer(settings: RaySettings) -> None:
    """Raise EngineUnavailable if a cluster's head does not answer within `connect_timeout`."""
    # Ray itself would try for minutes, and say so in many lines.
    try:
        socket.create_connection((settings.host, settings.port), settings.connect_timeout).close()
    except OSError as error:
        problem = f"its head does not answer: {error.strerror or error}"
        raise EngineUnavailable(settings.title, problem) from error


def _must_be_connected_to(ray: Any, settings: RaySettings) -> None:
    found = ray.get_runtime_context().gcs_address
    wanted = _resolved(settings.host), settings.port
    host, _, port = found.rpartition(":")
    if (_resolved(host), int(port)) != wanted:
        problem = f"this program is connected to the one at {found}: call ray.shutdown() first"
        raise EngineUnavailable(settings.title, problem)


def _resolved(host: str) -> str:
    with suppress(OSError):
        return socket.gethostbyname(host)
    return host


def runtime_environment(settings: RaySettings, home: Path) -> dict[str, Any]:
    """What Ray is to send to the nodes, and to prepare there.

    Args:
        settings: What is configured of it.
        home: The folder that relative paths refer to.
    """
    wanted: dict[str, Any] = dict(settings.runtime_env)
    folder = settings.working_dir
    if folder is None and settings.address:
        folder = program_folder()
    if folder:
        wanted.setdefault("working_dir", _path(folder, home))
    if settings.py_modules:
        wanted.setdefault("py_modules", [_path(each, home) for each in settings.py_modules])
    return wanted


def program_folder() -> str:
    """The folder that the program's own modules are imported from; empty if there is none."""
    library = os.path.dirname(os.__file__)
    for each in map(os.path.abspath, sys.path):
        if each == library:
            return ""
        # Nor the folder that a command was installed into, nor what Ray puts before all others.
        if os.path.isdir(each) and not each.startswith(
            (sys.prefix + os.sep, sys.base_prefix + os.sep)
        ):
            return each
    return ""


def _path(text: str, home: Path) -> str:
    if "://" in text:  # of an archive that the nodes fetch themselves
        return text
    return os.path.join(home, os.path.expanduser(text))
