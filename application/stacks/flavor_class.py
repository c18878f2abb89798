"""Checks that a class is a flavor."""

import inspect
from functools import lru_cache
from typing import Any

from pydantic.errors import PydanticUserError

from stackfold.application.ports import Configuration, StackComponent
from stackfold.domain.errors import InvalidFlavor
from stackfold.domain.stacks.component_type import ComponentType


def checked(
    found: object, source: str, type: ComponentType, port: "type[StackComponent] | None"
) -> type[StackComponent]:
    """Return a flavor's class as what it is.

    Args:
        found: What was found at `source`.
        source: Its address, as "module.Class".
        type: The component type.
        port: The class that its flavors derive from; None if nothing declares the type here.

    Raises:
        InvalidFlavor: It does not implement the port of that type.
    """
    if port is None and getattr(found, "component_type", None) == type:
        # As in the process of a step, which has the class but not the declaration of its type.
        port = StackComponent
    if port is None:
        raise InvalidFlavor(source, f"it is no {type.noun}, as its `component_type` says")
    if not inspect.isclass(found) or not issubclass(found, port):
        raise InvalidFlavor(source, f"it must be a class that derives from {port.__name__}")
    problem = _problem(found)
    if problem:
        raise InvalidFlavor(source, problem)
    return found


@lru_cache
def _problem(flavor: type[StackComponent]) -> str:
    """Why a class is no flavor; empty if it is one."""
    if inspect.isabstract(flavor):
        return f"it does not define {', '.join(sorted(flavor.__abstractmethods__))}"
    model = getattr(flavor, "Configuration", None)
    if not inspect.isclass(model) or not issubclass(model, Configuration):
        return "it needs a Configuration derived from ours"
    if not isinstance(getattr(flavor, "flavor", None), str):
        return "it needs a name in the class attribute 'flavor'"
    for name, field in model.model_fields.items():
        if field.alias is not None:
            return f"its attribute {name!r} may have no alias"
        if "pydantic.types.Secret" in str(field.annotation):
            # What it shows of itself is stars, and those would be recorded.
            return f"its attribute {name!r} must be of our type Secret"
    return ""


def schema_of(source: str, flavor: type[StackComponent]) -> dict[str, Any]:
    """Return the JSON schema of a flavor's configuration."""
    try:
        return flavor.Configuration.model_json_schema()
    except PydanticUserError as error:
        problem = str(error).partition("\n")[0]
        raise InvalidFlavor(source, f"its Configuration has no JSON schema: {problem}") from error
