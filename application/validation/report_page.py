"""The page of a validation report: HTML without scripts, links or anything from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape

from stackfold.domain.validation.validation_report import Check, ValidationReport

_TITLES = {"profile": "Profile", "check": "Check", "compare": "Comparison"}
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:14px/1.45 system-ui,sans-serif;margin:1.25em;max-width:75em}"
    "h1{font-size:1.25em;margin:0 0 .25em}h2{font-size:1.05em;margin:1.5em 0 .4em}"
    "table{border-collapse:collapse}caption{text-align:left}"
    "th,td{text-align:left;vertical-align:top;padding:.25em .9em .25em 0;"
    "border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);"
    "overflow-wrap:anywhere}"
    "td.number{text-align:right;font-variant-numeric:tabular-nums}"
    ".failed{font-weight:600}p{margin:.25em 0}.scroll{overflow-x:auto}"
)
_PER_COLUMN = 12
"""The most statistics of a column that are shown."""


def report_page(report: ValidationReport) -> str:
    """Return a report as an HTML document of less than 1 MiB.

    Args:
        report: The report.
    """
    title = f"{_TITLES[report.kind]}: {report.summary.partition(':')[0]}"
    tool = " ".join(filter(None, (report.tool, report.version)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(tool)}</p>"
        f"{_checks(report)}{_numbers(report)}{_columns(report)}"
        "</body></html>\n"
    )


def report_body(report: ValidationReport) -> str:
    """Return the tables of a report, to be shown in a notebook.

    Args:
        report: The report.
    """
    return f"{_checks(report)}{_numbers(report)}{_columns(report)}"


def _checks(report: ValidationReport) -> str:
    if not report.checks:
        return ""
    more = f"<p>and {report.more:,} more</p>" if report.more else ""
    titles = ("", "column", "check", "value", "threshold", "problem", "examples")
    return f"<h2>Checks</h2>{_table(titles, map(_check, report.checks))}{more}"


def _check(check: Check) -> list[str]:
    return [
        _cell("passed") if check.passed else '<td class="failed">failed</td>',
        _cell(check.column),
        _cell(check.name),
        _cell(check.value),
        _cell(check.threshold),
        _cell(check.problem),
        _cell(", ".join(check.examples)),
    ]


def _numbers(report: ValidationReport) -> str:
    if not report.metrics:
        return ""
    rows = ([_cell(name), _cell(value)] for name, value in report.metrics.items())
    return f"<h2>Numbers</h2>{_table(('', ''), rows)}"


def _columns(report: ValidationReport) -> str:
    if not report.columns:
        return ""
    names = [*dict.fromkeys(name for each in report.columns.values() for name in each)]
    shown = names[:_PER_COLUMN]
    rows = (
        [_cell(column), *(_cell(of.get(name)) for name in shown)]
        for column, of in report.columns.items()
    )
    return f"<h2>Columns</h2>{_table(('column', *shown), rows)}"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in titles)
    head = f"<thead><tr>{head}</tr></thead>" if any(titles) else ""
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
        return f'<td class="number">{number}</td>'
    return f"<td>{'' if value is None else escape(str(value))}</td>"
