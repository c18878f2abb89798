"""How large what users give may be: checked by commands, never when a log is read.

A log that was written before a limit was set is rebuilt, imported and upgraded as ever.
"""

from collections.abc import Mapping
from typing import Any

from stackfold.domain.errors import Invalid, TooLarge

KIB, MIB = 1024, 1024**2

MESSAGE = 64 * KIB
"""A reason (`-m`, `why=`) or a description, in bytes of UTF-8."""
LABEL = 4 * KIB
"""The text of a label."""
LABELS = 1000
"""How many labels a stack or a component has."""
TAGS = 1000
"""How many tags a run has."""
ATTRIBUTE = MIB
"""The value of one attribute of a component."""
METADATA = MIB
"""The value of one entry of metadata."""
PARAMETERS = 16 * MIB
"""The parameters of a run, or of one of its steps."""
SECRET = MIB
"""A value of a secret, and what an attribute's value is read from: a file, a pipe or stdin."""
DOCUMENT = 16 * MIB
"""A YAML file."""
INPUTS = 256 * MIB
"""What a deployed model is asked, from a file or stdin."""
DEPTH = 200
"""How deeply values are nested; JSON in the log allows little more."""


def must_fit(what: str, value: Any, limit: int, remedy: str = "") -> None:
    """Refuse a value that takes more room than a limit.

    Args:
        what: What it is, for the error.
        value: Text, or values that are recorded as JSON.
        limit: The most bytes of UTF-8.
        remedy: What to do instead.

    Raises:
        TooLarge: It takes more.
        Invalid: It is nested too deeply, or contains itself.
    """
    if _exceeds(what, value, limit):
        raise TooLarge(what, size(limit), remedy)


def must_be_few(what: str, count: int, limit: int) -> None:
    """Refuse more of something than a limit.

    Raises:
        TooLarge: There are more.
    """
    if count > limit:
        raise TooLarge(what, f"{limit:,}", "remove some")


def size(limit: int) -> str:
    """A number of bytes as people read it."""
    return f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"


def _exceeds(what: str, value: Any, limit: int) -> bool:
    """Whether a value, written as JSON, is longer; it is not written for that."""
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
