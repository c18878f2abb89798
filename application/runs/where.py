"""Conditions on runs as a text, such as `auc > 0.9 and param.lr <= 0.1 and tag = nightly`.

The names of the grammar:

    auc, train.auc       a metric, of any step or of one; metric.NAME if the name is a column's too
    param.lr             a parameter of the pipeline; param.train.lr of the step "train"
    metadata.data        metadata of the run; metadata.train.data of the step "train"
    tag                  a tag; only with = and !=
    pipeline, stack, …   a column; started and ended are compared with a time, a date or an age (2h)
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Literal, NamedTuple, cast

from stackfold.domain.errors import Invalid

Operator = Literal[">", ">=", "<", "<=", "=", "!="]
Subject = Literal["column", "metric", "param", "metadata", "tag"]

COLUMNS = (
    "pipeline", "stack", "stack_revision", "status", "by", "name", "id", "started", "ended",
    "schedule",
)  # fmt: skip
LONGEST = 2000
MOST = 20
"""The largest number of conditions."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>[<>=!]+)|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|"""
    r"""(?P<word>[^\s<>=!"']+))"""
)
OPERATORS: Mapping[str, Operator] = {
    ">": ">",
    ">=": ">=",
    "<": "<",
    "<=": "<=",
    "=": "=",
    "==": "=",
    "!=": "!=",
}
_TIMES = {"started", "ended"}
_BEGIN_OF_TIME = re.compile(r"\d{4}(-\d\d)?")
_EXAMPLE = 'such as "auc > 0.9 and param.lr <= 0.1"'


class Comparison(NamedTuple):
    """A condition on runs."""

    subject: Subject
    name: str
    """The column, metric, parameter or metadata, possibly after a step and a dot."""
    operator: Operator
    text: str
    """The value to compare with."""
    number: float | None
    """The value as a number; None if it is none, or was quoted."""


class Token(NamedTuple):
    """A word, a quoted text or an operator."""

    kind: str
    text: str


def parse_where(text: str) -> tuple[Comparison, ...]:
    """Parse conditions; an empty text has none.

    Args:
        text: Such as "auc > 0.9 and pipeline = train". A name or value with spaces or operators
            is quoted by ' or ".

    Raises:
        Invalid: It is not of this form, or too long.
    """
    return tuple(_comparison(text, *each) for each in conditions(text))


def conditions(text: str, example: str = _EXAMPLE) -> list[tuple[Token, Token, Token]]:
    """Split conditions that are joined by "and" into a name, an operator and a value each.

    Args:
        text: The conditions; an empty text has none.
        example: An example for messages.

    Raises:
        Invalid: It is not of this form, or too long.
    """
    return [(name, sign, value) for name, sign, value in parts(text, example)]


def parts(
    text: str, example: str = _EXAMPLE, is_whole: Callable[[str], bool] = lambda word: False
) -> list[tuple[Token, ...]]:
    """Split conditions that are joined by "and", some of which may consist of a single word.

    Args:
        text: The conditions; an empty text has none.
        example: An example for messages.
        is_whole: Whether a word is a condition of its own.

    Returns:
        The tokens of each condition: a name, an operator and a value, or one word.

    Raises:
        Invalid: It is not of this form, or too long.
    """
    if len(text) > LONGEST:
        raise Invalid(f"a condition has {len(text)} characters: give at most {LONGEST}")
    tokens = _tokens(text)
    found, begin = [], 0
    while begin < len(tokens):
        whole = tokens[begin].kind == "word" and is_whole(tokens[begin].text)
        end = begin + (1 if whole else 3)
        part = tokens[begin:end]
        if not whole and [each.kind == "operator" for each in part] != [False, True, False]:
            raise invalid(text, f"write NAME OPERATOR VALUE, {example}")
        if end < len(tokens) and (tokens[end].kind != "word" or tokens[end].text.lower() != "and"):
            raise invalid(text, f'join conditions by "and", {example}')
        if end + 1 == len(tokens):
            raise invalid(text, 'write a condition after the last "and"')
        if not whole and part[1].text not in OPERATORS:
            raise invalid(text, f"use one of {', '.join(dict.fromkeys(OPERATORS.values()))}")
        found.append(tuple(part))
        begin = end + 1
    if len(found) > MOST:
        raise invalid(text, f"give at most {MOST} conditions")
    return found


def subject_and_name(text: str) -> tuple[Subject, str]:
    """What a name of the grammar refers to."""
    prefix, dot, rest = text.partition(".")
    if dot and rest and prefix in {"metric", "param", "metadata"}:
        return cast(Subject, prefix), rest
    if text == "tag":
        return "tag", text
    return ("column" if text in COLUMNS else "metric"), text


def _tokens(text: str) -> list[Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise invalid(text, "a quotation mark has no second one")
        kind = match.lastgroup or ""
        found.append(Token(kind, match[kind]))
        at = match.end()
    return found


def _comparison(text: str, name: Token, operator: Token, value: Token) -> Comparison:
    subject, what = subject_and_name(name.text)
    sign = OPERATORS[operator.text]
    number = number_of(value.text) if value.kind == "word" else None
    if number is None and (subject == "metric" or what == "stack_revision"):
        of = "a metric" if subject == "metric" else "a number"
        hint = "" if subject != "metric" else f"; for a parameter, write param.{what}"
        raise invalid(text, f"{what!r:.60} is {of}: compare it with a number{hint}")
    if subject == "tag" and sign not in {"=", "!="}:
        raise invalid(text, "compare a tag by = or !=")
    if subject == "column" and what in _TIMES:
        return Comparison(subject, what, sign, _time(text, what, value.text), None)
    return Comparison(subject, what, sign, value.text, number)


def _time(text: str, column: str, value: str) -> str:
    """A point in time as it is recorded; a year or month is the beginning of a time."""
    if _BEGIN_OF_TIME.fullmatch(value):
        return value
    from stackfold.application.eventsourcing.as_of import Time, parse_as_of
    from stackfold.domain.errors import InvalidAsOf

    try:
        match parse_as_of(value):
            case Time(time):
                return time
    except InvalidAsOf:
        pass
    raise invalid(
        text, f"{column} is a time: compare it with a time, a date, yesterday or an age such as 2h"
    )


def number_of(text: str) -> float | None:
    """The finite number that a word is; None if it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and "_" not in text else None


def invalid(text: str, what: str) -> Invalid:
    """The error for conditions that are not valid.

    Args:
        text: The conditions.
        what: What is wrong, or what to do.
    """
    return Invalid(f"the condition {text!r:.200} is not valid: {what}")
