"""Notifies pages of new events by Server-Sent Events.

A notification has no content: the page then asks for its own current address, in which the reader
may have chosen something else by then.
"""

from collections import defaultdict
from time import monotonic
from urllib.parse import parse_qs

from anyio import Lock, move_on_after, to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from stackfold.domain.errors import StackfoldError
from stackfold.infrastructure.workspace import Workspace

MOST_STREAMS = 64
"""How many streams may be open; a browser whose stream is rejected shows the page without it."""
INTERVAL = 0.4
"""Seconds between two looks at the log, for all streams together."""
LIFETIME = 60.0
"""Seconds after which a stream ends; the browser then opens another."""
STOPPING = "stackfold.stopping"
"""A key of the scope of a request: a function that returns whether the server is about to stop."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the events back
]


class Events:
    """The ASGI application of `/events`: the position of the log, whenever it has changed.

    With `?run=NAME`, an event is also sent when a running step of the run has printed something.
    Streams wait without a thread each.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Create it.

        Args:
            workspace: Has the log.
        """
        self._workspace = workspace
        self._open = 0
        self._seen: dict[str, tuple[float, str]] = {}
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open >= MOST_STREAMS:
            await Response("too many pages are open", 503)(scope, receive, send)
            return
        self._open += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            if scope["method"] != "HEAD":
                await self._stream(scope, receive, send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._open -= 1
            if not self._open:
                self._seen.clear()
                self._locks.clear()

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        run = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("run", [""])[0]
        stopping = scope.get(STOPPING, lambda: False)
        end, sent = monotonic() + LIFETIME, ""
        while monotonic() < end and not stopping():
            try:
                found = await self._signal(run)
            except StackfoldError:  # the run was deleted, or the log is not available
                return
            if found != sent:
                sent = found
                body = f"data: {found}\n\n".encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})
            if await _is_gone(receive, INTERVAL):
                return

    async def _signal(self, run: str) -> str:
        """What changes whenever a page should look; one query for all streams that ask for it."""
        async with self._locks[run]:
            when, found = self._seen.get(run, (0.0, ""))
            if monotonic() - when >= INTERVAL / 2:
                found = await to_thread.run_sync(self._read, run, abandon_on_cancel=True)
                self._seen[run] = monotonic(), found
            return found

    def _read(self, run: str) -> str:
        position = str(self._workspace.log.head().position)
        if not run:
            return position
        live = self._workspace.runs.live(run)
        return " ".join([position, *(f"{step.end}" for step in live.values())])


async def _is_gone(receive: Receive, seconds: float) -> bool:
    """Whether the client disconnects within some time."""
    with move_on_after(seconds):
        while (await receive())["type"] != "http.disconnect":
            pass
        return True
    return False
