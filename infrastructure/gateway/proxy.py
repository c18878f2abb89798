"""A reverse proxy for the servers of one deployment, on asyncio and h11.

Requests and responses are streamed. Headers are passed on, except those of the connection; the
response names the model that answered. Each connection of a client has at most one connection to
each server.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import h11

from stackfold.infrastructure.gateway.recording import Capture, Recording
from stackfold.infrastructure.gateway.route_table import CONTROL, RouteTable, Target

MODEL_HEADER = b"Stackfold-Model"
"""The header of responses that names the model that answered."""

_CHUNK = 2**16
_MAX_HEAD = 2**16
"""The most bytes of the headers of a message."""
_IDLE = 75.0
"""Seconds after which a connection without requests is closed."""
_REUSED = 1.0
"""Seconds after which a connection to a server is not used again, as the server may close it."""
_CONNECT = 10.0
_LINGER = 2.0
"""Seconds to read the rest of a request that a server answered early."""
_OF_CONNECTION = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect".split()
)

Headers = list[tuple[bytes, bytes]]


class _Server:
    """A connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self.idle_since = time.monotonic()

    async def next_event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self.protocol.next_event()) is h11.NEED_DATA:
            self.protocol.receive_data(await self.reader.read(_CHUNK))
        return event  # type: ignore[return-value]  # it is not NEED_DATA

    def is_reusable(self) -> bool:
        is_fresh = time.monotonic() - self.idle_since < _REUSED
        done = self.protocol.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
        if not (is_fresh and done) or self.reader.at_eof() or self.writer.is_closing():
            return False
        self.protocol.start_next_cycle()
        return True


class _ClientGone(Exception):
    """The client closed the connection in the middle of a message."""


class _ServerFailed(Exception):
    """A server ended, or answered with something that is no HTTP."""


