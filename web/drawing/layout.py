"""A layered layout: which layer a node is in, its order in the layer, and its height.

The nodes of an edge over several layers are joined through a point in each layer between, so that
the edge passes nodes instead of hiding behind them. Points and nodes together are called slots.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 4
"""How often layers are ordered by their neighbours, each time from both ends, at most."""


class Layout(NamedTuple):
    """The positions of nodes and the ways of edges."""

    layer_of: list[int]
    """Node → its layer; 0 is the first."""
    centre_of: list[float]
    """Node → the vertical position of its centre."""
    routes: list[list[tuple[int, float]]]
    """Edge → the layers and vertical positions of the points between its nodes."""
    layers: int
    """The number of layers."""
    height: float
    """The vertical extent of all nodes."""


def layered(
    nodes: int, edges: Sequence[tuple[int, int]], *, height: float, gap: float, lane: float
) -> Layout:
    """Lay out a graph from left to right, with few crossings.

    Edges of a cycle are allowed; one of them points backwards.

    Args:
        nodes: The number of nodes, which are numbered from 0.
        edges: Pairs of nodes.
        height: The height of a node.
        gap: The smallest vertical distance between two nodes.
        lane: The height that an edge takes where it passes a layer.
    """
    layer_of = _longest_paths(nodes, edges)
    count = 1 + max(layer_of, default=-1)
    layers: list[list[int]] = [[] for _ in range(count)]
    for node, layer in enumerate(layer_of):
        layers[layer].append(node)
    slots, chains, joined = _joined(nodes, edges, layer_of, layers)
    before: list[list[int]] = [[] for _ in range(slots)]
    after: list[list[int]] = [[] for _ in range(slots)]
    for left, right in joined:
        after[left].append(right)
        before[right].append(left)
    layers = _ordered(layers, before, after)
    sizes = [height if slot < nodes else lane for slot in range(slots)]
    centre = _heights(layers, before, after, sizes, gap)
    top = min((centre[node] for node in range(nodes)), default=0.0) - height / 2
    bottom = max((centre[node] for node in range(nodes)), default=0.0) + height / 2
    for slot in range(nodes, slots):  # an edge may pass above or below all nodes
        top, bottom = min(top, centre[slot] - lane / 2), max(bottom, centre[slot] + lane / 2)
    routes = [
        [(layer_of[tail] + 1 + index, centre[slot] - top) for index, slot in enumerate(chain)]
        for (tail, _), chain in zip(edges, chains, strict=True)
    ]
    centres = [centre[node] - top for node in range(nodes)]
    return Layout(layer_of, centres, routes, count, bottom - top if nodes else 0.0)


def _longest_paths(nodes: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """Return the layer of each node: one more than the last of the nodes before it."""
    after: list[list[int]] = [[] for _ in range(nodes)]
    waiting = [0] * nodes
    for tail, head in edges:
        if tail != head:
            after[tail].append(head)
            waiting[head] += 1
    layer_of = [0] * nodes
    ready = [node for node in range(nodes) if not waiting[node]]
    placed = [False] * nodes
    following = iter(range(nodes))
    while True:
        while ready:
            node = ready.pop()
            placed[node] = True
            for head in after[node]:
                if not placed[head]:
                    layer_of[head] = max(layer_of[head], layer_of[node] + 1)
                    waiting[head] -= 1
                    if not waiting[head]:
                        ready.append(head)
        # What is left is in a cycle, or behind one: continue at its first node.
        start = next((node for node in following if not placed[node]), None)
        if start is None:
            return layer_of
        waiting[start] = 0
        ready.append(start)


def _joined(
    nodes: int,
    edges: Sequence[tuple[int, int]],
    layer_of: Sequence[int],
    layers: list[list[int]],
) -> tuple[int, list[list[int]], set[tuple[int, int]]]:
    """Add points to the layers between the nodes of edges; edges of one node share points.

    Returns:
        The number of slots, edge → its points, and the pairs of slots that are joined.
    """
    slots, most = nodes, 4 * nodes + 100  # a graph with more points is no longer legible
    points: dict[tuple[int, int], int] = {}
    chains: list[list[int]] = []
    joined: set[tuple[int, int]] = set()
    for tail, head in edges:
        between = range(layer_of[tail] + 1, layer_of[head])
        chain: list[int] = []
        if slots + len(between) <= most:
            for layer in between:
                slot = points.get((tail, layer))
                if slot is None:
                    slot = points[tail, layer] = slots
                    layers[layer].append(slot)
                    slots += 1
                chain.append(slot)
            if layer_of[tail] < layer_of[head]:
                way = [tail, *chain, head]
                joined.update(pairwise(way))
        chains.append(chain)
    return slots, chains, joined


def _ordered(
    layers: list[list[int]], before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Order each layer by the middle of its neighbours; the best of several orders is returned."""
    rank = [0.0] * len(before)
    for layer in layers:
        _number(layer, rank)
    best, fewest = layers, _crossings(layers, after, rank)
    current, count = list(layers), len(layers)
    for _ in range(SWEEPS):
        if not fewest:
            break
        for near, sequence in ((before, range(count)), (after, range(count - 1, -1, -1))):
            for index in sequence:
                layer = current[index]
                middles = {
                    slot: sum([rank[other] for other in near[slot]]) / len(near[slot])
                    if near[slot]
                    else rank[slot]
                    for slot in layer
                }
                current[index] = sorted(layer, key=middles.__getitem__)
                _number(current[index], rank)
        crossings = _crossings(current, after, rank)
        if crossings >= fewest:
            break
        best, fewest = list(current), crossings
    return best


