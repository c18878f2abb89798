"""Checking a component's configuration against its flavor."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from stackfold.application.ports import StackComponent
from stackfold.domain.errors import InvalidConfiguration


def explicit(flavor: type[StackComponent], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Only the attributes that were given, as JSON values of the types that the flavor declares.

    Args:
        flavor: The flavor's class.
        configuration: Attribute → value; a text where a list or an object is wanted is read
            as JSON.

    Raises:
        InvalidConfiguration: It does not fit; every problem is named, and no value is repeated.
    """
    set_ones: dict[str, Any] = _model(flavor, configuration).model_dump(
        mode="json", exclude_unset=True
    )
    return set_ones


def resolved(flavor: type[StackComponent], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Every attribute of the flavor, defaults included, as JSON values; raises as `explicit`."""
    everything: dict[str, Any] = _model(flavor, configuration).model_dump(mode="json")
    return everything


def build(
    flavor: type[StackComponent], configuration: Mapping[str, Any], home: Path
) -> StackComponent:
    """An instance of the flavor's class with that configuration; raises as `explicit`."""
    return flavor(_model(flavor, configuration), home)


def _model(flavor: type[StackComponent], configuration: Mapping[str, Any]) -> BaseModel:
    try:
        return flavor.Configuration.model_validate(dict(configuration))
    except ValidationError as error:
        read = {**configuration, **_read_as_json(error)}
    try:
        return flavor.Configuration.model_validate(read)
    except ValidationError as error:
        subject = f"{flavor.flavor} {flavor.component_type.noun}"
        known = list(flavor.Configuration.model_fields)
        problems = error.errors(include_url=False, include_input=False)
        # The error quotes its input, which may be a secret: it must not be the cause of ours.
        raise InvalidConfiguration(
            subject, dict(_problem(each, known) for each in problems)
        ) from None


def _read_as_json(error: ValidationError) -> dict[str, Any]:
    """Texts that do not fit as they are, such as `[1, 2]`, read as JSON where that is possible."""
    read = {}
    for problem in error.errors(include_url=False):
        value = problem["input"]
        if len(problem["loc"]) == 1 and isinstance(value, str):
            try:
                read[str(problem["loc"][0])] = json.loads(value)
            except json.JSONDecodeError:
                continue
    return read


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
