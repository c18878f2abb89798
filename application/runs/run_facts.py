"""What runs are compared by, as texts and numbers: subject → field → value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackfold.application.runs.metrics import ambiguous, label, metrics_in
from stackfold.application.runs.run_views import RunDescription, StepView
from stackfold.domain.exact_json.display import plain_or_text, readable
from stackfold.domain.stacks.component_type import ComponentType

CAUSES = (
    *("stack", "flavor", "configuration", "parameters", "artifacts", "code", "packages", "python"),
)
"""Subjects that may be the cause of a difference."""
OUTCOME = ("outcome", "metadata", "tags")
"""Subjects of what came of a run, besides its metrics."""
DOWNSTREAM = ("inputs", "outputs")
"""Subjects whose values only follow from others."""

Facts = dict[str, dict[str, Any]]


def facts_of(runs: Sequence[RunDescription]) -> list[Facts]:
    """What some runs are compared by, for each of them.

    Args:
        runs: The runs.
    """
    # Steps that did not complete in all runs are compared only by the graph.
    ended = set.intersection(
        *({each.name for each in run.steps if _has_ended(each)} for run in runs)
    )
    # Parameters recorded by an older version are less exact: compare them as plain JSON.
    one_form = len({run.parameter_form for run in runs}) == 1
    metrics = [
        metrics_in(run.metadata, {step.name: step.metadata for step in run.steps}) for run in runs
    ]
    several = ambiguous(metrics)
    found = [
        _facts(run, ended, plain_or_text if one_form else readable)
        | {"metrics": {label(each, several): each.value for each in measured}}
        for run, measured in zip(runs, metrics, strict=True)
    ]
    if len({frozenset(each.code_form for each in run.steps) for run in runs}) > 1:
        # Digests of different forms cannot be compared.
        for run, facts in zip(runs, found, strict=True):
            facts["code"] = {"source": run.source}
    return found


def _has_ended(step: StepView) -> bool:
    return step.status in ("completed", "cached")


Show = Callable[[Any], Any]
"""Converts the value of a parameter to what is compared and shown."""


def _facts(run: RunDescription, ended: set[str], show: Show) -> dict[str, dict[str, Any]]:
    """Return what runs are compared by: subject → field → value."""
    steps = [each for each in run.steps if each.name in ended]
    environment = run.environment
    return {
        "outcome": {
            "status": run.status,
            "error": run.error or None,
            "model_version": run.model_version,
            **_outcomes(run),
        },
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
        "artifacts": {
            **run.references,
            **{text: exact for each in steps for text, exact in each.used.items()},
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
        "metadata": _metadata(run, steps),
        "tags": {"tags": sorted(run.tags) or None},
    }


def _metadata(run: RunDescription, steps: Sequence[StepView]) -> dict[str, Any]:
    """What is recorded besides metrics."""
    recorded = {"": run.metadata, **{f"{step.name}.": step.metadata for step in steps}}
    return {
        f"{prefix}{name}": value
        for prefix, metadata in recorded.items()
        for name, value in metadata.items()
        if type(value) not in (int, float) and name not in ("metrics", "parameters")
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


def components_of(run: RunDescription) -> list[Mapping[str, Any]]:
    """The pinned components of a run."""
    return [each for _, each in _components(run)]


def _inputs(run: RunDescription, steps: Sequence[StepView]) -> dict[str, Any]:
    """Step and input → the digest of its value."""
    digests = {output.id: output.digest for each in run.steps for output in each.outputs}
    return {
        f"{step.name}.{name}": digests.get(id) for step in steps for name, id in step.inputs.items()
    }
