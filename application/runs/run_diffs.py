"""RunDiffs: compares two runs, and lists the changes made in between."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.history.differences import differences
from stackfold.application.history.views import HistoryEntry
from stackfold.application.runs.run_views import RunDescription, RunQueries, RunView, StepView
from stackfold.domain.exact_json.display import plain_or_text, readable
from stackfold.domain.stacks.component_type import ComponentType


class RunDifference(NamedTuple):
    """A field in which two runs differ; None where a run does not have it."""

    about: str
    """"outcome", "stack", "configuration", "flavor", "code", "parameters", "inputs", "outputs",
    "packages" or "python"."""
    field: str
    before: Any
    after: Any


class RunDiff(NamedTuple):
    """How one run differs from another."""

    before: RunView
    after: RunView
    differences: list[RunDifference]
    changes: list[HistoryEntry]
    """Changes of their stacks and components between the starts of the two runs, newest first."""


class Changes(Protocol):
    """Reads changes of stacks and components."""

    def between(
        self, stacks: Sequence[str], components: Sequence[str], after: int, before: int
    ) -> list[HistoryEntry]:
        """List the changes between two positions, newest first.

        Args:
            stacks: Ids of stacks. Their changes and those of components they contained at the time
                are listed; with several stacks, activations are listed too.
            components: Ids of further components.
            after: The earlier position, exclusive.
            before: The later position, exclusive.
        """
        ...


class RunDiffs:
    """Compares runs."""

    def __init__(self, queries: RunQueries, changes: Changes) -> None:
        """Create the service.

        Args:
            queries: Reads runs.
            changes: Reads changes between runs.
        """
        self._queries = queries
        self._changes = changes

    def diff(self, before: str, after: str) -> RunDiff:
        """Compare two runs, each given by a reference as in `Runs`.

        Raises:
            NotFound: A run does not exist.
            Ambiguous: A reference is a prefix of several.
        """
        runs = self._queries.describe_run(before), self._queries.describe_run(after)
        first, last = sorted(run.position for run in runs)
        return RunDiff(
            _view(runs[0]),
            _view(runs[1]),
            _differences(*runs),
            self._changes.between(
                sorted({run.pin["stack_id"] for run in runs}),
                sorted({each["id"] for run in runs for _, each in _components(run)}),
                first,
                last,
            ),
        )


def _view(run: RunDescription) -> RunView:
    return RunView(**{field: getattr(run, field) for field in RunView._fields})


def _differences(before: RunDescription, after: RunDescription) -> list[RunDifference]:
    # Steps that did not complete in both runs are compared only by the graph.
    ended = {each.name for each in before.steps if _has_ended(each)}
    ended &= {each.name for each in after.steps if _has_ended(each)}
    # Parameters recorded by an older version are less exact: compare them as plain JSON.
    shown: Show = plain_or_text if before.parameter_form == after.parameter_form else readable
    one, other = _facts(before, ended, shown), _facts(after, ended, shown)
    if _code_form(before) != _code_form(after):
        # Digests of different forms cannot be compared.
        one["code"], other["code"] = {"source": before.source}, {"source": after.source}
    return [
        RunDifference(about, *change)
        for about in one
        for change in differences(one[about], other[about])
    ]


def _code_form(run: RunDescription) -> set[int]:
    return {each.code_form for each in run.steps}


def _has_ended(step: StepView) -> bool:
    return step.status in ("completed", "cached")


Show = Callable[[Any], Any]
"""Converts the value of a parameter to what is compared and shown."""


def _facts(run: RunDescription, ended: set[str], show: Show) -> dict[str, dict[str, Any]]:
    """Return what runs are compared by: subject → field → value."""
    steps = [each for each in run.steps if each.name in ended]
    environment = run.environment
    return {
        "outcome": {"status": run.status, "error": run.error or None, **_outcomes(run)},
        "stack": _stack(run),
        "configuration": {
            f"{title}.{attribute}": value
            for title, component in _components(run)
            for attribute, value in sorted(component["configuration"].items())
        },
        "flavor": {
            f"{title}.{field}": component[field]
            for title, component in _components(run)
            for field in ("flavor", "flavor_version", "source")
        },
        "code": {"source": run.source, **{each.name: each.code for each in run.steps}},
        "parameters": {
            **{name: show(value) for name, value in run.parameters.items()},
            **{
                f"{each.name}.{name}": show(value)
                for each in steps
                for name, value in each.parameters.items()
            },
        },
        "inputs": _inputs(run, steps),
        "outputs": {
            f"{each.name}.{output.name}": output.digest for each in steps for output in each.outputs
        },
        "packages": environment["packages"],
        "python": {
            "version": environment["python"],
            "implementation": environment["implementation"],
            "platform": environment["platform"],
        },
    }


def _outcomes(run: RunDescription) -> dict[str, Any]:
    # Cached or executed, the outcome is the same.
    return {
        each.name: "completed" if each.status == "cached" else each.status for each in run.steps
    }


def _stack(run: RunDescription) -> dict[str, Any]:
    fields: dict[str, Any] = {"stack": run.stack, "revision": run.stack_revision}
    for type, group in run.pin["components"].items():
        fields[type] = ", ".join(component["name"] for component in group)
    revisions = {f"{title}.revision": each["revision"] for title, each in _components(run)}
    return fields | revisions


def _components(run: RunDescription) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the pinned components, each with its title in the comparison."""
    return [
        (f"{type}[{each['name']}]" if ComponentType(type).several_per_stack else type, each)
        for type, group in run.pin["components"].items()
        for each in group
    ]


def _inputs(run: RunDescription, steps: Sequence[StepView]) -> dict[str, Any]:
    """Step and input → the digest of its value."""
    digests = {output.id: output.digest for each in run.steps for output in each.outputs}
    return {
        f"{step.name}.{name}": digests.get(id) for step in steps for name, id in step.inputs.items()
    }
