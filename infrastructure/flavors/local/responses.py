"""Responses of the server of `local`, and the paths that it answers without the model."""

import json
from typing import Any, NamedTuple
from urllib.parse import unquote

import h11

_MAX_PROBLEM = 500
"""Characters of an error."""
_QUESTIONS = ("/predict", "/invocations")
_HEALTH = ("/health", "/ping", "/v2/health/live", "/v2/health/ready")


class Response(NamedTuple):
    """A response; its body is one line of JSON."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    is_routine: bool = False
    """Whether it only says that the server is ready."""

    @classmethod
    def of(cls, status: int, content: Any, *, is_routine: bool = False) -> "Response":
        """Create a response from JSON values."""
        return cls(status, json.dumps(content).encode() + b"\n", (), is_routine)


class Failure(Exception):
    """A request cannot be answered."""

    def __init__(self, status: int, problem: str) -> None:
        """Create an error.

        Args:
            status: The status of HTTP.
            problem: What is wrong.
        """
        line = " ".join(problem.split())[:_MAX_PROBLEM]
        self.response = Response.of(status, {"error": line})
        if status == 503:
            self.response = self.response._replace(headers=((b"Retry-After", b"1"),))
        super().__init__(line)


def is_question(request: h11.Request, name: str) -> bool:
    """Whether a request asks for a prediction; raises Failure if it does so by a wrong method."""
    path = _path(request)
    if path not in _QUESTIONS and path != f"/v2/models/{name}/infer":
        return False
    if request.method != b"POST":
        raise Failure(405, f"{path} takes POST")
    return True


def information(request: h11.Request, name: str) -> Response:
    """Answer what is not asked of the model.

    Raises:
        Failure: There is nothing at the path.
    """
    path, model = _path(request), f"/v2/models/{name}"
    found: dict[str, Any] | None = None
    if path in (*_HEALTH, f"{model}/ready"):
        found = {"name": name, "ready": True}
    elif path == "/v2":
        found = {"name": "stackfold", "version": "1", "extensions": []}
    elif path == model:
        found = {"name": name, "versions": [], "platform": "python", "inputs": [], "outputs": []}
    if found is None:
        problem = f"there is nothing at {path[:100]}: POST to /predict, /invocations or "
        raise Failure(404, f"{problem}{model}/infer")
    if request.method not in (b"GET", b"HEAD"):
        raise Failure(405, f"{path} takes GET")
    return Response.of(200, found, is_routine="ready" in found)


def _path(request: h11.Request) -> str:
    return unquote(request.target.decode("ascii", "replace").partition("?")[0])
