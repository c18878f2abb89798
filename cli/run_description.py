"""Prints what is recorded of a run: its fields, its steps, and the components that it used."""

import sys
from collections.abc import Mapping
from typing import Any

from stackfold.cli.render import show_one
from stackfold.cli.run_list import rounded
from stackfold.cli.table import table
from stackfold.cli.times import took

_FIRST = (
    "id", "name", "pipeline", "status", "stack", "stack_revision", "started", "ended", "duration",
    "by", "why", "error", "source", "parameters", "metrics", "tags", "metadata", "rerun_of",
    "artifacts", "returns", "fingerprint",
)  # fmt: skip
"""The fields at the top of a description; steps and pin follow as tables."""
_IF_ANY = {"metrics", "artifacts", "returns"}
"""Those that are only shown if the run has any."""


def show_description(described: dict[str, Any]) -> None:
    """Print the fields of a run and its steps."""
    described["artifacts"] = {
        **described["references"],
        **{text: exact for step in described["steps"] for text, exact in step["used"].items()},
    }
    described["returns"] = _returned(described["returns"])
    fields = [field for field in _FIRST if field not in _IF_ANY or described[field]]
    metrics = {metric: rounded(value) for metric, value in described["metrics"].items()}
    show_one({**described, "metrics": metrics, "duration": took(described)}, fields)
    _show_steps(described["steps"])


def _show_steps(steps: list[dict[str, Any]]) -> None:
    rows = [
        {
            **step,
            "outputs": [*map(_reference, step["outputs"])],
            "saved": _latest_saved(step["saved"]),
            "duration": took(step),
        }
        for step in steps
    ]
    columns = ["name", "status", "started", "step_operator", "outputs", "duration"]
    if any(step["tags"] for step in steps):
        columns.insert(5, "tags")
    if any(step["saved"] for step in steps):
        columns.insert(5, "saved")
    if any(step["error"] for step in steps):
        columns.insert(2, "error")  # the exception, or why it was skipped
    sys.stdout.write("\nsteps\n" + table(rows, columns, ("name", "status", "duration"))[0])


def _reference(artifact: Mapping[str, Any]) -> str:
    """The reference of an artifact."""
    return "{pipeline}/{step}/{name}@{version}".format_map(artifact)


def _latest_saved(saved: list[dict[str, Any]]) -> list[str]:
    """The names under which a step saved artifacts, each with its latest version."""
    latest = {each["own_name"]: each["own_version"] for each in saved}
    return [f"{name}@{version}" for name, version in latest.items()]


def _returned(returns: Mapping[str, Any] | None) -> Any:
    """What the pipeline returned: steps and outputs, by key in a dictionary."""
    if returns is None:
        return None
    outputs = {each["key"]: "{step}/{output}".format_map(each) for each in returns["outputs"]}
    return outputs if returns["kind"] == "dict" else [*outputs.values()]


def show_pin(pin: Mapping[str, Any]) -> None:
    """Print the components that a run was pinned to."""
    rows = [each for components in pin["components"].values() for each in components]
    columns = ("type", "name", "flavor", "revision", "configuration")
    sys.stdout.write("\ncomponents\n" + table(rows, columns, columns[:4])[0])
