"""A graph of steps or artifacts, from left to right, as SVG."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import NamedTuple

from stackfold.web.drawing.layout import Layout, layered
from stackfold.web.drawing.states import css_class, icon
from stackfold.web.drawing.svg import element, linked, picture, shortened, title
from stackfold.web.drawing.svg import width as columns

HEIGHT = 50.0
GAP, LANE, MARGIN = 14.0, 6.0, 6.0
LAYER_GAP = 44.0
NARROWEST, WIDEST = 130.0, 240.0
TEXT_LEFT, NAME_COLUMN, DETAIL_COLUMN = 38.0, 7.4, 6.6


class Node(NamedTuple):
    """A node of a graph."""

    name: str
    """Unique in the graph, unless the node has a key."""
    state: str = ""
    """Such as "completed"; empty for none."""
    duration: str = ""
    """Such as "0.74 s"."""
    metric: str = ""
    """Its first metric, such as "auc 0.98"."""
    link: str | None = None
    """Its address; relative or http."""
    title: str = ""
    """More about it, shown as a tooltip."""
    focused: bool = False
    """Whether the page shows this node."""
    key: str = ""
    """What edges name it by; by default its name."""

    @property
    def detail(self) -> str:
        """Its second line: its state, unless it completed, then its duration and metric."""
        state = "" if self.state == "completed" and self.duration else self.state
        return " · ".join(part for part in (state, self.duration, self.metric) if part)


def draw_graph(nodes: Sequence[Node], edges: Iterable[tuple[str, str]], *, label: str) -> str:
    """Draw a graph.

    Args:
        nodes: Its nodes; those of one layer begin in this order.
        edges: Pairs of keys or names. A pair with one that no node has is omitted.
        label: What the graph shows, for screen readers, such as "Steps of train-1".
    """
    index = {node.key or node.name: at for at, node in enumerate(nodes)}
    pairs = list(
        dict.fromkeys(
            (index[tail], index[head])
            for tail, head in edges
            if tail in index and head in index and tail != head
        )
    )
    box = _box_width(nodes)
    layout = layered(len(nodes), pairs, height=HEIGHT, gap=GAP, lane=LANE)
    lines = [_edge(layout, at, tail, head, box) for at, (tail, head) in enumerate(pairs)]
    boxes = [_node(node, *_corner(layout, at, box), box) for at, node in enumerate(nodes)]
    drawn = element(
        "g", *lines, fill="none", stroke="currentColor", stroke_opacity="0.45", stroke_width=1.4
    )
    return picture(
        drawn + "".join(boxes),
        width=2 * MARGIN + max(0.0, layout.layers * (box + LAYER_GAP) - LAYER_GAP),
        height=2 * MARGIN + layout.height,
        label=label,
        kind="graph",
        interactive=any(node.link is not None for node in nodes),
    )


def _box_width(nodes: Sequence[Node]) -> float:
    """Return the width of all boxes: that of the longest text, within limits."""
    name = NAME_COLUMN * max((columns(node.name) for node in nodes), default=0)
    detail = DETAIL_COLUMN * max((columns(node.detail) for node in nodes), default=0)
    return min(WIDEST, max(NARROWEST, TEXT_LEFT + max(name, detail) + 10))


def _corner(layout: Layout, node: int, box: float) -> tuple[float, float]:
    x = MARGIN + layout.layer_of[node] * (box + LAYER_GAP)
    return x, MARGIN + layout.centre_of[node] - HEIGHT / 2


def _edge(layout: Layout, edge: int, tail: int, head: int, box: float) -> str:
    """Draw a curve from the right side of one node to the left side of another."""
    (x, y), (end_x, end_y) = _corner(layout, tail, box), _corner(layout, head, box)
    x, y, end_y = x + box, y + HEIGHT / 2, end_y + HEIGHT / 2
    path = [f"M{x:.0f} {y:.0f}"]
    for layer, point in layout.routes[edge]:
        left, at = MARGIN + layer * (box + LAYER_GAP), MARGIN + point
        path += [_curve(x, y, left, at), f"H{left + box:.0f}"]
        x, y = left + box, at
    path += [_curve(x, y, end_x, end_y), f"M{end_x - 7:.0f} {end_y - 4:.0f}"]
    path += [f"L{end_x:.0f} {end_y:.0f}L{end_x - 7:.0f} {end_y + 4:.0f}"]
    return f'<path class="edge" d="{"".join(path)}"/>'


def _curve(x: float, y: float, end_x: float, end_y: float) -> str:
    bend = max(LAYER_GAP / 2, abs(end_x - x) / 2)
    return f"C{x + bend:.0f} {y:.0f} {end_x - bend:.0f} {end_y:.0f} {end_x:.0f} {end_y:.0f}"


def _node(node: Node, x: float, y: float, box: float) -> str:
    left = TEXT_LEFT if node.state else TEXT_LEFT - 24
    room = box - left - 8
    detail = node.detail
    described = " · ".join(
        part for part in (node.name, node.state, node.duration, node.metric) if part
    )
    return linked(
        node.link,
        title(f"{described}\n{node.title}" if node.title else described),
        _box(box, node.focused),
        icon(node.state, 20, HEIGHT / 2) if node.state else "",
        _line("name", node.name, left, 21 if detail else 29, int(room / NAME_COLUMN)),
        _line("detail", detail, left, 38, int(room / DETAIL_COLUMN)),
        class_=f"node {css_class(node.state)}{' focused' * node.focused}",
        transform=f"translate({x:.0f} {y:.0f})",
        aria_current="true" if node.focused else None,
    )


@lru_cache
def _box(width: float, focused: bool) -> str:
    return element(
        "rect", width=width, height=HEIGHT, rx=8, fill="currentColor", fill_opacity="0.05",
        stroke="currentColor", stroke_width=2.5 if focused else 1,
        stroke_opacity="0.9" if focused else "0.35",
    )  # fmt: skip


def _line(kind: str, content: str, x: float, y: float, fits: int) -> str:
    if not content:
        return ""
    font = 'font-weight="600"' if kind == "name" else 'font-size="12"'
    return (
        f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" fill="currentColor" {font}>'
        f"{escape(shortened(content, fits))}</text>"
    )
