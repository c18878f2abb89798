"""Noun forms of component types, for help texts."""

from stackfold.domain.stacks.component_type import ComponentType


def a(type: ComponentType) -> str:
    """The noun with its article, such as `an orchestrator`."""
    return f"an {type.noun}" if type[0] in "aeiou" else f"a {type.noun}"


def plural(type: ComponentType) -> str:
    """The plural, such as `model registries`."""
    noun = type.noun
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def summary(type: ComponentType) -> str:
    """The help of the command group of a type."""
    return type.description or f"Register, inspect and change {plural(type)}."
