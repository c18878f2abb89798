"""What is recorded of a request: the rows that the model got, with its predictions.

This module is imported by the recorder, so it imports the standard library only.
"""

import json
from collections.abc import Mapping, Sequence, Set
from itertools import chain
from math import prod
from typing import Any

PREDICTION = "prediction"
"""The column of a model's only output."""
_INPUT = "input_{}"
_MLFLOW = ("inputs", "instances", "dataframe_split", "dataframe_records")

Rows = list[dict[str, Any]]


class NotUnderstood(ValueError):
    """The content is in none of the known forms."""


def recorded_rows(request: bytes, response: bytes | None, leave_out: Set[str]) -> Rows:
    """The rows of a request, each with its predictions, without the fields to leave out.

    The columns of unnamed rows are called input_0, input_1 and so on, an only output prediction,
    and several outputs prediction_NAME.

    Args:
        request: The body of the request.
        response: The body of the response; None if it is an error.
        leave_out: The names of columns, and of fields of objects in them.

    Raises:
        NotUnderstood: It is no JSON, or in none of the forms that model servers take.
    """
    inputs = _inputs(_parsed(request))
    if response is not None:
        outputs = _outputs(_parsed(response))
        if len(outputs) != len(inputs):
            raise NotUnderstood("there is another number of predictions than of rows")
        inputs = [{**row, **output} for row, output in zip(inputs, outputs, strict=True)]
    return [_without(row, leave_out) for row in inputs] if leave_out else inputs


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotUnderstood("it is no JSON") from None


def _inputs(content: Any) -> Rows:
    if isinstance(content, list):
        return _rows(content, _INPUT)
    given = [each for each in _MLFLOW if isinstance(content, dict) and each in content]
    if len(given) != 1:
        raise NotUnderstood("it is in no known form")
    value = content[given[0]]
    if given == ["dataframe_split"]:
        return _split(value)
    if given == ["inputs"] and _are_tensors(value):
        found = {each["name"]: _lists(each) for each in value}
        if len(found) > 1:
            return _columns({name: [*map(_scalar, values)] for name, values in found.items()})
        return _rows(next(iter(found.values())), _INPUT)
    return _columns(value) if isinstance(value, dict) else _rows(value, _INPUT)


def _outputs(content: Any) -> Rows:
    if isinstance(content, dict) and "predictions" in content:
        content = content["predictions"]
    elif isinstance(content, dict) and _are_tensors(content.get("outputs")):
        found = {each["name"]: _lists(each) for each in content["outputs"]}
        content = next(iter(found.values())) if len(found) == 1 else found
    if isinstance(content, dict):
        return _columns({f"{PREDICTION}_{name}": values for name, values in content.items()})
    if not isinstance(content, list):
        raise NotUnderstood("its response is in no known form")
    if content and all(isinstance(each, dict) for each in content):
        return [{f"{PREDICTION}_{name}": v for name, v in each.items()} for each in content]
    return [{PREDICTION: each} for each in content]


def _rows(value: Any, column: str) -> Rows:
    if not isinstance(value, list):
        raise NotUnderstood("its rows are no list")
    if all(isinstance(each, dict) for each in value):
        return value
    if all(isinstance(each, list) for each in value):
        return [{column.format(n): each for n, each in enumerate(row)} for row in value]
    return [{column.format(0): each} for each in value]


def _columns(columns: Mapping[str, Any]) -> Rows:
    lists = {name: each for name, each in columns.items() if isinstance(each, list)}
    if len(lists) < len(columns) or len({len(each) for each in lists.values()}) > 1:
        raise NotUnderstood("its columns are of different lengths")
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _split(value: Any) -> Rows:
    try:
        return [dict(zip(value["columns"], row, strict=True)) for row in value["data"]]
    except (TypeError, KeyError, ValueError):
        raise NotUnderstood("dataframe_split has no columns and data that fit") from None


def _are_tensors(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and {"name", "shape", "data"} <= {*each} for each in value)
    )


def _lists(tensor: Mapping[str, Any]) -> list[Any]:
    """The values of a tensor as nested lists, one level per dimension."""
    shape, data = tensor["shape"], tensor["data"]
    if not isinstance(data, list) or not isinstance(shape, list):
        raise NotUnderstood("a tensor has no shape and data")
    while any(isinstance(each, list) for each in data):
        data = [*chain.from_iterable(each if isinstance(each, list) else [each] for each in data)]
    sizes = [each for each in shape if type(each) is int and each >= 0]
    if len(sizes) < len(shape) or prod(sizes) != len(data):
        raise NotUnderstood("a tensor has values that do not fit its shape")
    return _reshaped(data, sizes) if sizes else data


def _reshaped(values: Sequence[Any], shape: Sequence[int]) -> list[Any]:
    first, *rest = shape
    if not rest:
        return [*values]
    size = prod(rest)
    return [_reshaped(values[i * size : (i + 1) * size], rest) for i in range(first)]


def _scalar(value: Any) -> Any:
    """The value of a column that is n by 1."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _without(value: Any, names: Set[str]) -> Any:
    """Drop fields at every depth."""
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    if isinstance(value, list):
        return [_without(each, names) for each in value]
    return value
