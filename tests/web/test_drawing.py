"""Graphs, strips and charts: nothing overlaps, everything is escaped, no style sheet is needed."""

import math
import re
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stackfold.web.drawing.chart import Change, Point, draw_chart, ticks
from stackfold.web.drawing.graph import Node, draw_graph
from stackfold.web.drawing.layout import layered
from stackfold.web.drawing.states import symbol
from stackfold.web.drawing.strip import Cell, Mark, draw_strip
from stackfold.web.drawing.svg import is_safe, shortened, width

SVG = "{http://www.w3.org/2000/svg}"
HEIGHT, GAP, LANE = 50.0, 14.0, 6.0
STATES = ["completed", "cached", "failed", "cancelled", "skipped", "pending", "running"]
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></title><script>alert(1)</script>",
    "' onload='alert(1)",
    "&lt;b&gt;&#0;",
    "a\x00b\x1b[31mc\x7f\ud800",
    "\u202eesrever\u2066",
    "\ufffe\uffff\U0001ffff",
    "",
]


@st.composite
def graphs(draw, cyclic=False):
    """A number of nodes, and edges between them."""
    nodes = draw(st.integers(0, 24))
    if nodes < 2:
        return nodes, []
    ends = st.integers(0, nodes - 1)
    pairs = draw(st.lists(st.tuples(ends, ends).filter(lambda it: it[0] != it[1]), max_size=50))
    chosen = pairs if cyclic else [(min(pair), max(pair)) for pair in pairs]
    return nodes, list(dict.fromkeys(chosen))


def laid_out(graph):
    nodes, edges = graph
    return layered(nodes, edges, height=HEIGHT, gap=GAP, lane=LANE)


def parsed(drawing):
    """The drawing as XML, of which nothing may be executed or need a style sheet."""
    root = ElementTree.fromstring(drawing)
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in {
            "svg",
            "a",
            "g",
            "circle",
            "path",
            "rect",
            "text",
            "title",
        }
        assert not {name for name in each.attrib if name.startswith("on") or name == "style"}
        assert not each.get("href", "/").lower().startswith("javascript")
    return root


def of_class(root, name):
    return [each for each in root.iter() if name in each.get("class", "").split()]


def titles(root):
    return [each.text for each in root.iter(f"{SVG}title")]


# -- layout


@given(graphs())
def test_an_edge_leads_to_a_later_layer(graph):
    layout = laid_out(graph)
    assert all(layout.layer_of[tail] < layout.layer_of[head] for tail, head in graph[1])


@given(graphs(cyclic=True))
def test_nodes_do_not_overlap_even_in_cycles(graph):
    layout = laid_out(graph)
    layers = {}
    for layer, centre in zip(layout.layer_of, layout.centre_of, strict=True):
        layers.setdefault(layer, []).append(centre)
    for centres in layers.values():
        assert all(right - left >= HEIGHT + GAP - 1e-6 for left, right in pairwise(sorted(centres)))


@given(graphs(cyclic=True))
def test_everything_is_within_the_picture(graph):
    layout = laid_out(graph)
    assert all(0 <= layer < layout.layers for layer in layout.layer_of)
    assert all(
        HEIGHT / 2 - 1e-6 <= centre <= layout.height - HEIGHT / 2 + 1e-6
        for centre in layout.centre_of
    )
    assert all(-1e-6 <= y <= layout.height + 1e-6 for route in layout.routes for _, y in route)


@given(graphs())
def test_an_edge_passes_each_layer_between_its_nodes_and_hits_none(graph):
    layout = laid_out(graph)
    for (tail, head), route in zip(graph[1], layout.routes, strict=True):
        assert [at for at, _ in route] in (
            [],  # too many edges
            list(range(layout.layer_of[tail] + 1, layout.layer_of[head])),
        )
        for layer, y in route:
            hit = [
                node
                for node, centre in enumerate(layout.centre_of)
                if layout.layer_of[node] == layer and abs(centre - y) < HEIGHT / 2
            ]
            assert not hit


def test_crossings_are_avoided():
    layout = layered(6, [(0, 5), (1, 4), (2, 3)], height=HEIGHT, gap=GAP, lane=LANE)
    centres = layout.centre_of
    assert [centres[5], centres[4], centres[3]] == sorted([centres[3], centres[4], centres[5]])
    assert centres[0] < centres[1] < centres[2]


def test_a_chain_is_a_straight_line():
    layout = layered(4, [(0, 1), (1, 2), (2, 3)], height=HEIGHT, gap=GAP, lane=LANE)
    assert layout.layer_of == [0, 1, 2, 3]
    assert len(set(layout.centre_of)) == 1


# -- graph


