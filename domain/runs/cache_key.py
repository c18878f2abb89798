"""Cache key: what the result of a step depends on, as far as it can be told beforehand."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from stackfold.domain.canonical_json import canonical_json


class InputDigest(NamedTuple):
    """A value that flows into a step: equal bytes mean the same only if the same reads them."""

    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    materializer: str
    type: str
    code: str = ""
    """The digest of the user's own class that it is of; empty if it is of no such class."""


class CacheKey(NamedTuple):
    """The parts of a key; two executions with equal parts may stand for each other.

    Not among them: where the step is executed, the versions of packages, time, chance, and
    whatever the step reads by itself, such as files.
    """

    code: str
    """The digest of the step's code."""
    parameters: Mapping[str, JsonValue]
    """All of them, defaults included."""
    inputs: Mapping[str, InputDigest]
    gathered: Mapping[str, str]
    """Input → "list", "tuple" or "dict", for those that several outputs flow into."""
    outputs: str
    """The declared outputs: their names, in order, and types."""
    materializers: str
    """A digest of those that may write the outputs, with their versions."""
    store: Mapping[str, JsonValue]
    """The artifact store: its flavor and resolved configuration."""
    repetition: int = 0
    """How many equal uses of the step there are before this one in the pipeline: who asks twice
    for the same wants two, of random numbers for example."""

    @property
    def digest(self) -> str:
        """sha256 of all parts, in hexadecimal."""
        return hashlib.sha256(canonical_json(self, ascii=True).encode()).hexdigest()
