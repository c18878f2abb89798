"""Follows the log of a pod in a thread, through lost connections."""

import queue
import threading
from contextlib import suppress

from stackfold.infrastructure.flavors.kubernetes.api import Rejected
from stackfold.infrastructure.flavors.kubernetes.cluster import Cluster

_PART = 2**16
"""Bytes that are read at once."""
_MOST_PARTS = 64
"""Parts that are read ahead."""
_PAUSE = 0.5
"""Seconds until a lost connection is opened again."""


class PodLog:
    """The bytes of the log of a pod, as they come."""

    def __init__(self, cluster: Cluster, pod: str) -> None:
        """Begin to follow a log.

        Args:
            cluster: The cluster.
            pod: The pod, whose container has started.
        """
        self._cluster = cluster
        self._pod = pod
        self._parts: queue.Queue[bytes | None] = queue.Queue(_MOST_PARTS)
        self._closed = threading.Event()
        self._pod_has_ended = threading.Event()
        self._response: object = None
        self._seen = 0
        self.error = ""
        """Why it cannot be read; empty if it can."""
        # A thread: what waits for data in a socket cannot be stopped.
        self._thread = threading.Thread(target=self._follow, name=f"log of {pod}", daemon=True)
        self._thread.start()

    def next(self, seconds: float) -> bytes | None:
        """Return the next bytes; empty if there are none in these seconds, None at the end."""
        try:
            return self._parts.get(timeout=seconds)
        except queue.Empty:
            return b""

    def note_end(self) -> None:
        """Note that the pod has ended, so that the log ends where it ends next."""
        self._pod_has_ended.set()

    def close(self) -> None:
        """Stop following."""
        self._closed.set()
        with suppress(queue.Empty):
            while True:
                self._parts.get_nowait()
        shutdown = getattr(self._response, "shutdown", None)
        if shutdown and self._thread.is_alive():
            with suppress(Exception):  # it has just ended
                shutdown()
        self._thread.join(2)

    def _follow(self) -> None:
        while not self._closed.is_set():
            is_last = self._pod_has_ended.is_set()
            try:
                self._read()
            except Rejected as error:
                # It has no log yet, or no longer.
                self.error = str(error)
            except Exception as error:  # of urllib3, in any part of a response
                self.error = f"{type(error).__name__}: {error}"
                is_last = False
            else:
                self.error = ""
            if is_last:
                break
            self._closed.wait(0.05 if self._pod_has_ended.is_set() else _PAUSE)
        self._put(None)

    def _read(self) -> None:
        """Read the log to its end, but for the bytes that were read before."""
        at = 0
        with self._cluster.log(self._pod) as response:
            self._response = response
            for data in response.stream(_PART):
                new = data[max(0, self._seen - at) :]
                at += len(data)
                if new and not self._put(new):
                    break
                self._seen = max(self._seen, at)

    def _put(self, data: bytes | None) -> bool:
        while not self._closed.is_set():
            with suppress(queue.Full):
                self._parts.put(data, timeout=0.2)
                return True
        return False
