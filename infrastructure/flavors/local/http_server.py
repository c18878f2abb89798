"""The HTTP server of the model deployer `local`, on asyncio and h11.

Bodies, times and the number of requests in progress are limited. Errors are one line of JSON; their
tracebacks are in the log. On SIGTERM, the requests in progress are answered first.
"""

import asyncio
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import h11

from stackfold.infrastructure.flavors.local import prediction_json
from stackfold.infrastructure.flavors.local.responses import (
    Failure,
    Response,
    information,
    is_question,
)
from stackfold.infrastructure.flavors.model_serving.inference_tensors import InvalidInput
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel

_CHUNK = 2**16
_MAX_HEAD = 2**16
"""The most bytes of the headers of a request."""
_IDLE = 75.0
"""Seconds after which a connection without requests is closed."""
_LINGER = 2.0
"""Seconds to read the rest of a request that was answered early."""
_DRAIN = 8.0
"""Seconds that requests have to end after SIGTERM."""
_MAX_TARGET = 200
"""Characters of a request's target in the log."""


class Limits(NamedTuple):
    """What the server allows."""

    seconds: float
    """For the body of a request to arrive, and for its prediction."""
    threads: int
    """Predictions that are computed at the same time."""
    waiting: int
    """Requests in progress."""
    bytes: int
    """Of the body of a request."""


def serve(bound: socket.socket, name: str, model: ServedModel, limits: Limits) -> None:
    """Serve a model until SIGTERM, and end the process.

    Args:
        bound: A socket that is bound to the address.
        name: The name of the model.
        model: The model.
        limits: What the server allows.
    """
    asyncio.run(_serve(bound, ModelServer(name, model, limits)))
    sys.stderr.flush()
    # A prediction that never ends would keep the interpreter.
    os._exit(0)


async def _serve(bound: socket.socket, server: "ModelServer") -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    listening = await asyncio.start_server(server.handle, sock=bound, backlog=1024)
    await ended.wait()
    listening.close()
    await server.drain(_DRAIN)


class ModelServer:
    """Answers requests for a model."""

    def __init__(self, name: str, model: ServedModel, limits: Limits) -> None:
        """Create a server.

        Args:
            name: The name of the model.
            model: The model.
            limits: What the server allows.
        """
        self._name, self._model, self.limits = name, model, limits
        self._threads = ThreadPoolExecutor(limits.threads, "predict")
        self._in_progress = 0
        self.draining = False

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        connection = _Connection(reader, writer, self)
        try:
            await connection.run()
        except (OSError, TimeoutError, h11.LocalProtocolError, asyncio.IncompleteReadError):
            pass  # nothing can be said on this connection any more
        finally:
            with suppress(Exception):
                writer.close()

    async def drain(self, seconds: float) -> None:
        """Wait until the requests in progress are answered."""
        self.draining = True
        end = time.monotonic() + seconds
        while self._in_progress and time.monotonic() < end:
            await asyncio.sleep(0.02)

    async def respond(self, connection: "_Connection", request: h11.Request) -> Response:
        """Answer a request; all errors are responses."""
        try:
            if not is_question(request, self._name):
                return information(request, self._name)
            if self._in_progress >= self.limits.waiting:
                raise Failure(503, "too many requests are in progress: try again later")
        except Failure as failure:
            return failure.response
        self._in_progress += 1
        try:
            return await self._predict(connection, request)
        except Failure as failure:
            return failure.response
        finally:
            self._in_progress -= 1

    async def _predict(self, connection: "_Connection", request: h11.Request) -> Response:
        body = await connection.body(_length(request))
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, partial(self._predicted, body))
        try:
            return await asyncio.wait_for(work, self.limits.seconds)
        except TimeoutError:
            problem = f"the prediction was not complete in {self.limits.seconds:g} seconds"
            return Failure(504, problem).response

    def _predicted(self, body: bytes) -> Response:
        """Predict, in a thread; whatever the model raises is a response."""
        try:
            asked = prediction_json.asked(body, self._name)
            found = prediction_json.outputs(self._model.predict_rows(asked.rows))
            return Response.of(200, asked.answer(found))
        except InvalidInput as error:
            return Failure(400, str(error)).response
        except BaseException as error:  # a model may even raise SystemExit
            traceback.print_exc()
            return Failure(500, f"{type(error).__name__}: {error}").response