@given(graphs(cyclic=True))
def test_every_edge_ends_at_its_nodes(graph):
    count, edges = graph
    nodes = [Node(f"n{at}", "completed") for at in range(count)]
    root = parsed(draw_graph(nodes, [(f"n{a}", f"n{b}") for a, b in edges], label="steps"))
    boxes = of_class(root, "node")
    assert len(boxes) == count
    corners = [tuple(map(int, re.findall(r"-?\d+", each.get("transform", "")))) for each in boxes]
    drawn = of_class(root, "edge")
    assert len(drawn) == len(edges)
    for (tail, head), line in zip(edges, drawn, strict=True):
        path = [*map(int, re.findall(r"-?\d+", line.get("d", "")))]
        box = float(boxes[tail].find(f"{SVG}rect").get("width", 0))
        assert abs(path[0] - corners[tail][0] - box) <= 1
        assert abs(path[1] - corners[tail][1] - HEIGHT / 2) <= 1
        # The arrow: its upper end, its point, its lower end.
        assert abs(path[-4] - corners[head][0]) <= 1
        assert abs(path[-3] - corners[head][1] - HEIGHT / 2) <= 1


def test_a_node_shows_its_state_duration_and_metric():
    node = Node("train", "completed", "1.26 s", "auc 0.98", "/runs/a?step=train", "trains", True)
    root = parsed(draw_graph([node, Node("load", "failed", "0.3 s")], [], label="Steps of a"))
    train, load = of_class(root, "node")
    assert (root.get("role"), root.get("aria-label")) == ("group", "Steps of a")
    assert (train.tag, train.get("href")) == (f"{SVG}a", "/runs/a?step=train")
    assert train.get("aria-current") == "true"
    assert [each.text for each in train.iter(f"{SVG}text")] == ["train", "1.26 s · auc 0.98"]
    assert titles(train) == ["train · completed · 1.26 s · auc 0.98\ntrains"]
    assert [each.text for each in load.iter(f"{SVG}text")] == ["load", "failed · 0.3 s"]
    assert load.get("aria-current") is None


def test_a_graph_without_links_is_one_image():
    assert parsed(draw_graph([Node("a")], [], label="a")).get("role") == "img"


def test_edges_to_unknown_nodes_and_to_oneself_are_omitted():
    edges = [("a", "a"), ("a", "gone"), ("gone", "b"), ("a", "b"), ("a", "b")]
    root = parsed(draw_graph([Node("a"), Node("b")], edges, label=""))
    assert len(of_class(root, "edge")) == 1


def test_a_graph_without_nodes_is_an_empty_picture():
    assert parsed(draw_graph([], [], label="no steps")).get("width") == "12"


def test_states_differ_without_their_colours():
    shapes = {(symbol(state).path, symbol(state).filled) for state in [*STATES, "interrupted"]}
    assert len(shapes) == len(STATES) + 1


def test_a_long_name_is_cut_and_its_title_is_not():
    root = parsed(draw_graph([Node("x" * 100)], [], label=""))
    [shown] = [each.text for each in root.iter(f"{SVG}text")]
    assert shown.endswith("…")
    assert len(shown) < 40
    assert titles(root) == ["x" * 100]


# -- strip


def test_a_strip_ends_with_the_newest_run():
    cells = [Cell(f"run {at}", "completed", f"/runs/{at}") for at in range(5)]
    root = parsed(draw_strip(cells, label="Runs of prod", slots=3))
    assert titles(root) == ["run 2", "run 3", "run 4"]
    assert [each.get("href") for each in of_class(root, "run")] == ["/runs/2", "/runs/3", "/runs/4"]


def test_missing_runs_leave_slots_at_the_left():
    root = parsed(draw_strip([Cell("only", "failed")], label="", slots=4))
    assert len(of_class(root, "empty")) == 3
    [run] = of_class(root, "run")
    assert all(float(each.get("cx", 0)) < position(run) for each in of_class(root, "empty"))


def test_changes_are_marked_before_the_run_that_followed():
    cells = [Cell(f"run {at}", "completed") for at in range(4)]
    marks = [Mark(4, "last"), Mark(2, "one", "/log/1"), Mark(2, "two"), Mark(0, "long ago")]
    root = parsed(draw_strip(cells, marks, label="", slots=3))
    one, last = of_class(root, "change")
    assert (titles(one), one.get("href")) == (["one\ntwo"], "/log/1")
    assert titles(last) == ["last"]
    runs = [position(each) for each in of_class(root, "run")]
    assert runs[0] < position(one) < runs[1] < runs[2] < position(last)


@given(st.lists(st.sampled_from(STATES), max_size=40), st.integers(1, 30))
def test_the_size_of_a_strip_does_not_depend_on_its_runs(states, slots):
    root = parsed(draw_strip([Cell("run", state) for state in states], label="", slots=slots))
    assert root.get("width") == str(24 + 24 * slots)
    assert len(of_class(root, "run")) == min(slots, len(states))


