"""Shows the progress of a run on stderr: a live view on a terminal, lines elsewhere."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from stackfold.application.runs.last_states import LastStates
from stackfold.application.runs.progress import NULL_LISTENER, ProgressListener, StepEnd
from stackfold.cli.table import one_line
from stackfold.cli.times import duration

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_STYLES = {
    "completed": "green",
    "cached": "cyan",
    "failed": "bold red",
    "cancelled": "yellow",
    "skipped": "dim",
}
_MAX_RUNNING = 12
"""The maximum number of running steps shown."""


class Shown(ProgressListener, Protocol):
    """Shows the progress of a run, also of one that began in another process."""

    def run_began(self, seconds: float) -> None:
        """Take the run as one that began some seconds ago."""
        ...

    def step_runs(self, step: str, seconds: float, said: str) -> None:
        """Show a step that has been running for some seconds, and the last line it printed."""
        ...


@contextmanager
def show_progress(quiet: bool = False) -> Iterator[ProgressListener]:
    """Provide a listener that shows the progress of a run within the block.

    Args:
        quiet: Show nothing.
    """
    if quiet:
        yield NULL_LISTENER
    else:
        with shown_progress() as listener:
            yield listener


@contextmanager
def shown_progress() -> Iterator[Shown]:
    """Provide what shows the progress of a run within the block."""
    if sys.stderr.isatty():
        with _live() as view:
            yield view
    else:
        yield _Lines()


class _Lines:
    """Prints a line per ended step, in the order of the pipeline, also if steps run in parallel."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._lines: dict[str, list[str]] = {}
        self._waiting: list[str] = []
        self._ended: set[str] = set()

    def run_started(self, run: str, steps: Sequence[str], completed: Sequence[str]) -> None:
        self._waiting = [step for step in reversed(steps) if step not in completed]
        self._write([begins(run, steps, completed)])

    def step_started(self, step: str) -> None: ...

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None:
        self._echo(step, again(step, attempt, reason, delay))

    def step_ended(self, end: StepEnd) -> None:
        self._echo(end.step, f"step {end.step} {how(end)}", ended=True)

    def run_began(self, seconds: float) -> None: ...

    def step_runs(self, step: str, seconds: float, said: str) -> None: ...

    def run_ended(self, status: str) -> None:
        for step in reversed(self._waiting):
            self._write(self._lines.pop(step, ()))

    def _echo(self, step: str, line: str, ended: bool = False) -> None:
        with self._turn:
            self._lines.setdefault(step, []).append(line)
            if ended:
                self._ended.add(step)
            while self._waiting:
                self._write(self._lines.pop(self._waiting[-1], ()))
                if self._waiting[-1] not in self._ended:
                    break
                self._waiting.pop()

    def _write(self, lines: Iterable[str]) -> None:
        sys.stderr.write("".join(f"{one_line(line)}\n" for line in lines))
        sys.stderr.flush()


