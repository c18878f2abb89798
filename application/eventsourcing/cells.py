"""Cells of read models that hold JSON."""

import json
from typing import Any

from stackfold.domain.errors import ReadModelDamaged

_decoded = json.JSONDecoder().raw_decode


def cell(text: str) -> Any:
    """What the JSON in a cell says; in half the time of `json.loads`, which lists consist of.

    Raises:
        ReadModelDamaged: It is no JSON object or array, or null.
    """
    if text == "{}":
        return {}
    try:
        value = _decoded(text)[0]
    except (TypeError, ValueError) as error:
        raise ReadModelDamaged("a read model holds what cannot be read") from error
    if value is not None and not isinstance(value, dict | list):
        raise ReadModelDamaged("a read model holds what was never written there")
    return value


def mapping(text: str) -> dict[str, Any]:
    """What the JSON object in a cell says.

    Raises:
        ReadModelDamaged: It is no JSON object.
    """
    value = cell(text)
    if not isinstance(value, dict):
        raise ReadModelDamaged("a read model holds what was never written there")
    return value
