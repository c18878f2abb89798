"""Tensors as nested lists, for servers whose environment has no numpy."""

from collections.abc import Mapping, Sequence
from itertools import chain
from math import isfinite, isnan, prod
from typing import Any

from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    DEFAULT_OUTPUT,
    InferenceTensor,
    InvalidInput,
)

_KINDS: tuple[tuple[set[type], str], ...] = (
    ({bool}, "BOOL"),
    ({int}, "INT64"),
    ({int, float}, "FP64"),
    ({str}, "BYTES"),
)
"""Types that a tensor can mix → its datatype; the first that matches is used."""


def nested(tensor: InferenceTensor) -> Any:
    """Return the values of a tensor as nested lists; one value if it has no dimension."""
    return _reshaped(tensor.data, tensor.shape) if tensor.shape else tensor.data[0]


def lists_of(tensors: Sequence[InferenceTensor]) -> Any:
    """Return the lists of one tensor; of several, the name of each → its lists.

    Raises:
        InvalidInput: The values do not fit the shape.
    """
    found = {}
    for each in tensors:
        shape, values = _flat(each.data)
        if prod(each.shape) != len(values) or (len(shape) > 1 and shape != [*each.shape]):
            problem = f"has {len(values)} values for the shape {[*each.shape]}"
            raise InvalidInput(f"the input {each.name!r} {problem}")
        found[each.name] = nested(each._replace(data=values))
    if not found:
        raise InvalidInput("there is no input")
    return next(iter(found.values())) if len(found) == 1 else found


def checked_rows(value: Sequence[Any]) -> Sequence[Any]:
    """Return nested lists of equal lengths as they are.

    Raises:
        InvalidInput: Their lengths differ.
    """
    _flat(value)
    return value


def tensors_of(predicted: Any) -> list[InferenceTensor]:
    """Convert what a model returned: one value, nested lists, or a mapping of names to these.

    Raises:
        InvalidInput: JSON cannot carry it.
    """
    named = predicted if isinstance(predicted, Mapping) else {DEFAULT_OUTPUT: predicted}
    return [_tensor(str(name), values) for name, values in named.items()]


def _tensor(name: str, value: Any) -> InferenceTensor:
    shape, values = _flat(value)
    kinds = {type(each) for each in values if each is not None}
    datatype = next((datatype for of, datatype in _KINDS if kinds <= of), None)
    if datatype is None:
        names = ", ".join(sorted(each.__name__ for each in kinds))
        raise InvalidInput(f"the model predicts {names} in {name!r}, which JSON cannot carry")
    if datatype == "FP64":
        values = [None if each is None or isnan(each) else float(each) for each in values]
        if not all(each is None or isfinite(each) for each in values):
            problem = f"the model predicts infinity in {name!r}, which JSON cannot represent"
            raise InvalidInput(problem)
    return InferenceTensor(name, datatype, shape, values)


def _flat(value: Any) -> tuple[list[int], list[Any]]:
    """The shape and the values of nested lists, in row-major order."""
    shape: list[int] = []
    level = [value]
    while level and all(isinstance(each, list | tuple) for each in level):
        lengths = {len(each) for each in level}
        if len(lengths) > 1:
            raise InvalidInput("the rows are of different lengths")
        shape += lengths
        level = [*chain.from_iterable(level)]
    if any(isinstance(each, list | tuple) for each in level):
        raise InvalidInput("lists and values are side by side")
    return shape, level


def _reshaped(values: Sequence[Any], shape: Sequence[int]) -> list[Any]:
    first, *rest = shape
    if not rest:
        return [*values]
    size = prod(rest)
    return [_reshaped(values[i * size : (i + 1) * size], rest) for i in range(first)]
