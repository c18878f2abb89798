"""The addresses of changes, and the requests that their forms send."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from stackfold.domain.errors import Invalid
from stackfold.web.changes.forms import Forms, Shown, recorded
from stackfold.web.pages.visit import Visit

LARGEST_FORM = 65536
"""The most bytes of a form, also if the request does not say its size."""
MOST_FIELDS = 20


class Answers(Protocol):
    """Makes responses to requests."""

    def answer(self, request: Request, respond: Callable[[Visit], Response]) -> Response:
        """Answer a request in the name of its actor."""
        ...

    def page(self, status: int, template: str, page: Any) -> Response:
        """Render a page."""
        ...


class ChangeRoutes:
    """Answers requests for changes."""

    def __init__(self, forms: Forms, answers: Answers) -> None:
        """Create it.

        Args:
            forms: Shows and makes changes.
            answers: Makes responses.
        """
        self._forms = forms
        self._answers = answers

    def routes(self) -> list[Route]:
        """The routes of all changes."""
        return [
            Route("/changes/recorded", self.recorded),
            Route("/changes/{kind}", self.show, methods=["GET"]),
            Route("/changes/{kind}", self.make, methods=["POST"]),
        ]

    def show(self, request: Request) -> Response:
        """Answer with what a change would record."""

        def respond(visit: Visit) -> Response:
            return self._answers.page(200, "change.html", self._forms.show(visit))

        return self._answers.answer(request, respond)

    def recorded(self, request: Request) -> Response:
        """Answer with what a change has recorded."""

        def respond(visit: Visit) -> Response:
            return self._answers.page(200, "recorded.html", recorded(visit))

        return self._answers.answer(request, respond)

    async def make(self, request: Request) -> Response:
        """Make the change that a form confirms, and answer with the address of the result."""
        body = b""
        try:
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_FORM:
                    break
        except ClientDisconnect:  # nobody reads the response
            return Response(status_code=400)
        respond = partial(self._made, body)
        return await run_in_threadpool(self._answers.answer, request, respond)

    def _made(self, body: bytes, visit: Visit) -> Response:
        made = self._forms.make(visit, form_of(body))
        if isinstance(made, Shown):
            return self._answers.page(made.status, "change.html", made.page)
        return RedirectResponse(made.address, 303)


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form.

    Raises:
        Invalid: It is too large, or no form.
    """
    if len(body) > LARGEST_FORM:
        raise Invalid("the form is too large: give a shorter reason")
    try:
        return dict(
            parse_qsl(
                body.decode("utf-8"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MOST_FIELDS,
            )
        )
    except ValueError as error:
        raise Invalid("the form cannot be read: open the page of the change again") from error
