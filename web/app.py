"""The ASGI application: routes, and how a page is made of a request."""

import hashlib
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from stackfold.domain.errors import Invalid, NotFound, StackfoldError
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.api.application import Api, is_for_programs, problem_response
from stackfold.web.api.problems import http_problem
from stackfold.web.artifact_files import ArtifactFiles
from stackfold.web.changes.forms import Forms
from stackfold.web.changes.offers import secret_of
from stackfold.web.changes.reruns import Reruns
from stackfold.web.changes.routes import ChangeRoutes
from stackfold.web.events import Events
from stackfold.web.guard import (
    CHANGES,
    LOOPBACK,
    SHORTEST_KEY,
    Guard,
    WithoutKey,
    address_of,
    path_of,
)
from stackfold.web.pages.artifact import artifact
from stackfold.web.pages.artifacts import artifacts
from stackfold.web.pages.compare import compare
from stackfold.web.pages.component import component
from stackfold.web.pages.components import components
from stackfold.web.pages.deployment import deployment
from stackfold.web.pages.deployments import deployments
from stackfold.web.pages.flavors import flavor, flavors
from stackfold.web.pages.log import log
from stackfold.web.pages.model import model
from stackfold.web.pages.model_compare import model_compare
from stackfold.web.pages.model_version import model_version
from stackfold.web.pages.models import models
from stackfold.web.pages.overview import overview
from stackfold.web.pages.previews import preview
from stackfold.web.pages.problem import problem, status_of
from stackfold.web.pages.run import run
from stackfold.web.pages.runs import runs
from stackfold.web.pages.schedules import schedule, schedules
from stackfold.web.pages.stack import stack
from stackfold.web.pages.stacks import stacks
from stackfold.web.pages.visit import Moved, Visit, time_of
from stackfold.web.templating import environment

HERE = Path(__file__).parent
_LOG = logging.getLogger("stackfold.web")

Actor = str | Callable[[Request], str]
"""Who visits, or a function that returns it, which is called for every request."""

View = Callable[[Visit], Any]
PAGES: tuple[tuple[str, View, str], ...] = (
    ("/", overview, "overview.html"),
    ("/stacks", stacks, "stacks.html"),
    ("/stacks/{name}", stack, "stack.html"),
    ("/runs", runs, "runs.html"),
    ("/compare", compare, "compare.html"),
    ("/runs/{name}", run, "run.html"),
    ("/schedules", schedules, "schedules.html"),
    ("/schedules/{name}", schedule, "schedule.html"),
    ("/artifacts", artifacts, "artifacts.html"),
    ("/artifacts/{reference:path}", artifact, "artifact.html"),
    ("/previews/{id}", preview, "preview.html"),
    ("/models", models, "models.html"),
    ("/models/{name}", model, "model.html"),
    ("/models/{name}/compare", model_compare, "model_compare.html"),
    ("/models/{name}/versions/{version}", model_version, "model_version.html"),
    ("/deployments", deployments, "deployments.html"),
    ("/deployments/{name}", deployment, "deployment.html"),
    ("/components", components, "components.html"),
    ("/components/{type}/{name}", component, "component.html"),
    ("/flavors", flavors, "flavors.html"),
    ("/flavors/{type}/{flavor}", flavor, "flavor.html"),
    ("/log", log, "log.html"),
)
"""The path of each page, the function that reads its content, and its template."""

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """A file that browsers cache, as its address changes with its content."""

    content: bytes
    media_type: str
    version: str


def create_app(
    workspace: Workspace,
    *,
    key: str | WithoutKey,
    actor: Actor | None = None,
    hosts: Collection[str] = LOOPBACK,
    allow_changes: bool = False,
) -> ASGIApp:
    """Create an ASGI application that shows a log; mount it where you like.

    The application does not close the workspace.

    Args:
        workspace: Has the log.
        key: A secret of at least 16 characters. The first address that a browser opens ends with
            `?key=…`; then a cookie has it. `WITHOUT_KEY` leaves the access to what is in front of
            the application.
        actor: Who visits; by default the workspace's actor. It determines the active stack of a
            shared log.
        hosts: The hosts of the addresses that it is served at, such as "ml.example.com", with a
            port or for any. Requests for others are rejected, as a page elsewhere could make them.
        allow_changes: Whether the pages can activate, revert, restore, undo and run again, each
            after a dry run, with a reason, in the name of who visits. Everyone who has the key
            can, so with several people, `actor` should return who has logged in.

    Raises:
        Invalid: The key is too short.
    """
    if isinstance(key, str) and len(key) < SHORTEST_KEY:
        raise Invalid(f"the key has {len(key)} characters: give at least {SHORTEST_KEY}")
    pages = Pages(workspace, actor, changes=allow_changes)
    routes = [Route(path, pages.endpoint(view, name)) for path, view, name in PAGES]
    routes += Api(workspace, pages.acting).routes()
    routes += ArtifactFiles(workspace, pages.rejected).routes()
    routes.append(Route("/events", Events(workspace)))
    if allow_changes:
        secret = secret_of(key if isinstance(key, str) else None)
        routes += ChangeRoutes(Forms(secret, Reruns()), pages).routes()
    routes.append(Route("/{folder}/{name}", pages.asset))
    inner = Starlette(routes=routes, exception_handlers={HTTPException: pages.unknown})
    return Guard(inner, hosts, key, pages.rejected, changes=allow_changes)


