"""A chain of trivial nodes in Kedro; every value is kept as a pickle."""

import sys

from kedro.io import DataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.pickle import PickleDataset


def first() -> int:
    return 0


def add(value: int) -> int:
    return value + 1


if __name__ == "__main__":
    length = int(sys.argv[1])
    nodes = [node(first, None, "v0", name="first")]
    nodes += [node(add, f"v{n - 1}", f"v{n}", name=f"add_{n}") for n in range(1, length)]
    catalog = DataCatalog({f"v{n}": PickleDataset(filepath=f"v{n}.pkl") for n in range(length)})
    SequentialRunner().run(pipeline(nodes), catalog)
