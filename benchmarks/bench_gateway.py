"""The latency that a gateway adds to a request, as a ratio to a request without it.

The server answers at once, so the ratio is the worst one; the second figure is for a server that
takes 5 ms, as small models do. One client, one connection, requests in turn with and without.
"""

import http.client
import statistics
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from stackfold.application.deployments.gateways import Listen, Route
from stackfold.infrastructure.gateway.gateways import ProcessGateways

ID = "00000000-0000-4000-8000-000000000001"
REQUESTS = 1000
BODY = b'{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}]}'


class Handler(BaseHTTPRequestHandler):
    """Reads a request, waits, and answers with the same body."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seconds = 0.0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.seconds)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def one(connection):
    """Seconds for a request."""
    began = time.perf_counter()
    connection.request("POST", "/v2/models/churn/infer", BODY)
    connection.getresponse().read()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    with tempfile.TemporaryDirectory() as home:
        gateways = ProcessGateways(Path(home))
        gateway = gateways.open(ID, Listen(), None, [Route("a", url, 100, "fraud@7")])
        direct = http.client.HTTPConnection("127.0.0.1", server.server_port)
        through = http.client.HTTPConnection("127.0.0.1", gateway["port"])
        for seconds in (0.0, 0.005):
            Handler.seconds = seconds
            times = [(one(direct), one(through)) for _ in range(REQUESTS)][REQUESTS // 10 :]
            without, with_it = (statistics.median(each) for each in zip(*times, strict=True))
            print(
                f"server takes {1000 * seconds:g} ms: direct {1000 * without:.2f} ms, "
                f"through the gateway {1000 * with_it:.2f} ms: {with_it / without:.2f} times"
            )
        gateways.close(ID)
    server.shutdown()


if __name__ == "__main__":
    main()
