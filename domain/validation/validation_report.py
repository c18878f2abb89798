"""ValidationReport: the result of a data validator, in the same form for every tool."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, cast

Kind = Literal["profile", "check", "compare"]
"""The method of the data validator that made a report."""
KINDS: tuple[Kind, ...] = ("profile", "check", "compare")

MOST_CHECKS = 200
"""The most checks that a report lists; the failed ones come first."""
MOST_COLUMNS = 200
"""The most columns of which a report has statistics."""
MOST_METRICS = 500
_LONGEST_NAME = 100
"""Characters of a name."""
_LONGEST = 300
"""Characters of a problem."""
_MOST_EXAMPLES, _LONGEST_EXAMPLE = 5, 60
_IN_SUMMARY = 3
"""How many failed checks the summary names."""

Statistic = float | str | None


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the data, such as a range that a column must stay within.

    Attributes:
        name: What was checked, such as "in_range(0, 120)" or "drift".
        column: The column; empty for the table as a whole.
        passed: Whether the data passed.
        value: The number that was compared with a threshold; None if there is none.
        threshold: That threshold; None if there is none.
        problem: Why it failed, in one line without any value of the data; empty if it passed.
        examples: A few of the values that failed, as texts.
    """

    name: str
    column: str = ""
    passed: bool = True
    value: float | None = None
    threshold: float | None = None
    problem: str = ""
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        bounded = {
            "name": one_line(self.name, _LONGEST_NAME),
            "column": one_line(self.column, _LONGEST_NAME),
            "value": _number(self.value),
            "threshold": _number(self.threshold),
            "problem": one_line(self.problem, _LONGEST),
            "examples": tuple(
                one_line(each, _LONGEST_EXAMPLE) for each in self.examples[:_MOST_EXAMPLES]
            ),
        }
        for name, value in bounded.items():
            object.__setattr__(self, name, value)

    @property
    def text(self) -> str:
        """The check in one line, such as "age: in_range(0, 120): 2 of 300 rows"."""
        return ": ".join(filter(None, (self.column, self.name, self.problem)))


@dataclass(frozen=True)
class ValidationReport:
    """What a data validator found out about data; made by `ValidationReport.of`.

    Attributes:
        kind: The method that made it: "profile", "check" or "compare".
        passed: Whether no check failed; a profile has no checks, and passes.
        checks: At most 200 of them, the failed ones first.
        total: The number of all checks.
        failed: The number of all failed checks.
        metrics: Name → number, such as "rows" or "drift_share"; without NaN and infinity.
        columns: Column → its statistics, such as "type", "missing", "mean" or "drift".
        tool: The name of the tool, such as "pandera".
        version: The version of the tool.
        expectations: What a profile suggests to check other data against, as a text that
            `DataValidator.read_expectations` reads; empty if the tool suggests nothing.
        html: The page that the tool makes of its result, which may need scripts; empty if it makes
            none.
    """

    kind: Kind
    passed: bool
    checks: tuple[Check, ...] = ()
    total: int = 0
    failed: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, Statistic]] = field(default_factory=dict)
    tool: str = ""
    version: str = ""
    expectations: str = field(default="", repr=False)
    html: str = field(default="", repr=False)

    @classmethod
    def of(
        cls,
        kind: Kind,
        checks: Iterable[Check] = (),
        *,
        metrics: Mapping[str, float | None] | None = None,
        columns: Mapping[str, Mapping[str, Any]] | None = None,
        tool: str,
        version: str = "",
        expectations: str = "",
        html: str = "",
    ) -> Self:
        """Make a report: counts and orders the checks, and bounds names and numbers.

        Args:
            kind: The method that was called.
            checks: All checks.
            metrics: Name → number; what is not finite is left out.
            columns: Column → its statistics: numbers or texts.
            tool: The name of the tool.
            version: The version of the tool.
            expectations: What a profile suggests, as a text.
            html: The page that the tool makes.
        """
        ordered = sorted(checks, key=lambda each: each.passed)
        failed = sum(not each.passed for each in ordered)
        found = {"checks": len(ordered), "failed_checks": failed, **(metrics or {})}
        numbers = {
            one_line(name, _LONGEST_NAME): number
            for name, value in found.items()
            if (number := _number(value)) is not None
        }
        shown = [*(columns or {}).items()][:MOST_COLUMNS]
        return cls(
            kind=kind,
            passed=not failed,
            checks=tuple(ordered[:MOST_CHECKS]),
            total=len(ordered),
            failed=failed,
            metrics=dict([*numbers.items()][:MOST_METRICS]),
            columns={
                one_line(name, _LONGEST_NAME): {key: _statistic(each) for key, each in of.items()}
                for name, of in shown
            },
            tool=tool,
            version=version,
            expectations=expectations,
            html=html,
        )

    @property
    def failures(self) -> tuple[Check, ...]:
        """The failed checks among `checks`."""
        return tuple(each for each in self.checks if not each.passed)

    @property
    def more(self) -> int:
        """The number of checks that are not listed."""
        return self.total - len(self.checks)

    @property
    def summary(self) -> str:
        """The result in one line, without any value of the data."""
        if self.kind == "profile":
            rows, columns = self.metrics.get("rows"), self.metrics.get("columns")
            sizes = [(rows, "row"), (columns, "column")]
            texts = [f"{int(n):,} {noun}{'s' * (n != 1)}" for n, noun in sizes if n is not None]
            return ", ".join(texts) or "a profile"
        count = f"{self.total:,} check{'s' * (self.total != 1)}"
        if self.passed:
            return f"{count} passed" if self.total else "nothing was checked"
        named = [each.text for each in self.failures[:_IN_SUMMARY]]
        left = self.failed - len(named)
        rest = [f"and {left:,} more"] if left else []
        return f"{self.failed:,} of {count} failed: {'; '.join(named + rest)}"

    def record(self) -> dict[str, Any]:
        """Return the report as plain values, without `html`."""
        record = asdict(self)
        del record["html"]
        return record

    def to_json(self) -> str:
        """Return the report as JSON, without `html`."""
        return json.dumps(self.record(), ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes, html: str = "") -> Self:
        """Read a report that `to_json` wrote.

        Args:
            text: The JSON.
            html: The page that the tool made.

        Raises:
            ValueError: It is no report.
        """
        try:
            record = dict(json.loads(text))
            record["checks"] = tuple(
                Check(**{**each, "examples": tuple(each["examples"])}) for each in record["checks"]
            )
            report = cls(**record, html=html)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"it is no validation report: {error}") from error
        if report.kind not in KINDS:
            raise ValueError(f"it is no validation report: its kind is {report.kind!r:.80}")
        return report


def one_line(text: object, most: int) -> str:
    """Return a text in one line that can be recorded, cut after a number of characters."""
    line = " ".join(str(text).split()).replace("\0", "\\0")
    line = line.encode(errors="backslashreplace").decode()
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _number(value: Any) -> float | None:
    """A number as Python's own; None for what is missing or not finite."""
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return cast(float, int(number)) if number.is_integer() and abs(number) < 2**53 else number


def _statistic(value: Any) -> Statistic:
    if value is None or isinstance(value, str):
        return value if value is None else one_line(value, _LONGEST_NAME)
    return _number(value)
