"""A chain of trivial steps in ZenML, on its default stack."""

import sys

from zenml import pipeline, step


@step(enable_cache=False)
def first() -> int:
    return 0


@step(enable_cache=False)
def add(value: int) -> int:
    return value + 1


@pipeline(enable_cache=False)
def chain(length: int):
    value = first()
    for _ in range(length - 1):
        value = add(value)


if __name__ == "__main__":
    chain(int(sys.argv[1]))
