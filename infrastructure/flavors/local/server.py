"""The server of the model deployer `local`: `python -m stackfold.serve local`."""

import socket
import sys
from collections.abc import Sequence

from stackfold.infrastructure.flavors.model_serving import server_log
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel
from stackfold.infrastructure.flavors.model_serving.server_program import (
    Options,
    exit_with,
    parse_options,
    requires,
)


def main(arguments: Sequence[str]) -> None:
    """Serve until the process is terminated.

    Args:
        arguments: The options of `stackfold.serve`.
    """
    options = parse_options(arguments)
    server_log.limit_size()
    with requires("h11"):
        from stackfold.infrastructure.flavors.local.http_server import Limits, serve
    # Bound before the model is loaded, so that no other process takes the port meanwhile; nothing
    # is answered before.
    bound = _bound(options)
    model = ServedModel.read(options)
    host, port = bound.getsockname()[:2]
    line = f"serving {options.name!r} at {host}, port {port}"
    print(line, file=sys.stderr, flush=True)  # noqa: T201
    limits = Limits(
        seconds=float(options.timeout),
        threads=int(options.threads),
        waiting=int(options.max_waiting),
        bytes=int(options.max_bytes),
    )
    serve(bound, options.name, model, limits)


def _bound(options: Options) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(
            options.host, int(options.port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # Only with this protocol does asyncio send small responses at once.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        exit_with(f"{options.host}:{options.port} cannot be listened on: {error.strerror or error}")
    return bound
