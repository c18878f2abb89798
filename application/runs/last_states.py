"""LastStates: of lines that carriage returns rewrite, as progress bars do, only the last state."""

from collections.abc import Iterable, Iterator

_LONGEST = 2**16
"""Number of characters of a line without an end from which it is passed on."""


class LastStates:
    """Passes on text line by line, without what a carriage return has replaced."""

    def __init__(self) -> None:
        """Begin at the start of a line."""
        self._rest = ""

    @property
    def current(self) -> str:
        """The state of the line that has not ended."""
        return _last(self._rest)

    def add(self, text: str) -> str:
        """Add text, and return the lines that it has ended, or the beginning of a very long one."""
        ended, newline, self._rest = (self._rest + text).rpartition("\n")
        if "\r" in ended:
            ended = "\n".join(map(_last, ended.split("\n")))
        if "\r" in self._rest[:-1]:
            self._rest = self._rest[self._rest.rindex("\r", 0, -1) :]
        return ended + newline + (self.close() if len(self._rest) > _LONGEST else "")

    def close(self) -> str:
        """Return the state of the last line, which has no end."""
        text, self._rest = self.current, ""
        return text


def last_states(pieces: Iterable[str]) -> Iterator[str]:
    """Yield text without what carriage returns have replaced."""
    lines = LastStates()
    for piece in pieces:
        yield lines.add(piece)
    yield lines.close()


def _last(line: str) -> str:
    """Return the last state of a line, which may end with a carriage return."""
    return next((state for state in reversed(line.split("\r")) if state), "")
