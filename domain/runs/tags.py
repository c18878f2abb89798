"""Tags: short texts that mark runs, steps and artifacts, to filter by."""

import re
import unicodedata
from collections.abc import Mapping

from stackfold.domain.errors import InvalidTag
from stackfold.domain.name import LONGEST

MAIN = "model"
"""The tag of the output that a version of a model stands for, if its run has several."""

_LEGAL = re.compile(r"[^\W_][\w.\-:=/@+]*")


def valid_tag(tag: str) -> str:
    """Return `tag` in Unicode normal form C, the form in which tags are compared.

    Args:
        tag: 1 to 64 characters, such as "nightly", "team:vision" or "stage=prod": a letter or a
            digit, then letters, digits and `. _ - : = / @ +`.

    Raises:
        InvalidTag: The tag breaks that rule.
    """
    normal = unicodedata.normalize("NFC", tag)
    if len(normal) > LONGEST or not _LEGAL.fullmatch(normal):
        raise InvalidTag(tag)
    return normal


def retagged(tags: tuple[str, ...], changes: Mapping[str, bool]) -> tuple[str, ...]:
    """Return tags after a change, each once.

    Args:
        tags: The tags before.
        changes: Tag → True to add it, False to remove it.
    """
    remaining = (tag for tag in tags if changes.get(tag, True))
    return tuple(dict.fromkeys((*remaining, *(tag for tag, add in changes.items() if add))))
