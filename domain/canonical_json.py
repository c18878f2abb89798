"""Canonical JSON: equal values become equal texts, to compare and to compute digests of."""

import json
from collections.abc import Callable
from typing import Any


def canonical_json(
    value: Any,
    *,
    ascii: bool = False,
    spaces: bool = False,
    default: Callable[[Any], Any] | None = None,
) -> str:
    """A value as JSON with sorted keys.

    Stored digests and rows depend on the exact text: their callers never change their form.

    Args:
        value: What JSON can represent, or `default` can convert.
        ascii: Escape every character beyond ASCII.
        spaces: Write a space after each comma and colon.
        default: Converts a value that JSON cannot represent into one that it can.

    Raises:
        TypeError: JSON cannot represent the value.
    """
    separators = (", ", ": ") if spaces else (",", ":")
    return json.dumps(
        value, sort_keys=True, ensure_ascii=ascii, separators=separators, default=default
    )