def _number(layer: Sequence[int], rank: list[float]) -> None:
    """Rank the slots of a layer between 0 and 1, so that layers of different sizes compare."""
    for index, slot in enumerate(layer):
        rank[slot] = (index + 0.5) / len(layer)


def _crossings(
    layers: Sequence[Sequence[int]], after: Sequence[Sequence[int]], rank: Sequence[float]
) -> int:
    """Return how many pairs of lines between neighbouring layers cross."""
    crossings = 0
    for layer in layers[:-1]:
        ends: list[float] = []
        for slot in layer:
            if len(after[slot]) == 1:
                ranks = [rank[after[slot][0]]]
            else:
                ranks = sorted([rank[head] for head in after[slot]])
            if ends and ranks and ranks[0] < ends[-1]:
                crossings += sum([len(ends) - bisect_right(ends, each) for each in ranks])
                for each in ranks:
                    insort(ends, each)
            else:
                ends += ranks
    return crossings


def _heights(
    layers: Sequence[Sequence[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    sizes: Sequence[float],
    gap: float,
) -> list[float]:
    """Return the vertical centre of each slot: close to its neighbours, without an overlap."""
    centre = [0.0] * len(sizes)
    for layer in layers:
        _separate(layer, [0.0] * len(layer), sizes, gap, centre)
    for near, sequence in ((before, layers), (after, layers[::-1]), (before, layers)):
        for layer in sequence:
            wanted = [
                sum([centre[other] for other in near[slot]]) / len(near[slot])
                if near[slot]
                else centre[slot]
                for slot in layer
            ]
            _separate(layer, wanted, sizes, gap, centre)
    return centre


def _separate(
    layer: Sequence[int],
    wanted: Sequence[float],
    sizes: Sequence[float],
    gap: float,
    centre: list[float],
) -> None:
    """Set the centres of a layer as close to the wanted ones as distances and order allow.

    Slots that would overlap form a block, whose offset is the mean of what they want.
    """
    offsets: list[float] = []
    blocks: list[tuple[float, int]] = []  # the sum of the wanted offsets, the number of slots
    at = 0.0
    for index, slot in enumerate(layer):
        if index:
            at += (sizes[layer[index - 1]] + sizes[slot]) / 2 + gap
        offsets.append(at)
        total, count = wanted[index] - at, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            earlier, members = blocks.pop()
            total, count = total + earlier, count + members
        blocks.append((total, count))
    index = 0
    for total, count in blocks:
        for _ in range(count):
            centre[layer[index]] = total / count + offsets[index]
            index += 1
