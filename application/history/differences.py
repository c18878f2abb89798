"""What differs between two states, field by field."""

from collections.abc import Mapping
from typing import Any

from stackfold.application.history.views import Change
from stackfold.domain.canonical_json import canonical_json


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
