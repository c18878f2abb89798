"""The rule for the names of stacks, components, flavors, pipelines and steps."""

import re
import unicodedata

from stackfold.domain.errors import InvalidName

LONGEST = 64
_LEGAL = re.compile(r"[^\W_][\w.\-]*")


def valid_name(kind: str, name: str) -> str:
    """Return `name` in Unicode normal form C, the form in which names are compared.

    Args:
        kind: The kind of the named thing for the error, such as "stack" or "orchestrator".
        name: 1 to 64 characters: a letter or a digit, then letters, digits, `.`, `_`, `-`.

    Raises:
        InvalidName: The name breaks that rule.
    """
    normal = unicodedata.normalize("NFC", name)
    if len(normal) > LONGEST or not _LEGAL.fullmatch(normal):
        raise InvalidName(kind, name)
    return normal
