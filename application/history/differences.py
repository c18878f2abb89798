"""What differs between two states, field by field."""

from collections.abc import Mapping, Sequence
from typing import Any

from stackfold.application.stacks.views import Change, ComponentView, StackView
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.stacks.component_type import ComponentType

_TYPES = tuple(type.value for type in ComponentType)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The fields in which two states differ, in the order in which they come."""
    fields = dict.fromkeys([*before, *after])
    return [
        Change(field, before.get(field), after.get(field))
        for field in fields
        if _differ(before.get(field), after.get(field))
    ]


def _differ(one: Any, other: Any) -> bool:
    if one is None or other is None or (type(one) is str and type(other) is str):
        return bool(one != other)
    return _exact(one) != _exact(other)


def _exact(value: Any) -> str:
    # To Python 1, 1.0 and True are equal; to a flavor they are not.
    return canonical_json(value, default=str)


def stack_fields(
    name: str, description: str, labels: Mapping[str, str], components: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """A stack's state as flat fields; empty ones are left out.

    Args:
        name: Its name.
        description: Its description.
        labels: Label → text.
        components: Component type → names, the default one first.
    """
    fields: dict[str, Any] = {"name": name}
    if description:
        fields["description"] = description
    fields |= {f"label {key}": text for key, text in labels.items()}
    held = {type: ", ".join(names) for type, names in components.items() if names}
    return fields | {type: held[type] for type in _TYPES if type in held}


def whole_stack(
    stack: StackView, components: Sequence[ComponentView], resolved: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A stack with everything behind it as flat fields, to compare it with another.

    Args:
        stack: The stack.
        components: The components that it holds.
        resolved: Component id → its configuration, defaults included.
    """
    fields = stack_fields("", stack.description, stack.labels, stack.components)
    del fields["name"]
    for component in components:
        several = ComponentType(component.type).several_per_stack
        prefix = f"{component.type}[{component.name}]" if several else component.type
        fields[f"{prefix}.flavor"] = component.flavor
        for attribute, value in sorted(resolved[component.id].items()):
            fields[f"{prefix}.{attribute}"] = value
    return fields