class _Connection:
    """A connection of a client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: ModelServer
    ) -> None:
        self._reader, self._writer, self._server = reader, writer, server
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)

    async def run(self) -> None:
        """Answer requests until one of both sides closes the connection."""
        while True:
            try:
                request = await asyncio.wait_for(self._next_event(), _IDLE)
            except TimeoutError:
                return
            except h11.RemoteProtocolError as error:
                self._send(Failure(error.error_status_hint, "this is no valid HTTP").response)
                await self._writer.drain()
                return
            if not isinstance(request, h11.Request):
                return
            began = time.perf_counter()
            response = await self._server.respond(self, request)
            self._send(response, is_head=request.method == b"HEAD")
            await asyncio.wait_for(self._writer.drain(), self._server.limits.seconds)
            _log(request, response, time.perf_counter() - began)
            if self._protocol.our_state is not h11.DONE:
                return
            if not await self._rest_arrived():
                return
            self._protocol.start_next_cycle()

    async def body(self, length: int | None) -> bytes:
        """The body of the current request.

        Args:
            length: Its declared length; None if it is not declared.

        Raises:
            Failure: It is too large, incomplete, or does not arrive in time.
        """
        limits = self._server.limits
        if length is not None and length > limits.bytes:
            raise _too_large(limits.bytes)
        try:
            return await asyncio.wait_for(self._read_body(limits.bytes), limits.seconds)
        except TimeoutError:
            problem = f"the body was not complete in {limits.seconds:g} seconds"
            raise Failure(408, problem) from None
        except h11.RemoteProtocolError:
            raise Failure(400, "the body is incomplete") from None

    async def _read_body(self, max_bytes: int) -> bytes:
        body = bytearray()
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            else:
                raise ConnectionResetError

    async def _rest_arrived(self) -> bool:
        """Read the rest of a request that was answered early; False to close the connection."""
        while self._protocol.their_state is h11.SEND_BODY:
            if self._protocol.next_event() is h11.NEED_DATA:
                break
        if self._protocol.their_state is h11.DONE:
            return True
        # A client that is still sending would lose the answer if this side closed at once.
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with suppress(Exception):
            await asyncio.wait_for(self._discard(), _LINGER)
        return False

    async def _discard(self) -> None:
        while await self._reader.read(_CHUNK):
            pass

    async def _next_event(self) -> object:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            if self._protocol.they_are_waiting_for_100_continue:
                data = self._protocol.send(h11.InformationalResponse(status_code=100, headers=[]))
                self._writer.write(data or b"")
            self._protocol.receive_data(await self._reader.read(_CHUNK))
        return event

    def _send(self, response: Response, *, is_head: bool = False) -> None:
        if self._protocol.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(response.body)),
            *response.headers,
        ]
        if self._server.draining:
            headers.append((b"Connection", b"close"))
        events: list[h11.Event] = [h11.Response(status_code=response.status, headers=headers)]
        if not is_head:
            events.append(h11.Data(data=response.body))
        sent = [self._protocol.send(event) or b"" for event in (*events, h11.EndOfMessage())]
        self._writer.write(b"".join(sent))


def _too_large(max_bytes: int) -> Failure:
    return Failure(413, f"the body is larger than {max_bytes} bytes")


def _length(request: h11.Request) -> int | None:
    found: Mapping[bytes, bytes] = dict(iter(request.headers))
    length = found.get(b"content-length")
    return int(length) if length is not None else None


def _log(request: h11.Request, response: Response, seconds: float) -> None:
    """Write a line about a request; what only asks for the health is not logged."""
    if response.is_routine:
        return
    target = request.target.decode("ascii", "backslashreplace")[:_MAX_TARGET]
    when = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    line = f"{when} {request.method.decode()} {target} {response.status} {seconds * 1000:.1f} ms"
    sys.stderr.write(f"{line}\n")
