"""The graph of a run's steps, for pages, reports and notebooks.

Notebooks do not need the extra `ui`, so nothing of it is imported here.
"""

from collections.abc import Callable, Sequence

from stackfold.application.runs.run_views import StepView
from stackfold.web.drawing.graph import Node, draw_graph
from stackfold.web.drawing.svg import shortened

EXECUTED = ("completed", "failed")
LONGEST_ERROR = 300
"""The columns of an error in a tooltip."""


def draw_steps(
    steps: Sequence[StepView],
    label: str,
    link: Callable[[str], str] | None = None,
    chosen: str | None = None,
) -> str:
    """Draw steps, each with its state, its duration and its first metric, as SVG.

    Args:
        steps: The steps of a run, or some of them.
        label: What the graph shows, for screen readers, such as "Steps of train-1".
        link: Returns the address of a step; None for no links.
        chosen: The step that the page shows.
    """
    nodes = [
        Node(
            step.name,
            step.status,
            took(step),
            next((f"{name} {value}" for name, value in metrics(step).items()), ""),
            link=link(step.name) if link else None,
            title=shortened(step.error, LONGEST_ERROR),
            focused=step.name == chosen,
        )
        for step in steps
    ]
    edges = [(before, step.name) for step in steps for before in step.upstream]
    return draw_graph(nodes, edges, label=label)


def took(step: StepView) -> str:
    """How long a step was executed, such as "0.74 s"; empty if it was not, or did not end."""
    executed = step.status in EXECUTED and step.started and step.ended
    return duration(step.seconds) if executed else ""


def duration(seconds: float) -> str:
    """A duration for people to read, such as "1 min 5 s"."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def metrics(step: StepView) -> dict[str, str]:
    """The numbers in the metadata of a step, as text."""
    return {
        name: f"{value:.6g}"
        for name, value in step.metadata.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
