"""Shows a run of another process while it is executed: its steps, or what they print."""

import sys
import time

from stackfold.application.runs.last_states import LastStates
from stackfold.application.runs.progress import StepEnd
from stackfold.application.runs.run_views import RunDescription
from stackfold.cli.escapes import escaped_output
from stackfold.cli.progress import shown_progress
from stackfold.cli.render import echo
from stackfold.cli.times import seconds_since
from stackfold.infrastructure.workspace import Workspace

_INTERVAL = 0.5
"""Seconds between two looks at a run."""
_SHARE = 10
"""How many times longer than a look the time until the next one is at least."""
_ENDED = {"completed": 0, "cancelled": 130}
"""How a run ended → the exit code; 1 for others."""
_ERASE = "\r\033[K"


def watch(workspace: Workspace, reference: str) -> int:
    """Show the steps of a run until it ends, and return the exit code for how it ended."""
    id = workspace.runs.get(reference).id
    with shown_progress() as shown:
        reported: set[str] = set()
        began = False
        while True:
            looked = time.monotonic()
            run = workspace.runs.describe(id)
            if not began:
                began = True
                shown.run_started(run.name, [step.name for step in run.steps], [])
                shown.run_began(seconds_since(run.started))
            live = workspace.runs.live(id)
            for step in run.steps:
                if step.status == "running" and step.started:
                    said = _last_line(live[step.name].text) if step.name in live else ""
                    shown.step_runs(step.name, seconds_since(step.started), said)
                elif step.status != "pending" and step.name not in reported:
                    reported.add(step.name)
                    shown.step_ended(StepEnd(step.name, step.status, step.seconds, step.error))
            if run.status != "running":
                break
            took = time.monotonic() - looked
            time.sleep(max(_INTERVAL, _SHARE * took))
        shown.run_ended(run.status)
    echo(f"run {run.name!r} {_how(run)}")
    return _ENDED.get(run.status, 1)


def _how(run: RunDescription) -> str:
    if run.status == "interrupted":
        return "was interrupted: its process has ended"
    return f"{run.status}: {run.error}" if run.error else run.status


def _last_line(text: str) -> str:
    """Return the last line that is not empty, in its last state."""
    lines = LastStates()
    *_, last = ["", *(line for line in lines.add(text[-1000:]).split("\n") if line.strip())]
    return lines.current.strip() or last.strip()


def follow(workspace: Workspace, reference: str, step: str | None) -> bool:
    """Print what steps print, as it comes, and return whether they print anything.

    Args:
        workspace: Has the run.
        reference: The run.
        step: One step; None for all, with their names before each line.
    """
    run = workspace.runs.describe(reference)
    width = max((len(each.name) for each in run.steps), default=0)
    printed = _Lines(sys.stdout.isatty())
    lines: dict[str, LastStates] = {}
    some = False
    for name, text in workspace.runs.follow(run.id, step):
        some = some or bool(text)
        label = "" if step else f"{name:<{width}} | "
        known = lines.setdefault(name, LastStates())
        printed.show(label, known.add(text), known.current)
    for name, known in lines.items():
        label = "" if step else f"{name:<{width}} | "
        if rest := known.close():
            printed.show(label, rest + "\n", "")
    printed.end()
    return some


class _Lines:
    """Prints whole lines; on a terminal also the line that has not ended, until it does."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._unfinished = False

    def show(self, label: str, ended: str, current: str) -> None:
        parts = ended.split("\n")
        text = "".join(f"{label}{line}\n" for line in parts[:-1])
        if parts[-1]:  # the beginning of a very long line
            text += f"{label}{parts[-1]}\n"
        if self._unfinished:
            sys.stdout.write(_ERASE)
        sys.stdout.write("".join(escaped_output([text])))
        self._unfinished = self._terminal and bool(current)
        if self._unfinished:
            sys.stdout.write("".join(escaped_output([_fitting(label + current)])))
        sys.stdout.flush()

    def end(self) -> None:
        if self._unfinished:
            sys.stdout.write(_ERASE)


def _fitting(line: str) -> str:
    """Return as much of a line as can be erased again."""
    from stackfold.cli.table import room

    return line[: room() - 1]
