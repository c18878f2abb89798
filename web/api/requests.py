"""Reads the variables of an operation from a request."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from stackfold.domain.errors import Invalid
from stackfold.web.api.operations import Operation, Parameter

Position = Callable[[str], str]
"""Returns the position of a point in the past, as "#POSITION"."""


def arguments(
    operation: Operation,
    path: Mapping[str, str],
    query: Sequence[tuple[str, str]],
    position: Position,
) -> dict[str, Any]:
    """The keywords for the function of an operation.

    Args:
        operation: The operation.
        path: The variables of its path.
        query: The names and values of the query.
        position: Resolves points in the past.

    Raises:
        Invalid: A field is unknown, missing, given twice, or no value of its type.
        InvalidAsOf: A point in the past has an unknown form.
        AsOfOutOfRange: It is not in the log.
    """
    known = {each.name for each in operation.parameters if each.where == "query"}
    for name, _ in query:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise Invalid(f"there is no parameter {name!r:.100} here: the parameters are {listed}")
    return {
        each.name: _argument(
            each, path, [text for name, text in query if name == each.name], position
        )
        for each in operation.parameters
    }


def _argument(
    parameter: Parameter, path: Mapping[str, str], given: Sequence[str], position: Position
) -> Any:
    if parameter.where == "path":
        return path[parameter.name]
    if parameter.several:
        return tuple(_value(parameter, text) for text in given)
    if len(given) > 1:
        raise Invalid(f"{parameter.name} is given {len(given)} times: give it once")
    if not given or (parameter.is_past and not given[0].strip()):
        if parameter.is_required:
            raise Invalid(f"{parameter.name} is missing: {parameter.description}")
        return parameter.default
    return position(given[0].strip()) if parameter.is_past else _value(parameter, given[0])


def _value(parameter: Parameter, text: str) -> Any:
    if parameter.hint is bool:
        return _chosen(parameter, text, ("true", "false")) == "true"
    if parameter.hint is int:
        return _number(parameter, text)
    if get_origin(parameter.hint) is Literal:
        return _chosen(parameter, text, get_args(parameter.hint))
    return text


def _chosen(parameter: Parameter, text: str, options: Sequence[str]) -> str:
    if text not in options:
        raise Invalid(f"{parameter.name} is {text!r:.100}: give one of {', '.join(options)}")
    return text


def _number(parameter: Parameter, text: str) -> int:
    smallest, largest = parameter.bounds or (0, 2**53 - 1)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else -1
    if not smallest <= number <= largest:
        raise Invalid(
            f"{parameter.name} is {text!r:.50}: give a whole number from {smallest} to {largest}"
        )
    return number
