"""Tensors of the Open Inference Protocol, as numpy arrays and back.

Outside of functions, modules of a server's process import only the standard library: its
environment may lack the dependencies of Stackfold.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

DEFAULT_OUTPUT = "predict"
"""The name of a model's only output."""

_DTYPES = {
    "BOOL": "bool",
    **{
        f"{sign}INT{bits}": f"{sign}int{bits}".lower()
        for sign in ("", "U")
        for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
}
"""The protocol's datatype → numpy's dtype. BYTES, for strings, has none."""
_DATATYPES = {dtype: datatype for datatype, dtype in _DTYPES.items()}
_PYTHON_TYPES: dict[str, set[type]] = {"B": {bool}, "I": {int}, "U": {int}, "F": {int, float}}
"""First letter of a datatype → the types that its values may have."""


class InvalidInput(ValueError):
    """The model cannot predict from these inputs; the text says why, in one line."""


class InferenceTensor(NamedTuple):
    """A tensor of the protocol."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[Any]


def model_input(inputs: Sequence[InferenceTensor]) -> Any:
    """Convert tensors to what a model's `predict` takes.

    Returns:
        An array for a single tensor; for several a data frame, whose columns they are.

    Raises:
        InvalidInput: The tensors are invalid, or cannot be columns.
    """
    if not inputs:
        raise InvalidInput("there is no input")
    arrays = {each.name: to_array(each) for each in inputs}
    if len(arrays) < len(inputs):
        raise InvalidInput("two inputs have the same name")
    if len(arrays) == 1:
        return arrays.popitem()[1]
    try:
        import pandas
    except ImportError:
        problem = "several inputs are a data frame, and the server has no pandas"
        raise InvalidInput(problem) from None
    lengths = {each.shape[0] if each.ndim else 0 for each in arrays.values()}
    if len(lengths) > 1 or any(each.size != each.shape[0] for each in arrays.values() if each.ndim):
        problem = "several inputs are the columns of a data frame: give all the same length"
        raise InvalidInput(problem)
    return pandas.DataFrame({name: each.ravel() for name, each in arrays.items()})


def to_array(tensor: InferenceTensor) -> Any:
    """Convert a tensor to a numpy array.

    Raises:
        InvalidInput: The values do not have the datatype, or do not fit the shape.
    """
    import numpy

    name, datatype, shape, data = tensor
    values = [*_flat(data)]
    if any(length < 0 for length in shape) or prod(shape) != len(values):
        problem = f"the input {name!r} has {len(values)} values for the shape {[*shape]}"
        raise InvalidInput(problem)
    if datatype == "BYTES":
        texts = [each.decode() if isinstance(each, bytes) else each for each in values]
        if not all(isinstance(each, str) for each in texts):
            raise InvalidInput(f"the input {name!r} must hold texts")
        return numpy.array(texts, dtype=object).reshape(shape)
    if datatype not in _DTYPES:
        raise InvalidInput(f"there is no datatype {datatype!r}: give BYTES, {', '.join(_DTYPES)}")
    if datatype.startswith("FP"):  # JSON has null instead of NaN
        values = [numpy.nan if each is None else each for each in values]
    if not {type(each) for each in values} <= _PYTHON_TYPES[datatype[0]]:
        raise InvalidInput(f"the input {name!r} has values that are no {datatype}")
    try:
        return numpy.array(values, dtype=_DTYPES[datatype]).reshape(shape)
    except (OverflowError, ValueError) as error:
        raise InvalidInput(f"the input {name!r}: {error}") from error


def named_arrays(predicted: Any) -> dict[str, Any]:
    """Convert what a model returned to output name → array.

    Args:
        predicted: A data frame, a mapping of names to values, or the values of a single output.
    """
    import numpy

    if hasattr(predicted, "columns") and hasattr(predicted, "to_numpy"):
        return {str(name): predicted[name].to_numpy() for name in predicted.columns}
    if isinstance(predicted, Mapping):
        return {str(name): numpy.asarray(values) for name, values in predicted.items()}
    return {DEFAULT_OUTPUT: numpy.asarray(predicted)}


def to_tensor(name: str, array: Any) -> InferenceTensor:
    """Convert a numpy array to a tensor.

    Raises:
        InvalidInput: JSON cannot carry its values.
    """
    import numpy

    if array.dtype.kind == "O" and not all(isinstance(each, str) for each in array.flat):
        array = numpy.array(array.tolist())
    if array.dtype.kind in "UOSMm":
        texts = array.astype(str).ravel().tolist()
        return InferenceTensor(name, "BYTES", [*array.shape], texts)
    if array.dtype.name not in _DATATYPES:
        array = array.astype("float64")
    data: list[Any] = array.ravel().tolist()
    if array.dtype.kind == "f":
        if numpy.isinf(array).any():
            problem = f"the model predicts infinity in {name!r}, which JSON cannot represent"
            raise InvalidInput(problem)
        data = [None if each != each else each for each in data]  # noqa: PLR0124  # NaN
    return InferenceTensor(name, _DATATYPES[array.dtype.name], [*array.shape], data)


def _flat(data: Any) -> Iterator[Any]:
    """The values of nested lists, row by row: the protocol allows both forms."""
    for each in data:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each
