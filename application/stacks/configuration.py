"""Validates the configuration of a component against its flavor."""

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
    """Return the given attributes as JSON values of the types that the flavor declares.

    Args:
        flavor: The flavor's class.
        configuration: Attribute → value; a text is parsed as JSON if the attribute is a list or
            an object.

    Raises:
        InvalidConfiguration: The configuration is invalid. The message lists every problem, but no
            values, which may be secrets.
    """
    _require_recordable(flavor, configuration)
    set_ones: dict[str, Any] = _model(flavor, configuration).model_dump(
        mode="json", exclude_unset=True
    )
    _require_recordable(flavor, set_ones)
    _require_no_password(flavor, set_ones)
    return set_ones


def resolved(flavor: type[StackComponent], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return all attributes including defaults as JSON values; raises as `explicit`."""
    everything: dict[str, Any] = _model(flavor, configuration).model_dump(mode="json")
    return everything


def build(
    flavor: type[StackComponent],
    configuration: Mapping[str, Any],
    home: Path,
    secrets: SecretReader,
) -> StackComponent:
    """Create a component of a flavor; raises as `explicit`.

    The configuration contains references to secrets; the component reads the values when needed.
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
        # The error quotes its input, which may be a secret: it must not become a context.
        return None, error.errors(include_url=False, include_input=False, include_context=False)


def _read_as_json(configuration: Mapping[str, Any], problems: Sequence[Any]) -> dict[str, Any]:
    """Parse the texts of invalid attributes, such as `[1, 2]`, as JSON where that is possible."""
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


def _require_recordable(flavor: type[StackComponent], values: Mapping[str, Any]) -> None:
    problems = {name: problem for name in values if (problem := _unrecordable(values[name]))}
    if problems:
        raise InvalidConfiguration(_subject(flavor), problems)


def _unrecordable(value: Any, depth: int = 0) -> str:
    """Why a value cannot be recorded as portable JSON; empty if it can."""
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
"""A URL that contains a password, such as https://me:password@example.com."""


def _require_no_password(flavor: type[StackComponent], values: Mapping[str, Any]) -> None:
    """Reject URLs that contain a password."""
    problem = (
        "contains a password, and the log is permanent: remove it from the address, and pass it "
        "in the attribute of the flavor for a secret"
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
