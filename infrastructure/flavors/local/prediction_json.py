"""The JSON of predictions: what the server of `local` understands, and what it answers.

Three forms, recognized by their content: plain rows; MLflow's, such as {"dataframe_split": …}; and
a request of the Open Inference Protocol. Numpy and pandas are used where they are installed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from stackfold.infrastructure.flavors.local.plain_tensors import (
    checked_rows,
    lists_of,
    nested,
    tensors_of,
)
from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    InferenceTensor,
    InvalidInput,
    model_input,
    named_arrays,
    to_tensor,
)

_HAS_NUMPY = find_spec("numpy") is not None
_HAS_PANDAS = find_spec("pandas") is not None
_MLFLOW = ("inputs", "instances", "dataframe_split", "dataframe_records")
_FORMS = "rows such as [[5.1, 3.5]], or an object with one of " + ", ".join(_MLFLOW)


class Asked(NamedTuple):
    """A request for a prediction."""

    rows: Any
    """What the model's `predict` takes."""
    answer: Callable[[Sequence[InferenceTensor]], Any]
    """(the outputs) → the content of the response."""


def asked(body: bytes, name: str) -> Asked:
    """Parse the body of a request.

    Args:
        body: The JSON.
        name: The name of the model.

    Raises:
        InvalidInput: The model cannot be asked by this.
    """
    try:
        content = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise InvalidInput("the body is nested too deeply") from None
    except ValueError as error:
        raise InvalidInput(f"the body is no JSON: {error}") from None
    try:
        return _asked(content, name)
    except RecursionError:
        raise InvalidInput("the body is nested too deeply") from None


def outputs(predicted: Any) -> list[InferenceTensor]:
    """Convert what a model returned to tensors.

    Raises:
        InvalidInput: JSON cannot carry it.
    """
    if _HAS_NUMPY:
        return [to_tensor(name, array) for name, array in named_arrays(predicted).items()]
    return tensors_of(predicted)


def _asked(content: Any, name: str) -> Asked:
    if isinstance(content, list):
        return Asked(_rows(content), _lists)
    if not isinstance(content, dict):
        raise InvalidInput(f"give {_FORMS}")
    given = [each for each in _MLFLOW if each in content]
    if len(given) != 1:
        raise InvalidInput(f"give {_FORMS}")
    (form,), value = given, content[given[0]]
    if form == "inputs" and _are_tensors(value):
        tensors = [_tensor(each) for each in value]
        return Asked(_input(tensors), _response(name, content.get("id")))
    rows = _split(value) if form == "dataframe_split" else _rows(value)
    return Asked(rows, lambda found: {"predictions": _lists(found)})


# -- requests


def _rows(value: Any) -> Any:
    """An array; of objects, a data frame."""
    if isinstance(value, dict):  # MLflow's named tensors
        return _frame(value)
    if not isinstance(value, list) or not value:
        raise InvalidInput("there is no row: give a list such as [[5.1, 3.5]]")
    if all(isinstance(each, dict) for each in value):
        return _frame(value)
    if not _HAS_NUMPY:
        return checked_rows(value)
    import numpy

    try:
        array = numpy.array(value)
    except ValueError:
        raise InvalidInput("the rows are of different lengths") from None
    return _numbers(array)


def _numbers(array: Any) -> Any:
    """An array of numbers with null for NaN, which would be one of objects otherwise."""
    if array.dtype.kind != "O":
        return array
    if any(isinstance(each, dict) for each in array.flat):
        raise InvalidInput("the rows are objects and lists side by side")
    try:
        return array.astype("float64")
    except (TypeError, ValueError, OverflowError):
        return array


def _split(value: Any) -> Any:
    try:
        columns, data = value["columns"], value["data"]
        rows = [dict(zip(columns, row, strict=True)) for row in data]
    except (TypeError, KeyError, ValueError):
        problem = "dataframe_split needs columns, and data with a value for each"
        raise InvalidInput(problem) from None
    return _frame(rows)


def _frame(rows: Any) -> Any:
    if not _HAS_PANDAS:
        return rows
    import pandas

    try:
        return pandas.DataFrame(rows)
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"the columns make no data frame: {error}") from None


def _are_tensors(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict) and "datatype" in each for each in value
    )


def _tensor(value: Mapping[str, Any]) -> InferenceTensor:
    try:
        name, datatype, shape, data = (value[each] for each in InferenceTensor._fields)
    except KeyError as error:
        raise InvalidInput(f"an input has no {error.args[0]}") from None
    is_tensor = isinstance(name, str) and isinstance(datatype, str) and isinstance(data, list)
    if not is_tensor or not isinstance(shape, list) or any(type(each) is not int for each in shape):
        raise InvalidInput("an input needs a name and datatype as texts, and lists shape and data")
    return InferenceTensor(name, datatype, shape, data)


def _input(tensors: Sequence[InferenceTensor]) -> Any:
    return model_input(tensors) if _HAS_NUMPY else lists_of(tensors)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON: give null")


# -- responses


def _lists(found: Sequence[InferenceTensor]) -> Any:
    values = {each.name: nested(each) for each in found}
    return next(iter(values.values())) if len(values) == 1 else values


def _response(name: str, id: Any) -> Callable[[Sequence[InferenceTensor]], Any]:
    identified = {"id": id} if isinstance(id, str) else {}

    def answer(found: Sequence[InferenceTensor]) -> Any:
        return {
            "model_name": name,
            **identified,
            "outputs": [
                {
                    "name": each.name,
                    "datatype": each.datatype,
                    "shape": [*each.shape],
                    "data": [*each.data],
                }
                for each in found
            ],
        }

    return answer
