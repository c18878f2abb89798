"""Values as JSON: views become objects."""

import json
from collections.abc import Mapping
from typing import Any

from stackfold.application.runs.run_views import readable


def plain(value: Any) -> Any:
    """A value, at any depth, as JSON can represent it.

    Args:
        value: A view, a list of views, or what views contain.
    """
    if value is None or isinstance(value, str | bool):
        return value
    fields = getattr(value, "_fields", None)
    if fields is not None and isinstance(value, tuple):
        return {field: plain(each) for field, each in zip(fields, value, strict=True)}
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return readable(value)


def encoded(value: Any) -> bytes:
    """A value as JSON text in UTF-8; characters that UTF-8 lacks become question marks."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace")
