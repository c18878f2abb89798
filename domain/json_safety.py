"""JSON safety: which values JSON represents exactly, and can therefore be recorded."""

import math
from typing import Any

from stackfold.domain.errors.wording import with_article
from stackfold.domain.limits import DEPTH

_LARGEST_INTEGER = 2**63


def why_not_json(value: Any, depth: int = 0) -> str:
    """Return the part of a value that JSON cannot represent, such as "the number nan".

    Args:
        value: Any value.
        depth: How deeply it is nested in another value.

    Returns:
        A description of the first such part; empty if there is none.
    """
    kind = type(value)
    if kind is bool or value is None:
        return ""
    if kind is int:
        return "" if -_LARGEST_INTEGER <= value < _LARGEST_INTEGER else "an integer over 64 bits"
    if kind is float:
        return "" if math.isfinite(value) else f"the number {value}"
    if kind is str:
        return "" if _is_text(value) else "a text with a lone surrogate"
    if depth > DEPTH and kind in (list, tuple, dict):
        return f"values nested more than {DEPTH} deep"
    if kind is list or kind is tuple:
        return next(filter(None, (why_not_json(each, depth + 1) for each in value)), "")
    if kind is dict:
        odd = next((key for key in value if type(key) is not str), None)
        if odd is not None:
            return f"the key {odd!r}"
        parts = (why_not_json(each, depth + 1) for each in (*value, *value.values()))
        return next(filter(None, parts), "")
    return with_article(kind.__name__)


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