class Proxy:
    """Passes requests on to the servers of a deployment."""

    def __init__(self, id: str, table: RouteTable, recording: Recording) -> None:
        """Create a proxy.

        Args:
            id: The id of the deployment.
            table: Chooses the server for each request.
            recording: Takes the requests that are to be recorded.
        """
        self._control = (CONTROL + id).encode()
        self._id, self._table, self._recording = id, table, recording
        self._active: Counter[str] = Counter()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection, until one of both sides closes it."""
        connection = _Connection(reader, writer)
        try:
            while (request := await connection.next_request()) is not None:
                await self._answer(connection, request)
                if not await connection.next_cycle():
                    break
        except (_ClientGone, _ServerFailed, OSError, h11.LocalProtocolError):
            pass  # nothing can be said on this connection any more
        except h11.RemoteProtocolError as error:
            with suppress(Exception):
                await connection.fail(error.error_status_hint, "this is no valid HTTP request")
        finally:
            connection.close()

    async def _answer(self, connection: "_Connection", request: h11.Request) -> None:
        if request.target == self._control:
            state = {"id": self._id, "active": {k: v for k, v in self._active.items() if v}}
            servers = [each.server for each in self._table.targets()]
            recording = self._recording.is_active
            await connection.answer(200, {**state, "servers": servers, "recording": recording})
            return
        target = self._table.choose()
        if target is None:
            await connection.fail(503, "the deployment has no server: start it")
            return
        if request.method == b"CONNECT":
            await connection.fail(501, "CONNECT is not supported")
            return
        self._active[target.server] += 1
        try:
            capture = self._recording.sampled(request.method, target.title)
            await connection.pass_on(request, target, capture)
        finally:
            self._active[target.server] -= 1


class _Connection:
    """A connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
        self._servers: dict[str, _Server] = {}
        self._capture: Capture | None = None
        """The current request, if it is recorded."""

    async def next_request(self) -> h11.Request | None:
        """The next request; None if there is none."""
        try:
            event = await asyncio.wait_for(self._next_event(), _IDLE)
        except TimeoutError:
            return None
        return event if isinstance(event, h11.Request) else None

    async def next_cycle(self) -> bool:
        """Whether another request can follow."""
        if self._protocol.our_state is not h11.DONE:
            return False
        if self._protocol.their_state is not h11.DONE:
            # The server answered early. A client that is still sending would lose the answer.
            if self._writer.can_write_eof():
                self._writer.write_eof()
            with suppress(Exception):
                await asyncio.wait_for(self._discard(), _LINGER)
            return False
        self._protocol.start_next_cycle()
        return True

    async def pass_on(
        self, request: h11.Request, target: Target, capture: Capture | None = None
    ) -> None:
        """Pass a request on to a server, and its response back."""
        self._capture = capture
        try:
            server = await self._server(target)
        except (OSError, TimeoutError):
            await self.fail(502, f"the server of {target.title} does not answer")
            return
        sending: asyncio.Task[None] | None = None
        try:
            self._send_to(server, _passed_on(request))
            if not self._pass_buffered(server):
                sending = asyncio.create_task(self._pass_rest(server))
            await self._respond(server, target)
            server.idle_since = time.monotonic()
        except _ServerFailed:
            self._forget(target)
            if self._protocol.our_state is not h11.SEND_RESPONSE:
                raise  # a part of the response was sent
            await self.fail(502, f"the server of {target.title} ended before it had answered")
        finally:
            if sending:
                sending.cancel()
                with suppress(Exception, asyncio.CancelledError):
                    await sending

    async def answer(self, status: int, content: object) -> None:
        """Answer with JSON."""
        body = json.dumps(content).encode()
        headers = [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]
        self._send(h11.Response(status_code=status, headers=headers))
        if self._protocol.their_state is not h11.ERROR:
            await self._discard_small()
        self._send(h11.Data(data=body))
        self._send(h11.EndOfMessage())
        await self._writer.drain()

    async def fail(self, status: int, problem: str) -> None:
        """Answer with an error, if nothing was sent yet."""
        if self._protocol.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self.answer(status, {"error": problem})

    def close(self) -> None:
        """Close the connection, and those to servers."""
        for server in self._servers.values():
            server.writer.close()
        self._writer.close()

    # -- private

    async def _next_event(self) -> object:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            if self._protocol.they_are_waiting_for_100_continue:
                self._send(h11.InformationalResponse(status_code=100, headers=[]))
                await self._writer.drain()
            self._protocol.receive_data(await self._reader.read(_CHUNK))
        return event

    def _send(self, event: h11.Event) -> None:
        data = self._protocol.send(event)
        if data:
            self._writer.write(data)

    async def _server(self, target: Target) -> _Server:
        found = self._servers.get(target.server)
        if found and found.is_reusable():
            return found
        self._forget(target)
        opened = asyncio.open_connection(target.host, target.port)
        server = _Server(*await asyncio.wait_for(opened, _CONNECT))
        self._servers[target.server] = server
        return server

    def _forget(self, target: Target) -> None:
        if former := self._servers.pop(target.server, None):
            former.writer.close()

    def _pass_buffered(self, server: _Server) -> bool:
        """Pass on what has arrived of a request's body; whether that was all."""
        if self._protocol.they_are_waiting_for_100_continue:
            return False
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                return False
            if not self._pass_event(server, event):
                return True

    async def _pass_rest(self, server: _Server) -> None:
        try:
            while self._pass_event(server, await self._next_event()):
                await server.writer.drain()
        except (OSError, h11.RemoteProtocolError):
            server.writer.close()  # so that the server does not wait for the rest

    def _pass_event(self, server: _Server, event: object) -> bool:
        """Pass on a part of a request's body; whether more follows."""
        if isinstance(event, h11.Data):
            if self._capture:
                self._capture.request(event.data)
            self._send_to(server, h11.Data(data=event.data))
            return True
        if isinstance(event, h11.EndOfMessage):
            self._send_to(server, h11.EndOfMessage())
            return False
        raise ConnectionResetError

    def _send_to(self, server: _Server, event: h11.Event) -> None:
        data = server.protocol.send(event)
        if data:
            server.writer.write(data)

    async def _respond(self, server: _Server, target: Target) -> None:
        while True:
            try:
                event = await server.next_event()
            except (OSError, h11.RemoteProtocolError) as error:
                raise _ServerFailed from error
            if isinstance(event, h11.InformationalResponse):
                continue
            if self._capture:
                self._capture.response(event)
            if isinstance(event, h11.Response):
                headers = _end_to_end(event.headers.raw_items())
                headers.append((MODEL_HEADER, target.header))
                self._send(
                    h11.Response(
                        status_code=event.status_code, headers=headers, reason=event.reason
                    )
                )
            elif isinstance(event, h11.Data):
                self._send(h11.Data(data=event.data))
                await self._writer.drain()
            elif isinstance(event, h11.EndOfMessage):
                self._send(h11.EndOfMessage())
                await self._writer.drain()
                return
            else:
                raise _ServerFailed

    async def _discard_small(self) -> None:
        """Read the body of a request that is answered here, if it has arrived."""
        while self._protocol.their_state is h11.SEND_BODY:
            if self._protocol.next_event() is h11.NEED_DATA:
                return

    async def _discard(self) -> None:
        while await self._reader.read(_CHUNK):
            pass


def _passed_on(request: h11.Request) -> h11.Request:
    raw = request.headers.raw_items()
    headers = _end_to_end(raw)
    if any(name.lower() == b"transfer-encoding" for name, _ in raw):
        headers.append((b"Transfer-Encoding", b"chunked"))
    return h11.Request(method=request.method, target=request.target, headers=headers)


def _end_to_end(raw: Sequence[tuple[bytes, bytes]]) -> Headers:
    """The headers that are not about the connection."""
    named = {
        each.strip().lower()
        for name, value in raw
        if name.lower() == b"connection"
        for each in value.split(b",")
    }
    return [
        (name, value)
        for name, value in raw
        if name.lower() not in _OF_CONNECTION and name.lower() not in named
    ]
