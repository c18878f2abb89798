"""Answers requests for operations."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Scope

from stackfold.domain.errors import NotFound, StackfoldError
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.api.artifacts import ARTIFACTS
from stackfold.web.api.components import COMPONENTS
from stackfold.web.api.deployments import DEPLOYMENTS
from stackfold.web.api.log import LOG, POLICIES, REACTIONS, SERVER
from stackfold.web.api.models import MODELS
from stackfold.web.api.openapi import document
from stackfold.web.api.operations import Call, Operation, Text
from stackfold.web.api.problems import MEDIA_TYPE, Problem, http_problem, problem_of
from stackfold.web.api.requests import arguments
from stackfold.web.api.runs import RUNS
from stackfold.web.api.schedules import SCHEDULES
from stackfold.web.api.stacks import STACKS
from stackfold.web.api.values import encoded

PREFIX = "/api/v1"
_LOG = logging.getLogger("stackfold.web")

OPERATIONS: tuple[Operation, ...] = (
    *SERVER.all,
    *STACKS.all,
    *COMPONENTS.all,
    *RUNS.all,
    *SCHEDULES.all,
    *MODELS.all,
    *ARTIFACTS.all,
    *DEPLOYMENTS.all,
    *LOG.all,
    *POLICIES.all,
    *REACTIONS.all,
)
"""All operations."""

ActingAs = Callable[[Request], AbstractContextManager[Any]]
"""Returns the block in which the actor of a request acts."""


class Api:
    """The JSON API of a workspace."""

    def __init__(self, workspace: Workspace, acting: ActingAs) -> None:
        """Create it.

        Args:
            workspace: Has the log.
            acting: Sets who acts.
        """
        self._workspace = workspace
        self._acting = acting

    def routes(self) -> list[Route]:
        """The routes of all operations, of the document, and of what is none of them."""
        return [
            Route(f"{PREFIX}/openapi.json", self._openapi),
            *(Route(f"{PREFIX}{each.path}", self._endpoint(each)) for each in OPERATIONS),
            Route(f"{PREFIX}/{{rest:path}}", self._unknown),
        ]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Response]:
        """The function that answers requests for an operation; Starlette calls it in a thread."""

        def answer(request: Request) -> Response:
            try:
                with self._acting(request):
                    return _answer(self._result(operation, request))
            except StackfoldError as error:
                return problem_response(problem_of(error))
            except Exception as error:
                _LOG.exception("an operation failed", extra={"path": operation.path})
                sentence = (
                    f"unexpected {type(error).__name__}: this is a bug in Stackfold: report it "
                    "with what the server's log says"
                )
                return problem_response(http_problem(500, sentence))

        return answer

    def _result(self, operation: Operation, request: Request) -> Any:
        query = request.query_params.multi_items()
        root = str(request.scope.get("root_path", "")).rstrip("/")
        path = str(request.scope["path"]).removeprefix(root)

        def address(**replaced: object) -> str:
            kept = [(name, text) for name, text in query if name not in replaced]
            given = [(name, str(value)) for name, value in replaced.items() if value is not None]
            return f"{quote(root + path)}?{urlencode([*kept, *given])}"

        call = Call(self._workspace, self._workspace.log.head().position, address)
        given = arguments(operation, request.path_params, query, self._position)
        return operation.function(call, **given)

    def _position(self, text: str) -> str:
        wanted = f"#{text}" if text.isascii() and text.isdigit() else text
        return f"#{self._workspace.log.position(wanted)}"

    def _openapi(self, request: Request) -> Response:
        root = str(request.scope.get("root_path", "")).rstrip("/")
        described = {**self._document, "servers": [{"url": f"{root}{PREFIX}"}]}
        return Response(encoded(described), media_type="application/json")

    def _unknown(self, request: Request) -> Response:
        error = NotFound("operation", request.path_params["rest"], f"see {PREFIX}/openapi.json")
        return problem_response(problem_of(error))

    @cached_property
    def _document(self) -> dict[str, Any]:
        return document(OPERATIONS)


def is_for_programs(scope: Scope) -> bool:
    """Whether a request is for the API, so that its errors are objects."""
    root = str(scope.get("root_path", "")).rstrip("/")
    return str(scope["path"]).removeprefix(root).startswith("/api/")


def problem_response(problem: Problem) -> Response:
    """The response of an error."""
    response = Response(encoded(problem), problem.status, media_type=MEDIA_TYPE)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Stackfold"'
    return response


def _answer(result: Any) -> Response:
    if not isinstance(result, Text):
        return Response(encoded(result), media_type="application/json")
    pieces = iter(result.pieces)
    # Errors of the first piece are answered as problems; a later one ends the connection.
    first = next(pieces, "")
    return StreamingResponse(_bytes(first, pieces), media_type="text/plain; charset=utf-8")


def _bytes(first: str, pieces: Iterator[str]) -> Iterator[bytes]:
    yield first.encode(errors="replace")
    for piece in pieces:
        yield piece.encode(errors="replace")
