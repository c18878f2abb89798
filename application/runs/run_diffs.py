"""What differs between two runs, and who changed it in between."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.history.differences import differences
from stackfold.application.history.views import HistoryEntry
from stackfold.application.runs.run_views import RunDescription, RunQueries, RunView, StepView
from stackfold.domain.exact_json.display import plain_or_text, readable
from stackfold.domain.stacks.component_type import ComponentType


class RunDifference(NamedTuple):
    """One thing in which two runs differ; None where a run does not have it."""

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
    """What was done, between the beginnings of the two, to their stacks and the components of
    those; newest first."""


class Changes(Protocol):
    """Where changes of configuration are looked up."""

    def between(
        self, stacks: Sequence[str], components: Sequence[str], after: int, before: int
    ) -> list[HistoryEntry]:
        """What was done between two positions, newest first.

        Args:
            stacks: Ids of stacks: what was done to them, and to components while they held them.
                Several: also which stack was activated.
            components: Ids of further components.
            after: The earlier position, and
            before: the later one; neither belongs to it.
        """
        ...


class RunDiffs:
    """Compares runs."""

    def __init__(self, queries: RunQueries, changes: Changes) -> None:
        """Find runs by `queries`, and what was done between them by `changes`."""
        self._queries = queries
        self._changes = changes

    def diff(self, before: str, after: str) -> RunDiff:
        """How a run differs from another: by name, id or unique prefix.

        Raises:
            NotFound: There is no such run.
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
    # Of a step that did not get to its end in both, only what the graph says can be compared.
    ended = {each.name for each in before.steps if _has_ended(each)}
    ended &= {each.name for each in after.steps if _has_ended(each)}
    # What an older version recorded can only be compared as far as that went.
    told: Told = plain_or_text if before.parameter_form == after.parameter_form else readable
    one, other = _facts(before, ended, told), _facts(after, ended, told)
    if _code_form(before) != _code_form(after):
        # Digests of different forms say nothing of each other.
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


Told = Callable[[Any], Any]
"""From the value of a parameter to what is compared and shown."""


def _facts(run: RunDescription, ended: set[str], told: Told) -> dict[str, dict[str, Any]]:
    """What a run is compared by: subject → field → value."""
    steps = [each for each in run.steps if each.name in ended]
    environment = run.environment
    return {
        "outcome": {"status": run.status, "error": run.error or None, **_outcomes(run)},
        "stack": _stack(run),
        "configuration": {
            f"{place}.{attribute}": value
            for place, component in _components(run)
            for attribute, value in sorted(component["configuration"].items())
        },
        "flavor": {
            f"{place}.{field}": component[field]
            for place, component in _components(run)
            for field in ("flavor", "flavor_version", "source")
        },
        "code": {"source": run.source, **{each.name: each.code for each in run.steps}},
        "parameters": {
            **{name: told(value) for name, value in run.parameters.items()},
            **{
                f"{each.name}.{name}": told(value)
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
    # From the cache or not, the outcome is the same.
    return {
        each.name: "completed" if each.status == "cached" else each.status for each in run.steps
    }


def _stack(run: RunDescription) -> dict[str, Any]:
    fields: dict[str, Any] = {"stack": run.stack, "revision": run.stack_revision}
    for type, held in run.pin["components"].items():
        fields[type] = ", ".join(component["name"] for component in held)
    revisions = {f"{place}.revision": each["revision"] for place, each in _components(run)}
    return fields | revisions


def _components(run: RunDescription) -> list[tuple[str, Mapping[str, Any]]]:
    """The pinned components, each with what it is called here."""
    return [
        (f"{type}[{each['name']}]" if ComponentType(type).several_per_stack else type, each)
        for type, held in run.pin["components"].items()
        for each in held
    ]


def _inputs(run: RunDescription, steps: Sequence[StepView]) -> dict[str, Any]:
    """Step and input → the digest of its value."""
    digests = {output.id: output.digest for each in run.steps for output in each.outputs}
    return {
        f"{step.name}.{name}": digests.get(id) for step in steps for name, id in step.inputs.items()
    }
