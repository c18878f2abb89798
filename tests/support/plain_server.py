"""Serves a dictionary of weights over HTTP: `python plain_server.py FOLDER NAME FAULT`.

The password, if any, is read from standard input. It continues in a separate process.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

folder, name, fault = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
password = sys.stdin.read()


class Handler(BaseHTTPRequestHandler):
    """Implements the parts of the Open Inference Protocol that tests use."""

    def do_GET(self):
        held_up = fault == "never ready" or (fault == "waits" and not (folder / "go").exists())
        ready = not held_up and self.path == f"/v2/models/{name}/ready"
        self.answer(200 if ready else 503, {"ready": ready})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/end":
            self.answer(200, {})
            Thread(target=self.server.shutdown).start()
        elif self.headers.get("X-Password", "") != password:
            self.answer(403, {"error": "the password is wrong"})
        else:
            self.predict(body["inputs"][0])

    def predict(self, tensor):
        rows, columns = (*tensor["shape"], 1)[:2]
        if columns != len(weights):
            self.answer(400, {"error": f"{len(weights)} columns are wanted"})
            return
        data = tensor["data"]
        sums = [
            sum(w * x for w, x in zip(weights, data[i * columns :], strict=False))
            for i in range(rows)
        ]
        print("predicted", sums, flush=True)
        output = {"name": "sum", "datatype": "FP64", "shape": [rows], "data": sums}
        self.answer(200, {"model_name": name, "outputs": [output]})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *arguments):
        pass


if os.fork():
    os._exit(0)
os.setsid()
log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for stream in (0, 1, 2):
    os.dup2(log, stream)
weights = list(json.loads((folder / "model.json").read_text()).values())
if fault == "dies":
    print("cannot serve this", flush=True)
    (folder / "ended").touch()
    sys.exit(1)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
address = {"address": f"127.0.0.1:{server.server_port}", "pid": os.getpid()}
(folder / "incoming").write_text(json.dumps(address))
(folder / "incoming").rename(folder / "address.json")
print("listening", flush=True)
server.serve_forever()
server.server_close()
