"""The connection of this process to a Ray cluster; Ray allows only one."""

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

_lock = threading.RLock()


class _Connection:
    users = 0
    """The number of blocks that use it."""
    ours = False
    """Whether to disconnect after the last of them."""
    had_local = False
    """Whether this process has started a local cluster."""


@contextmanager
def connected(settings: RaySettings, home: Path, stay: bool = False) -> Iterator[RayCluster]:
    """Connect to a cluster for the block; blocks may overlap.

    A connection that the program has made by `ray.init` is used. Otherwise the first block
    connects, and the last one to end disconnects.

    Args:
        settings: The cluster.
        home: The base of relative paths.
        stay: Whether to stay connected until the program ends.

    Raises:
        EngineUnavailable: It cannot be reached, or the program is connected to another cluster.
    """
    # Ray reads this on import: send no usage statistics.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with _lock:
        if settings.on_this_machine:
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # loopback only
        import ray

        if not ray.is_initialized():
            _connect(ray, settings, home)
            _Connection.ours = True
        elif settings.address:
            _require_connection_to(ray, settings)
        _Connection.ours = _Connection.ours and not stay
        _Connection.users += 1
    try:
        yield RayCluster(ray, settings)
    finally:
        with _lock:
            _Connection.users -= 1
            if _Connection.ours and not _Connection.users:
                _Connection.ours = False
                ray.shutdown()


def _connect(ray: Any, settings: RaySettings, home: Path) -> None:
    if settings.address:
        if _Connection.had_local:
            # The output of steps would not arrive: seen with Ray 2.60, without Stackfold too.
            problem = (
                "this program had a local one before, and Ray needs a fresh process for another"
            )
            raise EngineUnavailable(settings.title, problem)
        require_response(settings)
    _Connection.had_local |= not settings.address
    where = {"_node_ip_address": "127.0.0.1"} if settings.on_this_machine else {}
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(
            # Explicit, so that no file or variable can replace what the run is pinned to.
            address=settings.address or "local",
            runtime_env=runtime_environment(settings, home),
            include_dashboard=None if settings.address else False,
            # The output of steps is streamed by the task, so that each line belongs to a step.
            log_to_driver=False,
            logging_level="ERROR",
            **where,
        )
    except Exception as error:  # Ray's errors share no base class
        with suppress(Exception):
            ray.shutdown()
        line = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise EngineUnavailable(settings.title, " ".join(line.split())) from error
    finally:
        _restore(handlers)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    """Restore the signal handlers: with Ray's, SIGTERM would look like the exit of a step."""
    if threading.current_thread() is threading.main_thread():
        for which, handler in handlers.items():
            signal.signal(which, handler)


def require_response(settings: RaySettings) -> None:
    """Raise EngineUnavailable if a cluster's head does not answer within `connect_timeout`."""
    # Ray itself would try for minutes, and print many lines.
    try:
        socket.create_connection((settings.host, settings.port), settings.connect_timeout).close()
    except OSError as error:
        problem = f"its head does not answer: {error.strerror or error}"
        raise EngineUnavailable(settings.title, problem) from error


def _require_connection_to(ray: Any, settings: RaySettings) -> None:
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
    """Return Ray's runtime environment: what is sent to the nodes and prepared there.

    Args:
        settings: The configuration.
        home: The base of relative paths.
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
    """Return the folder from which the program imports its modules; empty if there is none."""
    library = os.path.dirname(os.__file__)
    for each in map(os.path.abspath, sys.path):
        if each == library:
            return ""
        # Not the folder of an installed command, nor those that Ray puts first.
        if os.path.isdir(each) and not each.startswith(
            (sys.prefix + os.sep, sys.base_prefix + os.sep)
        ):
            return each
    return ""


def _path(text: str, home: Path) -> str:
    if "://" in text:  # an archive that the nodes download
        return text
    return os.path.join(home, os.path.expanduser(text))