class Pages:
    """Answers requests for pages and for the files that they use."""

    def __init__(self, workspace: Workspace, actor: Actor | None, *, changes: bool = False) -> None:
        """Create it.

        Args:
            workspace: Has the log.
            actor: As for `create_app`.
            changes: Whether the pages can change anything.
        """
        self._changes = changes
        self._workspace = workspace
        self._actor = actor
        self._assets = _assets()
        versions = {path: f"{path}?v={each.version}" for path, each in self._assets.items()}
        self._templates = environment(versions)

    def endpoint(self, view: View, template: str) -> Callable[[Request], Response]:
        """The function that answers requests for a page; Starlette calls it in a thread.

        Args:
            view: Reads the content of the page.
            template: The name of its template.
        """

        def respond(request: Request, visit: Visit) -> Response:
            page = view(visit)
            if isinstance(page, Moved):
                return _redirect(request, page)
            return self.page(200, template, page)

        return lambda request: self.answer(request, partial(respond, request))

    def answer(self, request: Request, respond: Callable[[Visit], Response]) -> Response:
        """Answer a request in the name of its actor; an error is a page with one sentence.

        Args:
            request: The request.
            respond: Returns the response to it.
        """
        try:
            with self.acting(request):
                return respond(self._visit(request))
        except StackfoldError as error:
            return self._problem(status_of(error), str(error), request.scope)
        except Exception as error:
            _LOG.exception("a page failed", extra={"path": path_of(request.scope)})
            sentence = (
                f"unexpected {type(error).__name__}: this is a bug in Stackfold: report it "
                "with what the server's log says"
            )
            return self._problem(500, sentence, request.scope)

    def asset(self, request: Request) -> Response:
        """Answer a request for a file."""
        found = self._assets.get("{folder}/{name}".format(**request.path_params))
        if found is None:
            raise HTTPException(404)
        kept = "public, max-age=31536000, immutable"
        return Response(found.content, media_type=found.media_type, headers={"Cache-Control": kept})

    def unknown(self, request: Request, error: Exception) -> Response:
        """Answer a request for an unknown path."""
        path = path_of(request.scope)
        return self._problem(404, str(NotFound("page", path, "see the overview")), request.scope)

    def rejected(self, scope: Scope, status: int, sentence: str) -> ASGIApp:
        """Answer a request that the guard rejected."""
        response: Response = (
            problem_response(http_problem(status, sentence))
            if is_for_programs(scope)
            else self._problem(status, sentence, scope)
        )
        if status == 405:
            posts = self._changes and path_of(scope).startswith(CHANGES)
            response.headers["Allow"] = "GET, HEAD, POST" if posts else "GET, HEAD"
        return response

    def acting(self, request: Request) -> AbstractContextManager[None]:
        """The block in which the actor of a request acts."""
        if self._actor is None:
            return nullcontext()
        actor = self._actor if isinstance(self._actor, str) else self._actor(request)
        return self._workspace.acting_as(actor)

    def _visit(self, request: Request) -> Visit:
        # What is chosen several times, such as runs to compare, is joined.
        given = request.query_params
        query = {name: ",".join(given.getlist(name)) for name in given}
        as_of = self._position(query.get("as_of", "").strip())
        return Visit(
            workspace=self._workspace,
            path=path_of(request.scope),
            root=_root(request.scope),
            query=query,
            names=request.path_params,
            as_of=as_of,
            as_of_time=time_of(self._workspace, as_of) if as_of else None,
            now=to_rfc3339(datetime.now(UTC)),
            changes=self._changes,
        )

    def _position(self, text: str) -> int | None:
        """The position that a page shows the state at; None for now."""
        if not text:
            return None
        wanted = f"#{text}" if text.isascii() and text.isdigit() else text
        found = self._workspace.log.position(wanted)
        return None if found == self._workspace.log.head().position else found

    def page(self, status: int, template: str, page: Any) -> HTMLResponse:
        """Render a page.

        Args:
            status: The HTTP status.
            template: The name of its template.
            page: Its content.
        """
        html = self._templates.get_template(template).render(page=page)
        return HTMLResponse(html.encode(errors="replace"), status)

    def _problem(self, status: int, sentence: str, scope: Scope) -> HTMLResponse:
        # Browsers do not send the cookie when a link on another site is followed.
        again = address_of(scope) if status == 401 else ""
        return self.page(status, "problem.html", problem(status, sentence, _root(scope), again))


def _redirect(request: Request, moved: Moved) -> RedirectResponse:
    query = request.query_params.multi_items()
    if moved.version is not None:
        query = [(name, text) for name, text in query if name != "version"]
        query.append(("version", str(moved.version)))
    address = f"{_root(request.scope)}{quote(moved.path)}"
    return RedirectResponse(f"{address}?{urlencode(query)}" if query else address, 302)


def _root(scope: Scope) -> str:
    return str(scope.get("root_path", "")).rstrip("/")


def _assets() -> Mapping[str, Asset]:
    """The path of each file below this folder → the file."""
    found = {}
    for folder in ("static", "vendor"):
        for path in sorted((HERE / folder).iterdir()):
            if path.suffix in _MEDIA_TYPES:
                content = path.read_bytes()
                version = hashlib.sha256(content).hexdigest()[:12]
                found[f"{folder}/{path.name}"] = Asset(content, _MEDIA_TYPES[path.suffix], version)
    return found
