"""Checking a component's configuration against its flavor."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from stackfold.application.ports import SecretReader, StackComponent
from stackfold.domain.errors import InvalidConfiguration
from stackfold.domain.limits import DEPTH


def explicit(flavor: type[StackComponent], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Only the attributes that were given, as JSON values of the types that the flavor declares.

    Args:
        flavor: The flavor's class.
        configuration: Attribute → value; a text where a list or an object is wanted is read
            as JSON.

    Raises:
        InvalidConfiguration: It does not fit; every problem is named, and no value is repeated.
    """
    _must_be_recordable(flavor, configuration)
    set_ones: dict[str, Any] = _model(flavor, configuration).model_dump(
        mode="json", exclude_unset=True
    )
    _must_be_recordable(flavor, set_ones)
    _must_hold_no_password(flavor, set_ones)
    return set_ones


def resolved(flavor: type[StackComponent], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Every attribute of the flavor, defaults included, as JSON values; raises as `explicit`."""
    everything: dict[str, Any] = _model(flavor, configuration).model_dump(mode="json")
    return everything


def build(
    flavor: type[StackComponent],
    configuration: Mapping[str, Any],
    home: Path,
    secrets: SecretReader,
) -> StackComponent:
    """An instance of the flavor's class with that configuration; raises as `explicit`.

    It holds references to secrets, and the way to their values; it asks for them when it must.
    """
    component = flavor(_model(flavor, configuration), home)
    component.secrets = secrets
    return component


def _model(flavor: type[StackComponent], configuration: Mapping[str, Any]) -> BaseModel:
    model, problems = _validated(flavor, configuration)
    if model is None:
        read = _read_as_json(configuration, problems)
        model, problems = _validated(flavor, {**configuration, **read})
    if model is None:
        known = list(flavor.Configuration.model_fields)
        raise InvalidConfiguration(
            _subject(flavor), dict(_problem(each, known) for each in problems)
        )
    return model


def _validated(
    flavor: type[StackComponent], configuration: Mapping[str, Any]
) -> tuple[BaseModel | None, Sequence[Any]]:
    try:
        return flavor.Configuration.model_validate(dict(configuration)), ()
    except ValidationError as error:
        # It quotes its input, which may be a secret: it must end here, and be nobody's context.
        return None, error.errors(include_url=False, include_input=False, include_context=False)


def _read_as_json(configuration: Mapping[str, Any], problems: Sequence[Any]) -> dict[str, Any]:
    """Texts that do not fit as they are, such as `[1, 2]`, read as JSON where that is possible."""
    read = {}
    for problem in problems:
        name = str(problem["loc"][0]) if problem["loc"] else ""
        text = configuration.get(name)
        if isinstance(text, str):
            with suppress(ValueError, RecursionError):
                read[name] = json.loads(text)
    return read


def _subject(flavor: type[StackComponent]) -> str:
    return f"{flavor.flavor} {flavor.component_type.noun}"


def _must_be_recordable(flavor: type[StackComponent], values: Mapping[str, Any]) -> None:
    problems = {name: problem for name in values if (problem := _unrecordable(values[name]))}
    if problems:
        raise InvalidConfiguration(_subject(flavor), problems)


def _unrecordable(value: Any, depth: int = 0) -> str:
    """Why JSON could not carry a value everywhere; empty if it could."""
    if depth > DEPTH:
        return "is nested too deeply"
    match value:
        case float() if not isfinite(value):
            return "must be a finite number"
        case int() if not -(2**63) <= value < 2**64:
            return "must be a number of at most 64 bits"
        case str() if value != value.encode(errors="replace").decode():
            return "is not valid Unicode"
        case dict():
            parts = (_unrecordable(each, depth + 1) for each in (*value, *value.values()))
            return next(filter(None, parts), "")
        case list() | tuple():
            return next(filter(None, (_unrecordable(each, depth + 1) for each in value)), "")
    return ""


_PASSWORD = re.compile(r"://[^\s/?#@:]*:(?!\{\{)[^\s/?#@]+@")
"""An address with a password in it, as in https://me:password@example.com."""


def _must_hold_no_password(flavor: type[StackComponent], values: Mapping[str, Any]) -> None:
    """Refuse what only a flavor that knows of it would refuse with better words."""
    problem = (
        "holds a password and the log is forever: leave it out of the address, and give it where "
        "the flavor takes a secret"
    )
    names = [name for name, value in values.items() if any(map(_PASSWORD.search, _texts(value)))]
    if names:
        raise InvalidConfiguration(_subject(flavor), dict.fromkeys(names, problem))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from _texts([*value, *value.values()])
        case list() | tuple():
            for each in value:
                yield from _texts(each)


def _problem(problem: Any, known: list[str]) -> tuple[str, str]:
    attribute = ".".join(map(str, problem["loc"])) or "configuration"
    match problem["type"]:
        case "extra_forbidden":
            allowed = f"it has {', '.join(known)}" if known else "it has none"
            return attribute, f"no such attribute, {allowed}"
        case "missing":
            return attribute, "required, but not given"
        case _:
            return attribute, problem["msg"].removeprefix("Value error, ")
