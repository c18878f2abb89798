"""The part of Cloud Storage's XML API that obstore uses: `python gcs_api.py FOLDER PORT`.

No emulator of it can be had here: fake-gcs-server 1.54 answers 400 to `PUT /bucket/object` and to
`?uploads`; gcp-storage-emulator 2026.7 has neither HEAD nor lists and ignores preconditions. This
follows https://cloud.google.com/storage/docs/xml-api/overview: create-only preconditions, ranges,
lists in pages, uploads in parts, errors in XML, and tokens that a service account signed itself.

Objects are files in FOLDER/BUCKET. FOLDER/key.json is the key of the service account.
"""

import base64
import hashlib
import json
import re
import sys
import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

PAGE = 1000
"""Objects in a page of a list, at most, as in Cloud Storage."""
MIN_PART = 5 * 2**20
"""Bytes in each part but the last, at least, as in Cloud Storage."""


class Account:
    """A service account, as the server knows it."""

    def __init__(self, key: dict[str, str]) -> None:
        self._email, self._key_id = key["client_email"], key["private_key_id"]
        self._public = load_pem_private_key(key["private_key"].encode(), None).public_key()

    def problem(self, token: str) -> str:
        """Why a token is not one that the account signed for Cloud Storage; empty if it is."""
        try:
            signed, _, signature = token.rpartition(".")
            header, claims = (json.loads(_decode(each)) for each in signed.split("."))
            self._public.verify(_decode(signature), signed.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError) as error:
            return f"{type(error).__name__} {error}"
        if header != {"alg": "RS256", "typ": "JWT", "kid": self._key_id}:
            return "the header is wrong"
        if (claims["iss"], claims["sub"]) != (self._email, self._email):
            return "the account is wrong"
        if not re.fullmatch(r"https://www\.googleapis\.com/auth/[\w.-]+", claims["scope"]):
            return "the scope is wrong"
        if not claims["iat"] <= time.time() + 1 or not time.time() < claims["exp"]:
            return "it is not valid now"
        return "" if claims["exp"] - claims["iat"] <= 3600 else "it is valid for too long"


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


class Handler(BaseHTTPRequestHandler):
    """Handles one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    folder: Path
    account: Account
    lock = threading.RLock()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: each[0] for name, each in parse_qs(parts.query, True).items()}
        bucket, _, name = parts.path.lstrip("/").partition("/")
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        problem = self.account.problem(token) if scheme == "Bearer" else "there is no token"
        objects = self.folder / unquote(bucket)
        with self.lock:
            if problem:
                self._error(401, "AuthenticationRequired", problem)
            elif not objects.is_dir():
                self._error(404, "NoSuchBucket", "The specified bucket does not exist.")
            elif not name:
                self._list(objects, query)
            elif self.command == "POST" or "uploadId" in query:
                self._upload(objects / quote(unquote(name), safe=""), query, body)
            else:
                method = getattr(self, f"_{self.command.lower()}")
                method(objects / quote(unquote(name), safe=""), body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle

    def _put(self, path: Path, body: bytes) -> None:
        match = self.headers.get("x-goog-if-generation-match")
        if match not in {None, "0"}:
            self._error(501, "NotImplemented", "only 0")
        elif match == "0" and path.exists():
            self._error(412, "PreconditionFailed", "At least one precondition did not hold.")
        else:
            self._store(path, body)
            self._answer(200, headers={"ETag": _tag(body)})

    def _get(self, path: Path, body: bytes) -> None:
        if not path.exists():
            self._error(404, "NoSuchKey", "The specified key does not exist.")
            return
        data = path.read_bytes()
        headers = {
            "ETag": _tag(data),
            "Last-Modified": format_datetime(_written(path), usegmt=True),
            "Content-Type": "application/octet-stream",
        }
        if asked := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or ""):
            start, end = int(asked[1]), min(int(asked[2]), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            self._answer(206, data[start : end + 1], headers)
        else:
            self._answer(200, data, headers)

    _head = _get

    def _delete(self, path: Path, body: bytes) -> None:
        if path.exists():
            path.unlink()
            self._answer(204)
        else:
            self._error(404, "NoSuchKey", "The specified key does not exist.")

    def _list(self, objects: Path, query: dict[str, str]) -> None:
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        if query.get("list-type") != "2" or query.keys() - {
            "list-type",
            "prefix",
            "continuation-token",
        }:
            self._error(501, "NotImplemented", self.path)
            return
        found = {unquote(each.name): each for each in objects.iterdir() if each.is_file()}
        names = sorted(each for each in found if each.startswith(prefix) and each > after)
        page, more = names[:PAGE], len(names) > PAGE
        rows = [f"<IsTruncated>{str(more).lower()}</IsTruncated>"]
        if more:
            rows.append(f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>")
        for name in page:
            path = found[name]
            rows.append(
                f"<Contents><Key>{escape(name)}</Key><Size>{path.stat().st_size}</Size>"
                f"<LastModified>{_written(path):%Y-%m-%dT%H:%M:%S}.000Z</LastModified></Contents>"
            )
        self._xml(f"<ListBucketResult>{''.join(rows)}</ListBucketResult>")

    def _upload(self, path: Path, query: dict[str, str], body: bytes) -> None:
        folder = path.parent / ".uploads" / query.get("uploadId", uuid4().hex)
        if "uploads" in query:
            folder.mkdir(parents=True)
            answer = f"<UploadId>{folder.name}</UploadId>"
            self._xml(f"<InitiateMultipartUploadResult>{answer}</InitiateMultipartUploadResult>")
        elif not folder.is_dir():
            self._error(404, "NoSuchUpload", "The requested upload was not found.")
        elif self.command == "PUT":
            self._store(folder / query["partNumber"], body)
            self._answer(200, headers={"ETag": _tag(body)})
        elif self.command == "DELETE":
            self._remove(folder)
            self._answer(204)
        else:
            self._complete(path, folder, body)

    def _complete(self, path: Path, folder: Path, body: bytes) -> None:
        elements = ElementTree.fromstring(body).iter()
        numbers = [str(each.text) for each in elements if each.tag.endswith("PartNumber")]
        parts = [(folder / each).read_bytes() for each in numbers]
        if any(len(each) < MIN_PART for each in parts[:-1]):
            self._error(400, "EntityTooSmall", "A part is too small.")
            return
        self._store(path, b"".join(parts))
        self._remove(folder)
        tag = escape(_tag(path.read_bytes()))
        self._xml(
            f"<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
        )

    def _store(self, path: Path, data: bytes) -> None:
        incoming = self.folder / f"incoming-{uuid4().hex}"
        incoming.write_bytes(data)
        incoming.rename(path)

    def _remove(self, folder: Path) -> None:
        for part in folder.iterdir():
            part.unlink()
        folder.rmdir()

    def _error(self, status: int, code: str, message: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        self._xml(text, status)

    def _xml(self, text: str, status: int = 200) -> None:
        body = f"<?xml version='1.0' encoding='UTF-8'?>{text}".encode()
        self._answer(status, body, {"Content-Type": "application/xml; charset=UTF-8"})

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about clients that went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    Handler.account = Account(json.loads((Handler.folder / "key.json").read_text()))
    Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
