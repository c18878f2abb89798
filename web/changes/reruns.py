"""Reruns: each in a process of its own, so that no page waits for it and it survives the server."""

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.runs.run_views import RunDescription
from stackfold.domain.errors import Conflict, Invalid
from stackfold.infrastructure.rerun_process import started_rerun
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.pages.visit import Visit

SECONDS = 20.0
"""How long a page waits until a run is recorded; importing the pipeline may take longer."""


class Repeat(NamedTuple):
    """A run that would be repeated."""

    run: RunDescription
    parameters: tuple[tuple[str, Any], ...]
    more: int


class CannotRerun(Conflict):
    """A run could not be started again, and nothing was recorded.

    Attributes:
        run: The run that was to be repeated.
        problem: Why, in one line.
    """

    def __init__(self, run: str, problem: str) -> None:
        self.run, self.problem = run, problem
        super().__init__(f"run {run!r} was not started again: {problem}")


def repeat_of(visit: Visit, fields: Mapping[str, str]) -> Repeat:
    """Read the run that would be repeated.

    Raises:
        Invalid: The address names none.
        NotFound: There is no such run.
    """
    if "run" not in fields:
        raise Invalid("the address has no 'run': open the page of the run")
    run = visit.workspace.runs.describe(fields["run"])
    parameters = [*run.parameters.items()]
    return Repeat(run, tuple(parameters[:12]), max(0, len(parameters) - 12))


class Reruns:
    """Starts runs again."""

    def __init__(self) -> None:
        """Create it."""
        self._started: dict[str, str] = {}
        self._lock = threading.Lock()

    def start(self, workspace: Workspace, run: str, why: str, token: str) -> str:
        """Start a run again, and return when it is recorded, long before it ends.

        Args:
            workspace: Has the log.
            run: The run.
            why: The reason.
            token: Of the form: the same form starts one run only.

        Returns:
            The name of the new run; empty if it was not recorded within `SECONDS`.

        Raises:
            CannotRerun: Its process ended before the run was recorded.
            Unavailable: The system cannot start the process.
        """
        with self._lock:
            if token in self._started:
                return self._started[token]
            self._started[token] = ""
        try:
            name = _start(workspace, run, why)
        except Exception:
            with self._lock:
                del self._started[token]
            raise
        self._started[token] = name
        return name


def _start(workspace: Workspace, run: str, why: str) -> str:
    answer = started_rerun(workspace, run, why, SECONDS)
    if "problem" in answer:
        raise CannotRerun(run, answer["problem"])
    return answer.get("run", "")
