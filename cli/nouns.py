"""How component types are spoken of in help texts."""

from stackfold.domain.stacks.component_type import ComponentType


def a(type: ComponentType) -> str:
    """One of a type, such as `an orchestrator`."""
    return f"an {type.noun}" if type[0] in "aeiou" else f"a {type.noun}"


def plural(type: ComponentType) -> str:
    """Several of a type, such as `model registries`."""
    noun = type.noun
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def summary(type: ComponentType) -> str:
    """What the commands of a type are for."""
    return f"Register, look up and change {plural(type)}."
