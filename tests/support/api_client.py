"""A small typed client of the JSON API, as a user would write it."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import httpx
from api_types import (
    DeploymentView,
    DeploymentViewPage,
    HistoryEntry,
    HistoryEntryPage,
    Metric,
    Problem,
    RunDescription,
    RunDiff,
    RunView,
    RunViewPage,
    StackView,
    StackViewPage,
)

P = TypeVar("P", DeploymentViewPage, HistoryEntryPage, RunViewPage, StackViewPage)


class ApiError(Exception):
    """An error that the server answered."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem["detail"])


class Client:
    """Asks one server."""

    def __init__(self, address: str, key: str) -> None:
        self._http = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def stacks(self, **query: str | int) -> Iterator[StackView]:
        for page in self._pages(StackViewPage, "/api/v1/stacks", query):
            yield from page["items"]

    def stack(self, name: str, as_of: str | None = None) -> StackView:
        return cast(StackView, self._get(f"/api/v1/stacks/{name}", {"as_of": as_of or ""}))

    def runs(self, **query: str | int) -> Iterator[RunView]:
        for page in self._pages(RunViewPage, "/api/v1/runs", query):
            yield from page["items"]

    def run(self, reference: str) -> RunDescription:
        return cast(RunDescription, self._get(f"/api/v1/runs/{reference}"))

    def metrics(self, reference: str) -> list[Metric]:
        return cast(list[Metric], self._get(f"/api/v1/runs/{reference}/metrics"))

    def diff(self, before: str, after: str) -> RunDiff:
        return cast(RunDiff, self._get(f"/api/v1/runs/{before}/diff", {"other": after}))

    def logs(self, reference: str) -> str:
        return self._answer(f"/api/v1/runs/{reference}/logs").text

    def log(self, **query: str | int) -> Iterator[HistoryEntry]:
        for page in self._pages(HistoryEntryPage, "/api/v1/log", query):
            yield from page["items"]

    def deployments(self) -> Iterator[DeploymentView]:
        for page in self._pages(DeploymentViewPage, "/api/v1/deployments", {}):
            yield from page["items"]

    def _pages(self, kind: type[P], path: str, query: dict[str, str | int]) -> Iterator[P]:
        following: str | None = path
        while following:
            page = cast(P, self._get(following, query))
            yield page
            following, query = page["next"], {}

    def _get(self, path: str, query: dict[str, str | int] | None = None) -> Any:
        return self._answer(path, query).json()

    def _answer(self, path: str, query: dict[str, str | int] | None = None) -> httpx.Response:
        answer = self._http.get(path, params=query or None)
        if answer.is_error:
            raise ApiError(cast(Problem, answer.json()))
        return answer
