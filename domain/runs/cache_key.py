"""Cache key: everything that the result of a step is known to depend on."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from stackfold.domain.canonical_json import canonical_json


class InputDigest(NamedTuple):
    """Identifies a value that flows into a step: its bytes, and how they are read."""

    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    materializer: str
    type: str
    code: str = ""
    """The fingerprint of its class, if that is user code; empty otherwise."""


class CacheKey(NamedTuple):
    """The parts of a cache key; the results of executions with equal parts may be reused.

    A key does not depend on where the step is executed, the versions of packages, the time, random
    numbers, or data that the step reads by itself, such as files.
    """

    code: str
    """The fingerprint of the step's code."""
    parameters: Mapping[str, JsonValue]
    """All parameters, including defaults."""
    inputs: Mapping[str, InputDigest]
    gathered: Mapping[str, str]
    """Input → "list", "tuple" or "dict", for inputs that are collections of outputs."""
    outputs: str
    """The names and types of the declared outputs, in order."""
    materializers: str
    """A digest of the materializers that may write the outputs, with their versions."""
    store: Mapping[str, JsonValue]
    """The flavor and resolved configuration of the artifact store."""
    repetition: int = 0
    """The number of equal uses of the step before this one in the pipeline. Each use has its own
    result, such as other random numbers."""

    @property
    def digest(self) -> str:
        """sha256 of all parts, in hexadecimal."""
        return hashlib.sha256(canonical_json(self, ascii=True).encode()).hexdigest()
