"""Writes Python types of the OpenAPI document's schemas: `api_types.py`, for `api_client.py`.

After a change: `python tests/support/typed_dicts.py > tests/support/api_types.py`.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
USED = (
    "DeploymentViewPage",
    "HistoryEntryPage",
    "Metric",
    "Problem",
    "RunDescription",
    "RunDiff",
    "RunViewPage",
    "StackViewPage",
)
"""The schemas that the client uses; it gets the types that these contain too."""

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def module(document: dict[str, Any]) -> str:
    """The text of a module with a `TypedDict` for each schema that is used."""
    schemas = document["components"]["schemas"]
    wanted, found = [*USED], set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += re.findall(r"#/components/schemas/(\w+)", json.dumps(schemas[name]))
    parts = [
        '"""The types of the JSON API, which `typed_dicts.py` writes."""',
        "from __future__ import annotations",
        "from typing import Any, TypedDict\n",
    ]
    for name in sorted(found):
        properties = schemas[name]["properties"].items()
        fields = [f"    {field}: {_type(each)}" for field, each in properties]
        parts.append("\n".join((f"class {name}(TypedDict):", *fields)) + "\n")
    return "\n\n".join(parts)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if isinstance(schema.get("type"), list):
        return " | ".join(_PLAIN[each] for each in schema["type"])
    match schema.get("type"):
        case "array":
            return f"list[{_type(schema['items'])}]"
        case "object":
            return f"dict[str, {_type(schema['additionalProperties'])}]"
        case None:
            return "str" if "enum" in schema else "Any"
        case plain:
            return _PLAIN[plain]


if __name__ == "__main__":
    sys.stdout.write(module(json.loads(DOCUMENT.read_text())))
