"""The process of a gateway: `python -m stackfold.infrastructure.gateway FOLDER ID HOST PORT`."""

import asyncio
import signal
import sys
from pathlib import Path

from stackfold.infrastructure.gateway.proxy import Proxy
from stackfold.infrastructure.gateway.recording import Recording
from stackfold.infrastructure.gateway.route_table import RouteTable
from stackfold.infrastructure.recording.spool import FOLDER

PORT = "port"
"""The file with the port that the gateway listens on."""
_INTERVAL = 1.0
"""Seconds between two checks whether the folder still exists."""


async def serve(folder: Path, id: str, host: str, port: int) -> None:
    """Pass requests on until SIGTERM, or until the folder is deleted.

    Args:
        folder: The folder of the gateway, with the routes.
        id: The id of the deployment.
        host: The address to listen on.
        port: The port; 0 for a free one.
    """
    table = RouteTable(folder)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    # In the home, beside the folders of gateways: it outlives the gateway.
    recording = Recording(folder.parent.parent / FOLDER / folder.name)
    proxy = Proxy(id, table, recording)
    server = await asyncio.start_server(proxy.handle, host, port, backlog=1024)
    incoming = folder / f"{PORT}.new"
    incoming.write_text(str(server.sockets[0].getsockname()[1]))
    incoming.replace(folder / PORT)
    while not ended.is_set() and table.exists():
        try:
            await asyncio.wait_for(ended.wait(), _INTERVAL)
        except TimeoutError:
            continue
    server.close()
    await recording.close()


if __name__ == "__main__":
    _folder, _id, _host, _port = sys.argv[1:]
    asyncio.run(serve(Path(_folder), _id, _host, int(_port)))
