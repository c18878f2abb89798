"""Reads what the steps of a run printed and logged, from the artifact store and while they run."""

import codecs
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.last_states import last_states
from stackfold.application.runs.live_steps import LiveStep, LiveSteps, last_texts
from stackfold.application.runs.run_texts import StepText
from stackfold.application.runs.run_views import RunDescription, StepView

_CHUNK = 2**16


def text_of(step: StepView, store: ArtifactStore, live: Mapping[str, LiveStep]) -> Iterator[str]:
    """Yield the chunks of a step's text; nothing if it printed nothing.

    Args:
        step: The step.
        store: Has the text of a step that has ended.
        live: Step → its text so far, for those that are running.

    Raises:
        ArtifactDamaged: The text is missing or damaged.
    """
    if step.name in live:
        yield from _so_far(live[step.name], 0)
        return
    if not step.log:
        return
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with store.open(step.log["uri"], step.log["digest"]) as file:
        while data := file.read(_CHUNK):
            yield decoder.decode(data)


def text_of_all(
    steps: Sequence[StepView], store: ArtifactStore, live: Mapping[str, LiveStep]
) -> Iterator[str]:
    """Yield the text of several steps in turn, each line prefixed by its step's name."""
    width = max((len(step.name) for step in steps if step.log or step.name in live), default=0)
    for step in steps:
        prefix = f"{step.name:<{width}} | "
        fresh = True
        for text in last_states(text_of(step, store, live)):
            for line in _lines(text):
                yield prefix + line if fresh else line
                fresh = line.endswith("\n")
        if not fresh:
            yield "\n"


def followed(
    describe: Callable[[], RunDescription],
    live: LiveSteps,
    store: Callable[[], ArtifactStore],
    only: str | None,
    interval: float,
) -> Iterator[StepText]:
    """Yield what steps print until their run ends.

    Args:
        describe: Describes the run in its current state.
        live: Has the text of running steps.
        store: Builds the store with the texts of those that have ended.
        only: One step; None for all.
        interval: Seconds between two looks at the run.

    Raises:
        ArtifactDamaged: A text is missing or damaged.
    """
    positions: dict[str, int] = {}
    done: set[str] = set()
    while True:
        run = describe()
        running = last_texts(run, live)
        for step in run.steps:
            if only not in (None, step.name) or step.name in done:
                continue
            position = positions.get(step.name, 0)
            if step.name in running:
                positions[step.name] = max(position, running[step.name].end)
                for text in _so_far(running[step.name], position):
                    yield StepText(step.name, text)
            elif step.status != "pending":
                done.add(step.name)
                for text in _rest(text_of(step, store(), {}) if step.log else (), position):
                    yield StepText(step.name, text)
        if run.status != "running" or only in done:
            return
        time.sleep(interval)


def _so_far(step: LiveStep, position: int) -> Iterator[str]:
    """Yield the text of a running step after a position."""
    if step.begin > position:
        left_out = step.begin - position
        yield f"-- {left_out} characters are left out; the text of the ended step has them\n"
    if step.end > position:
        yield step.text[max(position - step.begin, 0) :]


def _rest(texts: Iterator[str] | tuple[()], position: int) -> Iterator[str]:
    for text in texts:
        if len(text) > position:
            yield text[position:]
        position = max(position - len(text), 0)


def _lines(text: str) -> list[str]:
    """Split a text after each newline, and at no other line boundary."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
