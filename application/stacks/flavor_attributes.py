"""The attributes of a flavor, as the JSON Schema of its configuration describes them."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class FlavorAttribute(NamedTuple):
    """An attribute of the configuration of a flavor."""

    attribute: str
    """Its name."""
    type: str
    """Its type in a word or two; "secret" for a reference to a secret."""
    required: bool
    default: Any
    description: str | None


def attributes(schema: dict[str, Any]) -> Iterator[FlavorAttribute]:
    """Yield the attributes that a configuration's JSON Schema describes."""
    required = schema.get("required", ())
    for name, described in schema.get("properties", {}).items():
        yield FlavorAttribute(
            name,
            _kind(described, schema),
            name in required,
            described.get("default"),
            described.get("description"),
        )


def _kind(described: dict[str, Any], schema: dict[str, Any]) -> str:
    """Name the type of a value in a word or two."""
    match described:
        case {"$ref": reference}:
            return _kind(schema["$defs"][reference.rpartition("/")[2]], schema)
        case {"anyOf": kinds} | {"oneOf": kinds}:
            names = [_kind(each, schema) for each in kinds]
            return " or ".join(name for name in names if name != "null")
        case {"format": "secret-reference"}:
            return "secret"
        case {"enum": values}:
            return " or ".join(map(repr, values))
        case {"const": value}:
            return repr(value)
        case {"type": "array", "items": items} if items:
            return f"list of {_kind(items, schema)}"
        case {"type": kind}:
            return str(kind)
    return "any"