class _View:
    """Prints a line per ended step, and below these the running steps."""

    def __init__(self, live: "Live") -> None:
        self._live = live
        self._turn = threading.Lock()
        self._running: dict[str, float] = {}
        self._said: dict[str, str] = {}
        self.streams: list[_Above] = []
        self._ended = 0
        self._steps = 0
        self._began = time.monotonic()

    def run_started(self, run: str, steps: Sequence[str], completed: Sequence[str]) -> None:
        self._steps, self._ended = len(steps), len(completed)
        self._print(begins(run, steps, completed), "bold")

    def run_began(self, seconds: float) -> None:
        self._began = time.monotonic() - seconds

    def step_started(self, step: str) -> None:
        with self._turn:
            self._running[step] = time.monotonic()

    def step_runs(self, step: str, seconds: float, said: str) -> None:
        with self._turn:
            self._running[step] = time.monotonic() - seconds
            self._said[step] = said

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None:
        self._print(again(step, attempt, reason, delay), "yellow")

    def step_ended(self, end: StepEnd) -> None:
        with self._turn:
            self._running.pop(end.step, None)
            self._ended += 1
            last = not self._running
        if last:  # a line that has not ended is its line
            for stream in self.streams:
                stream.end()
        self._print(f"step {end.step} {how(end)}", _STYLES.get(end.status, ""))

    def run_ended(self, status: str) -> None: ...

    def __rich__(self) -> "RenderableType":
        """Render the running steps and the total."""
        from rich.text import Text

        if not self._steps:  # the pipeline is still being loaded
            return Text("")
        now = time.monotonic()
        with self._turn:
            running = list(self._running.items())
        said = {**self._said}
        # The line that is being written, such as a progress bar.
        current = next((text for each in self.streams if (text := each.current)), "")
        if current and len(running) == 1:
            said[running[0][0]] = Text.from_ansi(current).plain
        lines = [
            f"  {step} {duration(now - began)}  {one_line(said.get(step, ''))}".rstrip()
            for step, began in running[:_MAX_RUNNING]
        ]
        if len(running) > _MAX_RUNNING:
            lines.append(f"  and {len(running) - _MAX_RUNNING} more")
        lines.append(f"{self._ended} of {self._steps} steps, {duration(now - self._began)}")
        return Text("\n".join(lines), style="blue", no_wrap=True, overflow="ellipsis")

    def print_output(self, text: str) -> None:
        """Print what a step has printed; colours are kept."""
        from rich.text import Text

        self._live.console.print(Text.from_ansi(text.removesuffix("\n")), soft_wrap=True)

    def _print(self, line: str, style: str) -> None:
        from rich.text import Text

        self._live.console.print(Text(one_line(line), style=style))


@contextmanager
def _live() -> Iterator["_View"]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    live = Live(
        console=console,
        transient=True,
        refresh_per_second=8,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    view = _View(live)
    live.update(view)
    with live, ExitStack() as stack:
        # Output of steps on the same terminal appears above the running steps.
        if sys.stdout.isatty():
            stack.enter_context(_above(view, "stdout"))
        stack.enter_context(_above(view, "stderr"))
        yield view


@contextmanager
def _above(view: _View, name: str) -> Iterator[None]:
    """Show above the view what is written to a standard stream in the block."""
    original = getattr(sys, name)
    stream = _Above(original, view)
    view.streams.append(stream)
    setattr(sys, name, stream)
    try:
        yield
    finally:
        stream.end()
        if getattr(sys, name) is stream:
            setattr(sys, name, original)


class _Above:
    """Replaces a standard stream: shows whole lines above the view, and the current one in it."""

    def __init__(self, original: Any, view: _View) -> None:
        self.rich_proxied_file = original  # where rich writes to
        self._view = view
        self._lines = LastStates()

    def write(self, text: str) -> int:
        ended = self._lines.add(text)
        if ended:
            self._view.print_output(ended)
        return len(text)

    @property
    def current(self) -> str:
        """The line that has not ended."""
        return self._lines.current

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        """Do nothing: a line that has not ended is shown in the view."""

    def end(self) -> None:
        if rest := self._lines.close():
            self._view.print_output(rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


def begins(run: str, steps: Sequence[str], completed: Sequence[str]) -> str:
    """Describe the start of a run in a line."""
    count = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
    return f"run {run}: {count}" + (f", {len(completed)} completed before" if completed else "")


def again(step: str, attempt: int, reason: str, delay: float) -> str:
    """Describe a retry in a line."""
    when = f" in {duration(delay)}" if delay else ""
    return f"step {step} failed: {reason}; attempt {attempt} begins{when}"


def how(end: StepEnd) -> str:
    """Describe the end of a step, as the rest of its line."""
    if end.status == "cached":
        return "cached"
    after = "" if end.status == "skipped" else f" after {duration(end.seconds)}"
    return f"{end.status}{after}" + (f": {end.reason}" if end.reason else "")
