"""A server on this machine that stores objects as S3 does, and can fall silent."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EMPTY = b'<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>'


class SmallS3(ThreadingHTTPServer):
    """Use it in a `with` block; it checks no credentials."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects = {}
        self.speaks = threading.Event()
        """While it is not set, requests are read and never answered."""
        self.speaks.set()
        self.asked = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.speaks.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that gave up is no error."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.objects[self.path] = data
        self.answer(200, b"")

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        found = self.server.objects.get(self.path)
        if "?" in self.path:
            self.answer(200, EMPTY)
        elif found is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.answer(200, found)

    def answer(self, status, data):
        self.server.asked += 1
        self.server.speaks.wait()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        self.send_header("Last-Modified", "Sat, 31 Jan 2026 12:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        """Nothing is logged."""
