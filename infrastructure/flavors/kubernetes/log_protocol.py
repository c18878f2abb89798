"""The log of a pod that executes a call: readable by people, and by the process that waits for it.

Lines that the call prints to stdout are written as they are. Every other line begins with a
character that terminals do not show, and a letter: for text on stderr, for text that did not end
with a line break, for the events of the call, and for its result in several lines. Every line ends
with a line break, so that a lost connection can be continued at any byte.
"""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

MARK = "\x1e"
_STREAMS = {"stdout": "o", "stderr": "e"}
_NAMES = {letter: stream for stream, letter in _STREAMS.items()}
_CHUNK = 60_000
"""Characters of a line of the result; container runtimes split lines at 16 kB, and join them."""
_LONGEST = 2**20
"""Characters of a line that is still read as one."""

BEGAN, ANSWERED, DIED, LATE, UNFIT = "began", "answered", "died", "late", "unfit"


class Event(NamedTuple):
    """What the log of a pod tells: output, or how the call ended."""

    kind: str
    """"stdout" or "stderr"; or BEGAN, ANSWERED, DIED, LATE, UNFIT."""
    value: Any
    """The text; the result as bytes; the exit code; the traceback; what does not fit."""


def lines_of(event: Event) -> Iterator[str]:
    """Return the lines of an event, each with its line break."""
    if event.kind in _STREAMS:
        yield from _output(event.kind, event.value)
    elif event.kind == ANSWERED:
        text = base64.b85encode(zlib.compress(event.value)).decode()
        parts = [text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK)]
        for number, part in enumerate(parts):
            yield f"{MARK}={number} {len(parts)} {part}\n"
    else:
        yield f"{MARK}!{json.dumps([event.kind, event.value])}\n"


def comment(text: str) -> Iterator[str]:
    """Return lines that only people read."""
    for line in text.splitlines():
        yield f"{MARK}#{line}\n"


def _output(stream: str, text: str) -> Iterator[str]:
    letter = _STREAMS[stream]
    *whole, rest = text.split("\n")
    for line in whole:
        if stream == "stdout" and len(line) < _LONGEST // 2 and not line.startswith(MARK):
            yield f"{line}\n"
            continue
        for at in range(0, len(line), _CHUNK):
            yield f"{MARK}{letter}{line[at : at + _CHUNK]}\n"
        yield f"{MARK}{letter.upper()}\n"
    for at in range(0, len(rest), _CHUNK):
        yield f"{MARK}{letter}{rest[at : at + _CHUNK]}\n"


class LogReader:
    """Reads events from the log of a pod; skips what it has read, if it is read again."""

    def __init__(self) -> None:
        """Create a reader of a log from its beginning."""
        self._pending = bytearray()
        self._parts: dict[int, str] = {}

    def read(self, data: bytes) -> Iterator[Event]:
        """Read the next bytes, and yield the events of the lines that they complete."""
        self._pending += data
        while True:
            end = self._pending.find(b"\n")
            if end < 0:
                if len(self._pending) <= _LONGEST:
                    return
                end = _LONGEST
                line = bytes(self._pending[:end])
                del self._pending[:end]
                yield Event("stdout", line.decode("utf-8", "replace"))
                continue
            line = bytes(self._pending[:end])
            del self._pending[: end + 1]
            text = line.decode("utf-8", "replace")
            try:
                yield from self._event(text)
            except (ValueError, zlib.error):  # not written by us
                yield Event("stdout", f"{text}\n")

    def rest(self) -> str:
        """Return the text of the last line, which has not ended."""
        return bytes(self._pending).decode("utf-8", "replace")

    def _event(self, line: str) -> Iterator[Event]:
        if not line.startswith(MARK):
            yield Event("stdout", f"{line}\n")
            return
        letter, text = line[1:2], line[2:]
        if letter in _NAMES:
            yield Event(_NAMES[letter], text)
        elif letter.lower() in _NAMES:
            yield Event(_NAMES[letter.lower()], f"{text}\n")
        elif letter == "=":
            number, count, part = text.split(" ", 2)
            self._parts[int(number)] = part
            if len(self._parts) == int(count):
                joined = "".join(self._parts[index] for index in sorted(self._parts))
                yield Event(ANSWERED, zlib.decompress(base64.b85decode(joined)))
        elif letter == "!":
            kind, value = json.loads(text)
            yield Event(kind, value)
