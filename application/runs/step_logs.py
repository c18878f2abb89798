"""Reads what the steps of a run printed and logged from the artifact store."""

import codecs
from collections.abc import Iterator, Sequence

from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.run_views import StepView

_CHUNK = 2**16


def text_of(step: StepView, store: ArtifactStore) -> Iterator[str]:
    """Yield the chunks of a step's text; nothing if it printed nothing.

    Raises:
        ArtifactDamaged: The text is missing or damaged.
    """
    if not step.log:
        return
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with store.open(step.log["uri"], step.log["digest"]) as file:
        while data := file.read(_CHUNK):
            yield decoder.decode(data)


def text_of_all(steps: Sequence[StepView], store: ArtifactStore) -> Iterator[str]:
    """Yield the text of several steps in turn, each line prefixed by its step's name."""
    width = max((len(step.name) for step in steps if step.log), default=0)
    for step in steps:
        prefix = f"{step.name:<{width}} | "
        fresh = True
        for text in text_of(step, store):
            for line in _lines(text):
                yield prefix + line if fresh else line
                fresh = line.endswith("\n")
        if not fresh:
            yield "\n"


def _lines(text: str) -> list[str]:
    """Split a text after each newline, and at no other line boundary."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
