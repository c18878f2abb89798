"""Runs Evidently, and reads its results."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from stackfold.domain.errors import ValidatorFailed
from stackfold.domain.errors.wording import text_of
from stackfold.domain.validation.validation_report import one_line
from stackfold.infrastructure.flavors.evidently.prepared_table import Prepared

_DATA_LINE = re.compile(r"^\s*(?:var|let|const)\s+\w+\s*=\s*[{\[].*$", re.MULTILINE)
"""A line of Evidently's page with data as JSON, in a script."""


class Drift(NamedTuple):
    """The drift of one column."""

    score: float | None
    method: str
    threshold: float | None
    drifted: bool


@contextmanager
def failing_as(flavor: str, method: str) -> Iterator[None]:
    """Silence warnings of Evidently and its libraries, and turn what they raise into one line.

    Raises:
        ValidatorFailed: Evidently raised an error.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:  # of pandas, scipy, sklearn or Evidently
        problem = one_line(f"{type(error).__name__}: {text_of(error)}", 200)
        raise ValidatorFailed(flavor, method, problem) from error


def run(metrics: Sequence[Any], tables: Prepared, default_tests: bool = False) -> Any:
    """Return Evidently's snapshot of one table, or of a table and its reference.

    Args:
        metrics: Metrics and presets of Evidently.
        tables: The tables.
        default_tests: Whether metrics without tests have those that Evidently thinks fit.
    """
    from evidently import DataDefinition, Dataset, Report

    definition = DataDefinition(
        numerical_columns=tables.numerical, categorical_columns=tables.categorical
    )
    data, *reference = (
        Dataset.from_pandas(frame, data_definition=definition) for frame in tables.frames
    )
    return Report([*metrics], include_tests=default_tests).run(data, *reference or [None])


def drifts(result: Mapping[str, Any]) -> dict[str, Drift]:
    """Column → its drift, from the dictionary of a snapshot.

    Args:
        result: The dictionary.
    """
    failed = {
        test["metric_config"]["params"].get("column")
        for test in result["tests"]
        if test["id"] == "drift" and str(getattr(test["status"], "value", "")) == "FAIL"
    }
    found = {}
    for metric in result["metrics"]:
        facts = metric["config"]
        if str(facts["type"]).endswith(":ValueDrift"):
            column = facts["column"]
            score, limit = metric["value"], facts.get("threshold")
            found[column] = Drift(score, str(facts.get("method", "")), limit, column in failed)
    return found


def page(snapshot: Any, texts: Sequence[str]) -> str:
    """Return Evidently's page, in which data cannot become markup; empty if it could.

    Evidently writes names of columns and categories into a script as JSON, where "</script>"
    would end the script.

    Args:
        snapshot: The snapshot.
        texts: The names and categories that the page may contain.
    """
    html: str = snapshot.get_html_str(as_iframe=False)
    html = _DATA_LINE.sub(lambda line: line[0].replace("<", "\\u003c"), html)
    if any("<" in text and text in html for text in texts):
        return ""  # written differently by another version of Evidently
    return html.strip()
