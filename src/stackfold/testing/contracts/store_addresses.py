"""Addresses that could lead out of an artifact store, and what can be done with one."""

import hashlib
import random
from collections.abc import Callable, Iterator

from stackfold.application.ports import ArtifactStore

PARTS = (
    "..",
    ".",
    "",
    "neighbour",
    "ab",
    "%2e%2e",
    "%2F",
    "..%2f",
    "\\",
    "~",
    "*",
    "\0",
    ".incoming",
)
LEADING_OUT = (
    ["..", "neighbour"],
    ["ab", "..", "..", "neighbour"],
    ["%2e%2e%2fneighbour"],
    ["..\\neighbour"],
    ["\ud800"],
)


def random_parts(count: int) -> Iterator[list[str]]:
    """Yield lists of parts of addresses, the same ones in each run."""
    chance = random.Random(0)
    for _ in range(count):
        texts = ["".join(chr(chance.choice((0x2F, 0x61, 0xE4, 0x1F600))) for _ in range(3))]
        yield [chance.choice((*PARTS, *texts)) for _ in range(chance.randrange(9))]


def operations(store: ArtifactStore) -> tuple[Callable[[str], object], ...]:
    """Return what can be done with an address."""
    digest = hashlib.sha256(b"secret").hexdigest()

    def read(uri: str) -> bytes:
        with store.open(uri, digest) as file:
            return file.read()

    return read, store.size, store.delete
