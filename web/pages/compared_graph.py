"""The graph of two runs: which steps differ, and which of them differ first."""

from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.runs.run_views import RunDescription, StepView
from stackfold.web.drawing.graph import Node, draw_graph
from stackfold.web.pages.visit import Frame

MOST_STEPS = 250


class GraphOfTwo(NamedTuple):
    """The steps of two runs."""

    svg: Markup
    first: tuple[str, ...]
    """The steps that differ although nothing before them does, a few of them."""
    more_steps: int


def graph_of_two(frame: Frame, before: RunDescription, after: RunDescription) -> GraphOfTwo:
    """Draw the steps of two runs, with the states of the second one."""
    old = {step.name: step for step in before.steps}
    new = {step.name: step for step in after.steps}
    steps = [*after.steps, *(step for step in before.steps if step.name not in new)]
    differing = {step.name: _what_differs(old.get(step.name), new.get(step.name)) for step in steps}
    first = [
        step.name
        for step in steps
        if differing[step.name] and not any(differing.get(each) for each in step.upstream)
    ]
    nodes = [
        Node(
            step.name,
            step.status,
            metric=_said(step.name, differing[step.name], first),
            link=frame.url(f"/runs/{(after if step.name in new else before).name}", step=step.name),
            title=", ".join(differing[step.name]),
        )
        for step in steps[:MOST_STEPS]
    ]
    edges = [(each, step.name) for step in steps[:MOST_STEPS] for each in step.upstream]
    drawn = draw_graph(nodes, edges, label=f"Steps of {after.name} compared with {before.name}")
    return GraphOfTwo(
        Markup(drawn),  # noqa: S704 - the drawing escapes what users wrote
        tuple(first[:5]),
        max(0, len(steps) - MOST_STEPS),
    )


def _said(name: str, differing: list[str], first: list[str]) -> str:
    if not differing:
        return "same"
    return "first to differ" if name in first else "differs"


def _what_differs(before: StepView | None, after: StepView | None) -> list[str]:
    """What differs between the executions of a step."""
    if before is None:
        return ["only in the second run"]
    if after is None:
        return ["only in the first run"]
    statuses = [{"cached": "completed"}.get(step.status, step.status) for step in (before, after)]
    found = [] if statuses[0] == statuses[1] else [f"{statuses[0]}, then {statuses[1]}"]
    if {*statuses} == {"completed"}:
        facts = {
            "parameters": (before.parameters, after.parameters),
            "code": (before.code, after.code),
            "outputs": tuple(
                {output.name: output.digest for output in step.outputs} for step in (before, after)
            ),
        }
        if before.code_form != after.code_form:
            del facts["code"]
        found += [what for what, (one, other) in facts.items() if repr(one) != repr(other)]
    return found
