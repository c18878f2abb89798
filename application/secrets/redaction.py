"""Redaction of secret values in everything that is recorded or shown.

Every value that this process has resolved is remembered, in memory only, and replaced in texts by
its reference, such as `{{aws.key}}`. So are the usual encodings of values: `repr`, JSON, percent
encoding, base64.
"""

import base64
import json
import re
from contextlib import suppress
from typing import Any, TypeVar

from stackfold.domain.errors.wording import text_of

SHORTEST = 4
"""Characters; shorter values are not redacted, as they occur in ordinary words."""

_LINE = 8
"""Characters; single lines of a multi-line value are redacted from this length on."""

ErrorT = TypeVar("ErrorT", bound=BaseException)

_shown: dict[str, str] = {}
"""An encoded value → the reference that replaces it."""
_pattern: re.Pattern[str] | None = None


def remember(value: str, reference: str) -> None:
    """Replace `value` by `reference` from now on."""
    global _pattern  # noqa: PLW0603  # what a process has seen is the process's
    new = {form: reference for form in _forms(value) if form not in _shown}
    if new:
        _shown.update(new)
        # The longest first: one value may be the beginning of another.
        forms = sorted(_shown, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, forms)))


def redacted(text: str) -> str:
    """Return a text with secret values replaced by their references."""
    if _pattern is None:
        return text
    return _pattern.sub(lambda found: _shown[found[0]], text)


def redacted_value(value: Any) -> Any:
    """Return a JSON value with secret values replaced by their references."""
    return value if _pattern is None else _in_value(value)


def longest() -> int:
    """Return the length of the longest encoded value, by which chunks of a text must overlap."""
    return max(map(len, _shown), default=0)


def beginning_of_secret(text: str) -> int:
    """Return the number of characters at the end of a text that may begin a secret value."""
    most = min(longest() - 1, len(text))
    return next(
        (n for n in range(most, 0, -1) if any(form.startswith(text[-n:]) for form in _shown)), 0
    )


def without_secrets(error: ErrorT) -> ErrorT:
    """Return an error without secret values in its text, notes and causes.

    It is the same error, or a RuntimeError with its text if that cannot be changed.
    """
    if _pattern is None:
        return error
    return _clean(error, set())  # type: ignore[no-any-return]


def _clean(error: BaseException, seen: set[int]) -> Any:
    if id(error) in seen:
        return error
    seen.add(id(error))
    cause, context = error.__cause__, error.__context__
    hidden = error.__suppress_context__
    if _has_secret(error):
        with suppress(Exception):
            error.args = tuple(map(_in_value, error.args))
        for name, value in list(getattr(error, "__dict__", {}).items()):
            with suppress(Exception):
                setattr(error, name, _in_value(value))
        if _has_secret(error):
            text = redacted(f"{type(error).__name__}: {text_of(error)}")
            error = RuntimeError(text).with_traceback(error.__traceback__)
    with suppress(Exception):
        error.__cause__ = cause and _clean(cause, seen)
        error.__context__ = context and _clean(context, seen)
        error.__suppress_context__ = hidden
    for part in getattr(error, "exceptions", ()):
        _clean(part, seen)
    return error


def _has_secret(error: BaseException) -> bool:
    said = [text_of(error), *_notes(error)]
    with suppress(Exception):
        said.append(repr(error))
    return any(redacted(text) != text for text in said)


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", None)
    return [each for each in notes if isinstance(each, str)] if isinstance(notes, list) else []


def _in_value(value: Any) -> Any:
    match value:
        case str():
            return redacted(value)
        case bytes():
            return redacted(value.decode("latin-1")).encode("latin-1", "replace")
        case list() | tuple() if type(value) in {list, tuple}:
            return type(value)(map(_in_value, value))
        case dict():
            return {_in_value(key): _in_value(each) for key, each in value.items()}
    return value


def _forms(value: str) -> set[str]:
    lines = [line for line in value.splitlines() if len(line) >= _LINE]
    forms = set()
    for text in {value, *lines}:
        data = text.encode(errors="surrogatepass")
        forms |= {
            text,
            repr(text)[1:-1],
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            "".join(chr(each) if _is_plain(each) else f"%{each:02X}" for each in data),
            base64.b64encode(data).decode().rstrip("="),
            base64.urlsafe_b64encode(data).decode().rstrip("="),
        }
    return {form for form in forms if len(form) >= SHORTEST}


def _is_plain(byte: int) -> bool:
    return (chr(byte).isalnum() and byte < 128) or chr(byte) in "-._~"
