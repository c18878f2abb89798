"""A pipeline with every kind of step, to be killed at any time."""

import sys

from stackfold import pipeline, step


@step
def plant(seed: int) -> list[int]:
    print("planted", seed)
    return [seed]


@step
def grow(tree: list[int], by: int) -> list[int]:
    return [*tree, by]


@step
def branch(tree: list[int], number: int) -> dict[str, int]:
    print("x" * 5000)
    sys.stdout.flush()
    return {"number": number, "sum": sum(tree) * number}


@step
def harvest(one: dict[str, int], two: dict[str, int], three: dict[str, int]) -> int:
    return one["sum"] + two["sum"] + three["sum"]


@pipeline
def garden(seed: int = 1):
    tree = plant(seed)
    for by in range(8):
        tree = grow(tree, by)
    branches = [branch(tree, number) for number in range(3)]
    harvest(*branches)
