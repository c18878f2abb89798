"""Limits for the size of user input: checked by commands, never when a log is read.

A log that was written before a limit was introduced can still be rebuilt, imported and upgraded.
"""

from collections.abc import Mapping
from typing import Any

from stackfold.domain.errors import Invalid, TooLarge

KIB, MIB = 1024, 1024**2

MESSAGE = 64 * KIB
"""Bytes of UTF-8 in a reason (`-m`, `why=`) or a description."""
LABEL = 4 * KIB
"""Bytes in the text of a label."""
LABELS = 1000
"""Number of labels of a stack or a component."""
TAGS = 1000
"""Number of tags of a run, or of one of its steps."""
ATTRIBUTE = MIB
"""Bytes in the value of an attribute of a component."""
METADATA = MIB
"""Bytes in the value of an entry of metadata."""
PARAMETERS = 16 * MIB
"""Bytes in the parameters of a run, or of one of its steps."""
SECRET = MIB
"""Bytes in a value of a secret, and in a file, pipe or stdin that an attribute is read from."""
DOCUMENT = 16 * MIB
"""Bytes in a YAML file."""
INPUTS = 256 * MIB
"""Bytes in the inputs of a prediction, from a file or stdin."""
DEPTH = 200
"""Levels of nested values; JSON in the log allows little more."""


def must_fit(what: str, value: Any, limit: int, remedy: str = "") -> None:
    """Reject a value that is larger than a limit.

    Args:
        what: A description of the value for the error.
        value: Text, or values that are recorded as JSON.
        limit: The maximum size in bytes of UTF-8.
        remedy: What to do instead.

    Raises:
        TooLarge: The value is larger.
        Invalid: The value is nested too deeply, or contains itself.
    """
    if _exceeds(what, value, limit):
        raise TooLarge(what, size(limit), remedy)


def must_be_few(what: str, count: int, limit: int) -> None:
    """Reject a number of things above a limit.

    Raises:
        TooLarge: The number is above the limit.
    """
    if count > limit:
        raise TooLarge(what, f"{limit:,}", "remove some")


def size(limit: int) -> str:
    """A number of bytes for people to read, such as "64 KiB"."""
    return f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"


def _exceeds(what: str, value: Any, limit: int) -> bool:
    """Whether a value would be longer than a limit as JSON; estimated without writing it."""
    left = limit
    waiting = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if depth > DEPTH:
            raise Invalid(f"{what}: nested too deeply, or contains itself: flatten it")
        if isinstance(each, str):
            text = each if each.isascii() else each.encode(errors="surrogatepass")
            left -= len(text)
        elif isinstance(each, bytes | bytearray):
            left -= len(each)
        elif isinstance(each, Mapping):
            waiting += [(key, depth + 1) for key in each] + [(e, depth + 1) for e in each.values()]
            left -= 2 * len(each)
        elif isinstance(each, list | tuple | set | frozenset):
            waiting += [(part, depth + 1) for part in each]
            left -= len(each)
        if left < 0:
            return True
    return False
