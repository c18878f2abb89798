"""Rules on metrics that a version must meet, such as `auc >= 0.9 and auc > production.auc`.

The grammar is that of `application.runs.where`, for metrics only; a rule is never evaluated as
Python. A name before the operator is a metric of the version that is promoted: `auc` of any step,
or `evaluate.auc` of one. The value after it is a number, or an alias and a metric of the version
that the alias stands for. The gate of an alias may also name functions, as `module:function`.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from stackfold.application.runs.metrics import Metric
from stackfold.application.runs.where import OPERATORS, Token, conditions, invalid, number_of, parts
from stackfold.application.runs.where import subject_and_name as subject_and_name_of
from stackfold.domain.models.alias import valid_alias

_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_LONGEST_FUNCTION = 200
_EXAMPLE = 'such as "auc >= 0.9 and auc > production.auc"'
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


class Condition(NamedTuple):
    """A condition of a rule."""

    metric: str
    operator: str
    number: float | None
    """The number to compare with; None to compare with the metric of another version."""
    alias: str = ""
    other: str = ""
    """The metric of the version that the alias stands for."""

    @property
    def text(self) -> str:
        """The condition as it is written."""
        value = f"{self.alias}.{self.other}" if self.number is None else f"{self.number:g}"
        return f"{self.metric} {self.operator} {value}"


class Incumbent(NamedTuple):
    """A version that an alias stands for."""

    number: int
    metrics: Sequence[Metric]


class Finding(NamedTuple):
    """Whether a condition is met, and the values that were compared."""

    passed: bool
    text: str


class ParsedGate(NamedTuple):
    """The gate of an alias."""

    conditions: tuple[Condition, ...] = ()
    functions: tuple[str, ...] = ()
    """The names of functions, as "module:function"."""


def parse_gate(text: str) -> ParsedGate:
    """Parse the gate of an alias: conditions on metrics and names of functions, joined by "and".

    Raises:
        Invalid: It is no gate, or too long.
        InvalidAlias: It names an alias that breaks the rule for aliases.
    """
    metrics, functions = [], []
    for part in parts(text, _EXAMPLE, is_function_name):
        match part:
            case [name, sign, value]:
                metrics.append(_condition(text, name, sign, value))
            case [function, *_]:
                functions.append(function.text)
    if not metrics and not functions:
        raise invalid(text, f"write at least one condition, {_EXAMPLE}")
    return ParsedGate(tuple(metrics), tuple(dict.fromkeys(functions)))


def is_function_name(text: str) -> bool:
    """Whether a text has the form "module:function"."""
    return len(text) <= _LONGEST_FUNCTION and _FUNCTION.fullmatch(text) is not None


def parse_rule(text: str) -> tuple[Condition, ...]:
    """Parse a rule.

    Raises:
        Invalid: It is no rule on metrics, or too long.
        InvalidAlias: It names an alias that breaks the rule for aliases.
    """
    found = [_condition(text, *each) for each in conditions(text, _EXAMPLE)]
    if not found:
        raise invalid(text, f"write at least one condition, {_EXAMPLE}")
    return tuple(found)


def _condition(text: str, name: Token, sign: Token, value: Token) -> Condition:
    subject, metric = subject_and_name_of(name.text)
    if subject != "metric":
        raise invalid(text, f"{name.text!r:.60} is no metric: a gate compares metrics")
    number = number_of(value.text) if value.kind == "word" else None
    alias, dot, other = value.text.partition(".")
    if number is None and not (dot and other):
        problem = f"compare {metric!r:.60} with a number, or with ALIAS.METRIC, {_EXAMPLE}"
        raise invalid(text, problem)
    of = () if number is not None else (valid_alias(alias), other)
    return Condition(metric, OPERATORS[sign.text], number, *of)


def judge(
    rule: Sequence[Condition], metrics: Sequence[Metric], incumbents: Mapping[str, Incumbent]
) -> list[Finding]:
    """What each condition of a rule finds.

    A metric that is missing or not a number fails. The comparison with an alias that stands for no
    version passes.

    Args:
        rule: The conditions.
        metrics: The metrics of the version that is to be promoted.
        incumbents: Alias → the version that it stands for.
    """
    return [_judged(each, metrics, incumbents) for each in rule]


def _judged(
    wanted: Condition, metrics: Sequence[Metric], incumbents: Mapping[str, Incumbent]
) -> Finding:
    value = _value(metrics, wanted.metric)
    if isinstance(value, str):
        return Finding(False, f"{wanted.text}: {value}")
    other: float | str
    if wanted.number is not None:
        other = wanted.number
    else:
        incumbent = incumbents.get(wanted.alias)
        if incumbent is None:
            return Finding(True, f"{wanted.text}: no version is {wanted.alias}")
        other = _value(incumbent.metrics, wanted.other)
        if isinstance(other, str):
            return Finding(False, f"{wanted.text}: {wanted.alias} is {incumbent.number}, {other}")
    passed = _COMPARE[wanted.operator](value, other)
    compared = f"{value:g} {wanted.operator} {other:g}"
    return Finding(passed, f"{wanted.text}: {compared} is {'true' if passed else 'false'}")


def _value(metrics: Sequence[Metric], name: str) -> float | str:
    """The value of a metric, or why it has none."""
    step, _, rest = name.partition(".")
    found = [
        each for each in metrics if each.name == name or (each.step, each.name) == (step, rest)
    ]
    if not found:
        return f"{name} is missing"
    if len(found) > 1:
        steps = " or ".join(f"{each.step}.{name}" for each in found if each.step)
        return f"{name} was logged by several steps: write {steps}"
    value = found[0].value
    return value if isfinite(value) else f"{name} is {value}"
