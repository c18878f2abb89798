"""Answers requests for the bytes of artifacts: pictures, pages in a sandbox, and downloads."""

import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from os import SEEK_END
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from stackfold.application.artifacts.artifact_views import NamedArtifact
from stackfold.application.artifacts.content import HEAD, PICTURES, figure_json, media_type
from stackfold.domain.errors import Invalid, NotFound, StackfoldError
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.pages.plotly_script import plotly_script
from stackfold.web.pages.previews import SECONDS
from stackfold.web.pages.problem import status_of

LARGEST_PICTURE = 8 * 2**20
LARGEST_DOWNLOAD = 4 * 2**30
DOWNLOAD_SECONDS = 120.0
"""How long a download waits for the store, which is read before the first byte is sent."""
_PART = 2**18

# A sandbox has an origin of its own, which reaches neither the pages nor their cookie. As the
# answer says so itself, it holds for an address that is opened directly as well.
_FRAMED = {
    "X-Frame-Options": "SAMEORIGIN",
    # Browsers reject a sandbox with any other value.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}
_IN_SANDBOX = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
_PICTURE = f"sandbox; {_IN_SANDBOX}"
_PAGE = f"sandbox; {_IN_SANDBOX}; style-src 'unsafe-inline'; img-src data:; font-src data:"
_FIGURE = (
    f"sandbox allow-scripts; {_IN_SANDBOX}; script-src 'nonce-{{nonce}}'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
_FIGURE_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Figure</title>
<style>html, body, #figure {{ height: 100%; margin: 0; background: #fff; }}</style></head>
<body><div id="figure"></div>
<script type="application/json" id="data">{figure}</script>
<script nonce="{nonce}">{script}</script>
<script nonce="{nonce}">
const given = JSON.parse(document.getElementById("data").textContent);
const layout = Object.assign({{}}, given.layout, {{autosize: true}});
delete layout.width; delete layout.height;
Plotly.newPlot("figure", given.data, layout, {{responsive: true, displaylogo: false}});
</script></body></html>
"""
_EXTENSIONS = {
    "application/vnd.apache.arrow.stream": ".arrows",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-npy": ".npy",
    "application/x-pickle": ".pickle",
    "application/zip": ".zip",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/webp": ".webp",
    "text/html": ".html",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LOG = logging.getLogger("stackfold.web")

Answer = Callable[[NamedArtifact, str], Response]
"""(an artifact, the path of one of its files or an empty text) → the response."""
Problem = Callable[[Scope, int, str], ASGIApp]


class ArtifactFiles:
    """Answers requests by the id of an artifact, whose bytes never change."""

    def __init__(self, workspace: Workspace, problem: Problem) -> None:
        """Create it.

        Args:
            workspace: Has the artifacts.
            problem: Returns the response to a request that fails.
        """
        self._artifacts = workspace.artifacts
        self._problem = problem

    def routes(self) -> list[Route]:
        """The routes of pictures, figures and downloads."""
        answers = {
            "pictures": lambda found, path: _shown(found, self._content(found, path)),
            "preview-pictures": lambda found, path: _shown(found, self._preview(found)),
            "figures": self._figure,
            "downloads": self._download,
        }
        return [
            Route(f"/{folder}/{{id}}", self._endpoint(answer)) for folder, answer in answers.items()
        ]

    def _endpoint(self, answer: Answer) -> Callable[[Request], ASGIApp]:
        def respond(request: Request) -> ASGIApp:
            try:
                file = request.query_params.get("file", "")
                return answer(self._artifacts.get(request.path_params["id"]).view, file)
            except StackfoldError as error:
                return self._problem(request.scope, status_of(error), str(error))
            except Exception as error:
                _LOG.exception("an artifact could not be sent", extra={"path": request.url.path})
                sentence = f"unexpected {type(error).__name__}: this is a bug in Stackfold"
                return self._problem(request.scope, 500, sentence)

        return respond

    def _figure(self, found: NamedArtifact, path: str) -> Response:
        """A page of ours around the JSON of a plotly figure; the stored page is not used."""
        script = plotly_script()
        if script is None:
            raise NotFound("package", "plotly", "install it to see figures")
        figure = figure_json(self._content(found, path))
        if figure is None:
            raise Invalid(f"artifact {found.reference!r} contains no figure: download it")
        nonce = secrets.token_urlsafe(16)
        page = _FIGURE_PAGE.format(
            # In JSON, "<" occurs in texts only, where it may be written like this.
            figure=figure.decode(errors="replace").replace("<", "\\u003c"),
            nonce=nonce,
            script=script.read_text(encoding="utf-8"),
        )
        policy = _FIGURE.format(nonce=nonce)
        headers = {"Content-Security-Policy": policy, **_FRAMED}
        return Response(page, media_type="text/html", headers=headers)

    def _download(self, found: NamedArtifact, path: str) -> Response:
        with ExitStack() as stack:
            file = stack.enter_context(
                self._artifacts.open(
                    found.id, file=path, max_bytes=LARGEST_DOWNLOAD, timeout=DOWNLOAD_SECONDS
                )
            )
            size = file.seek(0, SEEK_END)
            file.seek(0)
            head = file.read(HEAD)
            parts = _parts(head, file, stack.pop_all())
        headers = {
            "Content-Disposition": f'attachment; filename="{_file_name(found, head, path)}"',
            "Content-Length": str(size),
            "Content-Security-Policy": _PICTURE,
        }
        return StreamingResponse(parts, media_type="application/octet-stream", headers=headers)

    def _content(self, found: NamedArtifact, path: str) -> bytes:
        if found.materializer == "cloudpickle":
            raise Invalid(f"artifact {found.reference!r} is a pickle, which is never shown")
        with self._artifacts.open(
            found.id, file=path, max_bytes=LARGEST_PICTURE, timeout=SECONDS
        ) as file:
            return file.read()

    def _preview(self, found: NamedArtifact) -> bytes:
        with self._artifacts.open_preview(found.id, timeout=SECONDS) as file:
            return file.read(LARGEST_PICTURE)


def _shown(found: NamedArtifact, data: bytes) -> Response:
    """A picture, or an SVG or HTML document without its scripts."""
    kind = media_type(data[:HEAD])
    if kind in PICTURES:
        return Response(data, media_type=kind, headers={"Content-Security-Policy": _PICTURE})
    if kind in {"image/svg+xml", "text/html"}:
        # The document may state its encoding; HTML that does not is read as UTF-8.
        headers = {"Content-Security-Policy": _PAGE, "Content-Type": kind, **_FRAMED}
        if kind == "text/html":
            headers["Content-Type"] = "text/html; charset=utf-8"
        return Response(data, headers=headers)
    raise Invalid(f"artifact {found.reference!r} is no picture: download it")


def _parts(head: bytes, file: BinaryIO, opened: ExitStack) -> Iterator[bytes]:
    with opened:
        yield head
        while part := file.read(_PART):
            yield part


def _file_name(found: NamedArtifact, head: bytes, path: str) -> str:
    """A name without characters that mean anything to a browser or a file system."""
    if path:
        name, dot, ending = path.rpartition("/")[2].rpartition(".")
        safe = [_UNSAFE.sub("-", part).strip("-")[:120] for part in (name or ending, ending)]
        return (safe[0] or "file") + (f".{safe[1][:16]}" if dot and name and safe[1] else "")
    words = _UNSAFE.sub("-", found.name).strip("-")[:120] or "artifact"
    kind = media_type(head)
    json = kind == "text/plain" and found.materializer == "json"
    extension = ".json" if json else _EXTENSIONS.get(kind, ".txt" if kind == "text/plain" else "")
    return f"{words}-v{found.version}{extension}"