def position(each):
    return float(re.findall(r"-?[\d.]+", each.get("transform", ""))[0])


# -- chart


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=20))
@example([(1.0, 1.7976931348623157e308), (2.0, -1.7976931348623157e308)])
@example([(1.0, 5e-324), (2.0, 0.0)])
def test_every_value_is_within_the_chart(pairs):
    root = parsed(draw_chart([Point(at, value) for at, value in pairs], label="auc"))
    drawn = of_class(root, "point")
    assert len(drawn) == sum(math.isfinite(at) for at, _ in pairs)
    for each in drawn:
        x, y = map(float, re.findall(r"-?[\d.]+", each.get("transform", "")))
        assert 0 < x < 640
        assert 0 < y < 170


def test_higher_values_are_higher_and_later_ones_to_the_right():
    points = [Point(30, 0.9, "late", "/runs/b"), Point(10, 0.7, "early"), Point(20, math.nan)]
    root = parsed(draw_chart(points, label="auc of prod", ends=("May", "June")))
    (x, y), _, (later_x, later_y) = (
        map(float, re.findall(r"-?[\d.]+", each.get("transform", "")))
        for each in of_class(root, "point")
    )
    assert x < later_x
    assert y > later_y
    assert {"early\n0.7", "late\n0.9", "nan"} == set(titles(root))
    assert {"May", "June", "0.8"} <= {each.text for each in root.iter(f"{SVG}text")}


def test_a_value_that_is_not_finite_interrupts_the_line():
    points = [Point(at, value) for at, value in enumerate([1, 2, math.inf, 3, 4])]
    [line] = of_class(parsed(draw_chart(points, label="")), "line")
    assert re.sub(r"[^ML]", "", line.get("d", "")) == "MLML"


def test_changes_cross_the_chart_where_they_happened():
    changes = [Change(15, "updated prod", "/log/15"), Change(99, "later")]
    root = parsed(draw_chart([Point(10, 1), Point(20, 2)], changes, label=""))
    [change] = of_class(root, "change")
    assert titles(change) == ["updated prod"]
    before, after = map(position, of_class(root, "point"))
    assert position(change) == pytest.approx((before + after) / 2)


def test_a_chart_without_values_says_so():
    [words] = parsed(draw_chart([], label="auc")).iter(f"{SVG}text")
    assert words.text == "no values"


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_ticks_are_few_and_within_their_range(one, other):
    low, high = sorted((one, other))
    assert 1 <= len(ticks(low, high)) <= 12
    assert all(low <= tick <= high for tick in ticks(low, high))


def test_ticks_are_round_numbers():
    assert ticks(0.8, 0.89) == pytest.approx([0.8, 0.82, 0.84, 0.86, 0.88])
    assert ticks(0, 100) == [0, 50, 100]


# -- text from users


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_from_users_is_escaped(hostile):
    for drawing in hostile_drawings(hostile):
        parsed(drawing)


@given(st.text())
def test_any_text_can_be_drawn(text):
    for drawing in hostile_drawings(text):
        parsed(drawing)


def hostile_drawings(text):
    node = Node(text, text, text, text, text, text, True)
    yield draw_graph([node, Node("other")], [(text, "other")], label=text)
    yield draw_strip([Cell(text, text, text)], [Mark(0, text, text)], label=text)
    yield draw_chart(
        [Point(0, 1, text, text)], [Change(0, text, text)], label=text, ends=(text, text)
    )


@pytest.mark.parametrize(
    ("link", "safe"),
    [
        ("/runs/train-1?step=load", True),
        ("?step=load", True),
        ("https://example.com/a", True),
        ("runs/é", True),
        ("javascript:alert(1)", False),
        (" JavaScript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("data:text/html,x", False),
        ("http://[", False),
    ],
)
def test_only_relative_and_http_links_are_safe(link, safe):
    assert is_safe(link) == safe


def test_a_bidirectional_override_is_shown_as_its_code():
    assert titles(parsed(draw_graph([Node("a\u202eb")], [], label="")))[0] == "a\\u202eb"


@given(st.text(), st.integers(1, 30))
def test_shortened_text_fits(text, columns):
    assert width(shortened(text, columns)) <= columns


def test_wide_characters_take_two_columns():
    assert shortened("日本語", 6) == "日本語"
    assert shortened("日本語", 5) == "日本…"


# -- what it needs


def test_drawing_loads_only_the_standard_library():
    program = (
        "import sys; was = {*sys.modules}; "
        "from stackfold.web.drawing import chart, graph, strip; "
        "print(*{name.split('.')[0] for name in {*sys.modules} - was})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {*loaded} - sys.stdlib_module_names == {"stackfold"}
