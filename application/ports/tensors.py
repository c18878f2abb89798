"""Tensors: the inputs and outputs of predictions, as defined by the Open Inference Protocol.

The protocol, version 2: https://github.com/kserve/open-inference-protocol
"""

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from math import isfinite, prod
from typing import Any, NamedTuple

from stackfold.domain.errors import InvalidInputs


class Tensor(NamedTuple):
    """A named array of one type, flat, in row-major order."""

    name: str
    datatype: str
    """"BOOL", "INT64", "FP64", "BYTES" (texts), …: the names of the protocol."""
    shape: Sequence[int]
    data: Sequence[Any]
    """As many values as the shape has elements."""


ONLY = "input-0"
"""The name of an unnamed tensor."""

_INTEGERS = {
    **{f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
"""Datatype → its smallest and its largest value."""
DATATYPES = ("BOOL", *_INTEGERS, "FP16", "FP32", "FP64", "BYTES")

_KINDS: tuple[tuple[set[type], str], ...] = (
    ({bool}, "BOOL"),
    ({int}, "INT64"),
    ({int, float}, "FP64"),
    ({str}, "BYTES"),
)
"""Types that a tensor can mix → its datatype; the first that matches is used."""
_TITLES = {bool: "truth values", int: "numbers", float: "numbers", str: "texts"}


def tensors_of(inputs: Any) -> list[Tensor]:
    """Convert the inputs of a prediction to tensors.

    Args:
        inputs: One of: nested lists of equal lengths of numbers, booleans or strings, where
            integers among floats become floats; a numpy array; a pandas frame, which becomes one
            two-dimensional tensor if its columns have one type, else a named n by 1 tensor per
            column; a request of the protocol, as a mapping with "inputs"; JSON text of lists or
            of a request.

    Raises:
        InvalidInputs: It is none of these.
    """
    if isinstance(inputs, str | bytes):
        inputs = _parsed(inputs)
    if isinstance(inputs, Mapping):
        return _requested(inputs)
    if hasattr(inputs, "columns") and hasattr(inputs, "dtypes"):
        return _frame(inputs)
    return [_array(ONLY, inputs)]


def nested(tensor: Tensor) -> Any:
    """Return the values of a tensor as nested lists, one level per dimension.

    Args:
        tensor: The tensor.

    Raises:
        ValueError: The number of values differs from the shape.
    """
    values = [*tensor.data]
    if any(length < 0 for length in tensor.shape) or len(values) != prod(tensor.shape):
        raise ValueError(
            f"the tensor {tensor.name!r} has {len(values)} values and the shape {[*tensor.shape]}"
        )
    return _reshaped(values, tensor.shape) if tensor.shape else values[0]


def as_lists(tensors: Sequence[Tensor]) -> Any:
    """Return tensors as nested lists, as `nested` does.

    Args:
        tensors: One tensor or several.

    Returns:
        The list of a single tensor; of several, a dictionary of lists by tensor name.

    Raises:
        ValueError: The values of a tensor do not fill its shape.
    """
    found = {each.name: nested(each) for each in tensors}
    return next(iter(found.values())) if len(found) == 1 else found


def _reshaped(values: list[Any], shape: Sequence[int]) -> list[Any]:
    first, *rest = shape
    if not rest:
        return values
    size = prod(rest)
    return [_reshaped(values[i * size : (i + 1) * size], rest) for i in range(first)]


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise InvalidInputs("it is nested too deeply") from None
    except ValueError as error:  # bytes that are no UTF-8, too
        raise InvalidInputs(f"it is no JSON ({error})") from None


# -- lists and arrays


def _array(name: str, array: Any) -> Tensor:
    shape, values = _flat(array)
    if not shape:
        raise InvalidInputs("one value is no tensor: give a list, such as [[5.1, 3.5, 1.4, 0.2]]")
    if not values:
        raise InvalidInputs("it is empty")
    datatype = _declared(array) or _kind(values)
    return Tensor(name, datatype, shape, _checked(name, datatype, values))


def _flat(array: Any) -> tuple[list[int], list[Any]]:
    """Return the shape and the flat values, in row-major order."""
    if hasattr(array, "tolist"):  # of numpy, and of what is like it
        array = array.tolist()
    shape: list[int] = []
    level = [array]
    while level and all(isinstance(each, list | tuple) for each in level):
        lengths = {len(each) for each in level}
        if len(lengths) > 1:
            depth = "rows" if len(shape) == 1 else f"lists at depth {len(shape) + 1}"
            raise InvalidInputs(f"its {depth} are of different lengths: {_shortened(lengths)}")
        shape += lengths
        level = [*chain.from_iterable(level)]
    if any(isinstance(each, list | tuple) for each in level):
        raise InvalidInputs("it has lists and values side by side")
    return shape, level


def _declared(array: Any) -> str:
    """Return the datatype declared by an array; empty if the protocol does not know it."""
    dtype = getattr(array, "dtype", None)
    kind, size = getattr(dtype, "kind", ""), getattr(dtype, "itemsize", 0)
    prefix = {"b": "BOOL", "i": "INT", "u": "UINT", "f": "FP"}.get(kind, "")
    datatype = prefix if prefix == "BOOL" else f"{prefix}{8 * size}"
    return datatype if datatype in DATATYPES else ""


def _kind(values: Sequence[Any]) -> str:
    """Return the common datatype of values."""
    kinds = {type(value) for value in values}
    for of, datatype in _KINDS:
        if kinds <= of:
            return datatype
    for value in values:
        if type(value) not in _TITLES:
            name = "null" if value is None else f"a value of the type {type(value).__name__}"
            problem = f"it holds {name}, where a number, a truth value or a text is wanted"
            raise InvalidInputs(problem)
    mixed = " and ".join(sorted({_TITLES[kind] for kind in kinds}))
    raise InvalidInputs(f"it mixes {mixed}: give a request with several inputs")


def _checked(name: str, datatype: str, values: list[Any]) -> list[Any]:
    """Check values against a datatype; integers among floats become floats."""
    match datatype:
        case "BOOL":
            fitting = all(type(each) is bool for each in values)
        case "BYTES":
            fitting = all(type(each) is str for each in values)
        case _ if datatype in _INTEGERS:
            least, greatest = _INTEGERS[datatype]
            fitting = all(type(each) is int and least <= each <= greatest for each in values)
        case _:
            return _floats(name, datatype, values)
    if not fitting:
        raise InvalidInputs(f"the input {name!r} holds what is no {datatype}")
    return values


def _floats(name: str, datatype: str, values: list[Any]) -> list[Any]:
    if not all(type(each) in (int, float) for each in values):
        raise InvalidInputs(f"the input {name!r} holds what is no {datatype}")
    try:
        floats = [float(each) for each in values]
    except OverflowError:
        floats = [float("inf")]
    if not all(map(isfinite, floats)):
        problem = "holds NaN or infinity, which JSON cannot represent"
        raise InvalidInputs(f"the input {name!r} {problem}")
    return floats


# -- frames


def _frame(frame: Any) -> list[Tensor]:
    names = [*frame.columns]
    if len({*map(str, names)}) < len(names):
        raise InvalidInputs("two columns of the frame have the same name")
    columns = {str(name): [*frame[name].to_list()] for name in names}
    if not columns or not all(columns.values()):
        raise InvalidInputs("the frame is empty")
    kinds = {name: _kind(values) for name, values in columns.items()}
    if len(set(kinds.values())) == 1 or set(kinds.values()) == {"INT64", "FP64"}:
        rows = [[*row] for row in zip(*columns.values(), strict=True)]
        return [_array(ONLY, rows)]
    return [
        Tensor(name, kinds[name], [len(values), 1], _checked(name, kinds[name], values))
        for name, values in columns.items()
    ]


# -- requests of the protocol


def _requested(request: Mapping[str, Any]) -> list[Tensor]:
    inputs = request.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise InvalidInputs('a request needs "inputs", a list of tensors')
    unknown = [key for key in request if key not in ("inputs", "id")]
    if unknown:
        raise InvalidInputs(
            f"a request with {_shortened(unknown)} is not understood: give its inputs"
        )
    tensors = [_tensor(index, each) for index, each in enumerate(inputs)]
    if len({each.name for each in tensors}) < len(tensors):
        raise InvalidInputs("two inputs have the same name")
    return tensors


_KEYS = ("name", "shape", "datatype", "data")


def _tensor(index: int, request: Any) -> Tensor:
    which = f"the input number {index + 1}"
    if not isinstance(request, Mapping):
        raise InvalidInputs(f"{which} is no tensor: give {_shortened(_KEYS)}")
    if missing := {*_KEYS} - {*request}:
        raise InvalidInputs(f"{which} lacks {_shortened(missing)}")
    if unknown := {*request} - {*_KEYS}:
        raise InvalidInputs(f"{which} has {_shortened(unknown)}, which cannot be handed on")
    name, shape, datatype = request["name"], request["shape"], request["datatype"]
    if not isinstance(name, str) or not name:
        raise InvalidInputs(f"{which} has no name")
    if datatype not in DATATYPES:
        known = ", ".join(DATATYPES)
        raise InvalidInputs(f"the input {name!r} is of no known datatype: give one of {known}")
    if not isinstance(shape, list) or not shape or not all(_is_length(each) for each in shape):
        raise InvalidInputs(f"the input {name!r} has no shape, such as [2, 4]")
    if not isinstance(request["data"], list):
        raise InvalidInputs(f"the data of the input {name!r} is no list")
    found, values = _flat(request["data"])  # which may be nested, too
    if len(values) != prod(shape) or (len(found) > 1 and found != shape):
        problem = f"{len(values)} values, which do not fit its shape {shape}"
        raise InvalidInputs(f"the input {name!r} has {problem}")
    return Tensor(name, datatype, shape, _checked(name, datatype, values))


def _is_length(value: object) -> bool:
    return type(value) is int and value > 0


def _shortened(values: Any) -> str:
    shown = sorted(map(str, values))
    return ", ".join(shown[:5]) + (", …" if len(shown) > 5 else "")
