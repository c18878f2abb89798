"""The course of a metric, with changes as lines across it, as SVG."""

from collections.abc import Sequence
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

from stackfold.web.drawing.states import css_class, symbol
from stackfold.web.drawing.svg import element, linked, number, picture, shortened, text, title

LEFT, RIGHT, TOP, BOTTOM = 72.0, 14.0, 24.0, 26.0


class Point(NamedTuple):
    """The value of a metric in one run."""

    at: float
    """Its horizontal position in any unit, such as a log position."""
    value: float
    """A value that is not finite is drawn as a cross at the bottom."""
    title: str = ""
    link: str | None = None
    focused: bool = False
    """Whether the page shows this run."""


class Change(NamedTuple):
    """A change, drawn as a vertical line."""

    at: float
    """Its horizontal position in the unit of the points."""
    title: str
    link: str | None = None


class _Scale(NamedTuple):
    """Maps numbers between two others to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        extent = self.high / 2 - self.low / 2  # halves, as the difference may exceed a float
        share = (value / 2 - self.low / 2) / extent if extent > 0 else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def draw_chart(
    points: Sequence[Point],
    changes: Sequence[Change] = (),
    *,
    label: str,
    ends: tuple[str, str] = ("", ""),
    width: float = 640,
    height: float = 170,
) -> str:
    """Draw the values of one metric.

    Args:
        points: The values, in any order.
        changes: Changes; those outside of the range of the points are omitted.
        label: What the chart shows, for screen readers, such as "auc of stack prod".
        ends: Texts below the left and the right end, such as two dates.
        width: In pixels.
        height: In pixels.
    """
    points = sorted((each for each in points if isfinite(each.at)), key=lambda each: each.at)
    values = [each.value for each in points if isfinite(each.value)] or [0.0]
    right, base = width - RIGHT, height - BOTTOM
    span = (points[0].at, points[-1].at) if points else (0.0, 0.0)
    across = _Scale(*span, LEFT + 8, right - 8)
    up = _Scale(min(values), max(values), base - 8, TOP + 8)
    content = [_tick(value, up(value), right) for value in ticks(up.low, up.high) if points]
    content += [
        _change(change, across(change.at), base)
        for change in changes
        if points and span[0] <= change.at <= span[1]
    ]
    content.append(_line(points, across, up))
    content += [_point(each, across(each.at), up, base) for each in points]
    content += [
        _label(words, x, height - 7, anchor)
        for words, x, anchor in ((ends[0], LEFT, "start"), (ends[1], right, "end"))
    ]
    if not points:
        content.append(_label("no values", width / 2, height / 2, "middle"))
    links = [*(each.link for each in points), *(each.link for each in changes)]
    return picture(
        "".join(content),
        width=width,
        height=height,
        label=label,
        kind="chart",
        interactive=any(link is not None for link in links),
    )


def ticks(low: float, high: float) -> list[float]:
    """Return up to seven round numbers of a range; its ends if it has none."""
    extent = high / 2 - low / 2
    if not extent > 0:
        return [low]
    size = 10.0 ** floor(log10(extent))
    for share in (5.0, 2.0, 1.0, 0.5, 0.2):
        step = size * share
        if not step or not isfinite(low / step) or not isfinite(high / step):
            break
        found = [at * step for at in range(ceil(low / step), floor(high / step) + 1)]
        if len(found) >= 3:
            return [each for each in found if low <= each <= high]
    return [low, high]


def _tick(value: float, y: float, right: float) -> str:
    line = element(
        "path", d=f"M{number(LEFT)} {number(y)}H{number(right)}", stroke="currentColor",
        stroke_opacity="0.15",
    )  # fmt: skip
    return line + _label(f"{value:.6g}", LEFT - 8, y + 4, "end")


def _label(words: str, x: float, y: float, anchor: str) -> str:
    if not words:
        return ""
    return element(
        "text", text(shortened(words, 40)), x=x, y=y, text_anchor=anchor, font_size=11,
        fill="currentColor", fill_opacity="0.75",
    )  # fmt: skip


def _line(points: Sequence[Point], across: _Scale, up: _Scale) -> str:
    """Draw the line through all points, with a gap at each value that is not finite."""
    path, pen = [], "M"
    for each in points:
        if isfinite(each.value):
            path.append(f"{pen}{number(across(each.at))} {number(up(each.value))}")
            pen = "L"
        else:
            pen = "M"
    if not path:
        return ""
    return element(
        "path", class_="line", d="".join(path), fill="none", stroke="#3b78d8", stroke_width=1.8,
        stroke_linejoin="round",
    )  # fmt: skip


def _point(point: Point, x: float, up: _Scale, base: float) -> str:
    finite = isfinite(point.value)
    if finite:
        shape = element(
            "circle", r=5 if point.focused else 3.5, fill="#3b78d8",
            stroke="currentColor" if point.focused else None,
            stroke_width=2 if point.focused else None,
        )  # fmt: skip
    else:
        colour, path, _ = symbol("failed")
        shape = element("path", d=path, stroke=colour, stroke_width=1.8, fill="none")
    return linked(
        point.link,
        title(f"{point.title}\n{point.value:g}".strip()),
        element("circle", r=12, fill="none", pointer_events="all"),
        shape,
        class_=f"point {css_class('completed' if finite else 'failed')}",
        transform=f"translate({number(x)} {number(up(point.value) if finite else base - 8)})",
        aria_current="true" if point.focused else None,
    )


def _change(change: Change, x: float, base: float) -> str:
    return linked(
        change.link,
        title(change.title),
        element("rect", x=-12, width=24, height=TOP, fill="none", pointer_events="all"),
        element("path", d="M0 6L6 12L0 18L-6 12Z", fill="currentColor"),
        element("path", d=f"M0 19V{number(base)}", stroke="currentColor", stroke_dasharray="3 2",
                stroke_opacity="0.6"),
        class_="change",
        transform=f"translate({number(x)} 0)",
    )  # fmt: skip
