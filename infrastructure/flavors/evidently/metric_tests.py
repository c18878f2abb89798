"""Evidently's metrics with tests: reads them from expectations, and their results."""

from collections.abc import Mapping, Sequence
from typing import Any

from stackfold.domain.validation.validation_report import Check

_ACTUAL = "Actual value"


def metrics_of(expectations: Any) -> list[Any] | None:
    """Return the metrics and presets in expectations; None if they are something else.

    Args:
        expectations: A list of metrics and presets, a single one, or a `Report`.
    """
    from evidently import Report
    from evidently.core.container import MetricContainer
    from evidently.core.metric_types import Metric

    if isinstance(expectations, Report):
        expectations = expectations.metrics
    if isinstance(expectations, Metric | MetricContainer):
        expectations = [expectations]
    if not isinstance(expectations, Sequence) or isinstance(expectations, str | bytes):
        return None
    found = [*expectations]
    known = all(isinstance(each, Metric | MetricContainer) for each in found)
    return found if found and known else None


def results(result: Mapping[str, Any]) -> list[Check]:
    """Return the results of Evidently's tests, from the dictionary of a snapshot.

    Args:
        result: The dictionary.
    """
    values = {metric["id"]: metric["value"] for metric in result["metrics"]}
    return [_check(test, values) for test in result["tests"]]


def _check(test: Mapping[str, Any], values: Mapping[str, Any]) -> Check:
    status = str(getattr(test["status"], "value", test["status"]))
    passed = status in {"SUCCESS", "WARNING"}
    facts = test["metric_config"]
    setting = test.get("test_config") or {}
    value = values.get(facts["metric_id"])
    if isinstance(value, Mapping):
        value = value.get("count") if test.get("bound_test", {}).get("is_count", True) else None
    actual = str(test["description"]).rpartition(": ")[2]
    problem = actual if actual.startswith(_ACTUAL) else f"Evidently reports {status.lower()}"
    return Check(
        name=str(test["name"]),
        column=str(facts["params"].get("column") or ""),
        passed=passed,
        value=value if isinstance(value, int | float) else None,
        threshold=setting.get("threshold", setting.get("expected")),
        problem="" if passed else problem,
    )
