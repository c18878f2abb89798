"""Serves the pages on this machine, until it is interrupted."""

import secrets
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import Receive, Scope, Send

from stackfold.domain.errors import Unavailable
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.app import create_app
from stackfold.web.events import STOPPING
from stackfold.web.guard import LOOPBACK


def serve(
    workspace: Workspace,
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    allow_changes: bool = False,
) -> None:
    """Serve the pages of a log until the process is interrupted.

    Args:
        workspace: Has the log.
        host: The name or address to listen on.
        port: The port; 0 for a free one.
        ready: Called with the address to open, which contains the key.
        allow_changes: As for `create_app`.

    Raises:
        Unavailable: It cannot listen there.
    """
    listener = _listener(host, port)
    name = f"[{host}]" if ":" in host else host
    address = f"{name}:{listener.getsockname()[1]}"
    key = secrets.token_urlsafe(24)
    app = create_app(
        workspace, key=key, hosts={*LOOPBACK, address.lower()}, allow_changes=allow_changes
    )

    async def until_the_end(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, STOPPING: lambda: server.should_exit}, receive, send)

    config = uvicorn.Config(
        until_the_end,
        # The log of accesses would contain the key.
        access_log=False,
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with listener:
        ready(f"http://{address}/?key={key}")
        server.run([listener])


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, number)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        problem = f"{error.strerror or error}: choose another with --port or --host"
        raise Unavailable(f"the address {host}:{port}", problem) from error
    return listener
