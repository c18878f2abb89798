"""Tensors: what models are asked with and what they answer, as the Open Inference Protocol has it.

The protocol, version 2: https://github.com/kserve/open-inference-protocol
"""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Tensor(NamedTuple):
    """A named array of one type, flat, in row-major order."""

    name: str
    datatype: str
    """"BOOL", "INT64", "FP64", "BYTES" (texts), …: the names of the protocol."""
    shape: Sequence[int]
    data: Sequence[Any]
    """As many values as the shape has places."""
