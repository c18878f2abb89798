"""The annotator `label_studio` on servers that misbehave; needs no Label Studio."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stackfold.domain.errors import AnnotatorRejected, AnnotatorUnavailable, InvalidConfiguration
from stackfold.infrastructure.flavors.label_studio import api
from stackfold.infrastructure.flavors.label_studio.annotator import (
    LabelStudioAnnotator,
    labels_of,
)
from stackfold.infrastructure.workspace import Workspace

TOKEN = "header.payload.signature-of-the-account"


class Server:
    """Answers as `answer` says; remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.answer = lambda method, path: (200, {}, b"{}")
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self):
                length = int(self.headers.get("Content-Length", 0))
                authorization = self.headers.get("Authorization", "")
                server.asked.append((self.path, authorization, self.rfile.read(length)))
                if self.path == "/api/token/refresh/" and server.tokens:
                    status, headers, body = 200, {}, b'{"access": "a.b.c"}'
                else:
                    status, headers, body = server.answer(self.command, self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = _handle

            def log_message(self, *values):
                pass

        self.tokens = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


class Tokens:
    def value(self, reference):
        return TOKEN


def annotator_at(url, **options):
    configuration = LabelStudioAnnotator.Configuration(url=url, token="{{ls.token}}", **options)
    found = LabelStudioAnnotator(configuration, None)
    found.secrets = Tokens()
    return found


def unusable(use, problem):
    with pytest.raises((AnnotatorUnavailable, AnnotatorRejected), match=problem) as error:
        use()
    assert "\n" not in str(error.value)
    assert TOKEN not in str(error.value)
    assert len(str(error.value)) < 600


def test_credentials_are_not_sent_to_where_a_server_redirects(server):
    other = Server()
    server.tokens = False
    server.answer = lambda method, path: (307, {"Location": f"{other.url}{path}"}, b"")
    annotator = annotator_at(server.url)
    unusable(annotator.check_connection, "it redirects to http://127.0.0.1:.*: correct url")
    server.tokens = True
    unusable(annotator.datasets, "it redirects to")
    other.close()
    assert other.asked == []


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, b"<!doctype html><title>Wiki</title>", "not one of Label Studio"),
        (200, b"", "not one of Label Studio"),
        (200, b"[" * 100_000, "not one of Label Studio"),
        (200, b'{"results": {}}', "not one of Label Studio"),
        (200, b'{"results": [1]}', "not one of Label Studio"),
        (200, b'{"results": [{"title": "a"}]}', "not one of Label Studio"),
        (200, b'{"results": [{"id": "../users", "title": "a"}]}', "not one of Label Studio"),
        (404, b"<h1>Not Found</h1>", "not one of Label Studio"),
        (400, b"no JSON", "not one of Label Studio"),
        (400, b'{"detail": "bad\\nlines' + b"x" * 9999 + b'"}', "rejects it: bad lines"),
        (403, b'{"detail": "not yours"}', "rejects the token: not yours"),
        (500, b"oops", "failed with status 500"),
    ],
)
def test_strange_answers_are_one_line(server, status, body, problem):
    server.answer = lambda method, path: (status, {}, body)
    unusable(annotator_at(server.url).datasets, problem)


def test_a_server_that_has_no_tokens_is_another_one(server):
    server.tokens = False
    unusable(annotator_at(server.url).datasets, "not one of Label Studio")
    assert [path for path, _, _ in server.asked] == ["/api/token/refresh/"]


def test_an_answer_that_is_too_large_is_not_read(server, monkeypatch):
    monkeypatch.setattr(api, "_LARGEST", 1000)
    server.answer = lambda method, path: (200, {}, b" " * 2000)
    unusable(annotator_at(server.url).datasets, "larger than 1000 bytes")


def test_a_slow_server_is_not_waited_for(server):
    server.answer = lambda method, path: time.sleep(5) or (200, {}, b"{}")
    started = time.monotonic()
    unusable(annotator_at(server.url, timeout=1).datasets, "did not answer within 1 s")
    assert time.monotonic() - started < 4


def test_a_list_without_end_is_not_read(server):
    page = json.dumps({"tasks": [{"id": 1, "annotations": []}] * 100}).encode()
    project = json.dumps({"results": [{"id": 1, "title": "a"}]}).encode()
    server.answer = lambda method, path: (
        200,
        {},
        page if path.startswith("/api/tasks") else project,
    )
    annotator = annotator_at(server.url, most_items=1000)
    unusable(lambda: annotator.labelled("a"), "more than 1,000 of them: raise most_items")


@pytest.mark.parametrize(
    "task",
    [
        {"id": 1},
        {"annotations": [{}], "data": {}},
        {"annotations": 1, "data": {}},
        {"annotations": [{"id": 1, "was_cancelled": False, "completed_by": 1, "result": [1]}]},
    ],
)
def test_strange_items_are_one_line(server, task):
    answers = {
        "/api/projects": {"results": [{"id": 1, "title": "a"}]},
        "/api/tasks": {"tasks": [task]},
        "/api/users/": [],
    }
    server.answer = lambda method, path: (
        200,
        {},
        json.dumps(answers[path.partition("?")[0]]).encode(),
    )
    unusable(lambda: annotator_at(server.url).labelled("a"), "not one of Label Studio")


def test_the_account_token_is_sent_only_to_be_exchanged(server):
    server.answer = lambda method, path: (200, {}, b'{"results": []}')
    annotator = annotator_at(server.url)
    annotator.datasets()
    annotator.datasets()
    (refresh, *others) = server.asked
    assert json.loads(refresh[2]) == {"refresh": TOKEN}
    assert [header for _, header, _ in others] == ["Bearer a.b.c"] * 2
    assert annotator.__getstate__()["_opened"] is None


def test_names_are_encoded_in_addresses(server):
    server.answer = lambda method, path: (200, {}, b'{"results": []}')
    with pytest.raises(Exception, match="there is no dataset"):
        annotator_at(server.url).url("a&b=/../c#ü")
    path = server.asked[-1][0]
    assert "title=a%26b%3D%2F..%2Fc%23%C3%BC&" in path


@pytest.mark.parametrize(
    "url", ["ftp://host", "host:80", "http://user:secret@host", "http://host?a=1", "http://"]
)
def test_only_addresses_of_servers_are_taken(url):
    with Workspace.in_memory() as workspace, pytest.raises(InvalidConfiguration) as error:
        workspace.components.register(
            "annotator", "people", "label_studio", {"url": url, "token": "{{a.b}}"}
        )
    assert "secret" not in str(error.value)


def test_labels_are_plain_values():
    def of(name, kind, value):
        return {"from_name": name, "type": kind, "value": value}

    box = {"x": 1, "y": 2, "rectanglelabels": ["cat"]}
    assert labels_of(
        [
            of("one", "choices", {"choices": ["a"]}),
            of("many", "choices", {"choices": ["a", "b"]}),
            of("none", "choices", {"choices": []}),
            of("text", "textarea", {"text": ["x"]}),
            of("stars", "rating", {"rating": 3}),
            of("boxes", "rectanglelabels", box),
            {"type": "relation"},
        ]
    ) == {
        "one": "a",
        "many": ["a", "b"],
        "none": [],
        "text": "x",
        "stars": 3,
        "boxes": [box],
    }
