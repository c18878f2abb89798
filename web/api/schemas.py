"""JSON Schemas of the types that operations return, made of their type hints."""

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]

_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    # JSON has no numbers for these three.
    float: {"anyOf": [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]},
    type(None): {"type": "null"},
    Any: {},
}


class Schemas:
    """Makes schemas, and collects those of views by name."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}
        """The name of a view → its schema."""

    def of(self, hint: Any) -> Schema:
        """The schema of a type.

        Args:
            hint: The type: plain values, views, and lists, mappings and unions of these.

        Raises:
            TypeError: It is another type.
        """
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Literal:
            return {"type": "string", "enum": [*arguments]}
        if origin in (Union, types.UnionType):
            return _union([self.of(each) for each in arguments])
        if origin in (list, Sequence):
            return {"type": "array", "items": self.of(arguments[0])}
        if origin in (dict, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if hasattr(origin or hint, "_fields"):
            return {"$ref": f"#/components/schemas/{self._view(origin or hint, arguments)}"}
        raise TypeError(f"no schema of {hint!r}")

    def _view(self, view: Any, arguments: Sequence[Any]) -> str:
        """Collect the schema of a view, and return its name."""
        name = "".join(each.__name__ for each in (*arguments, view))
        if name not in self.named:
            self.named[name] = {}  # so that a view may contain itself
            variables = dict(zip(getattr(view, "__parameters__", ()), arguments, strict=True))
            hints = {field: _with(hint, variables) for field, hint in get_type_hints(view).items()}
            described = descriptions(view)
            text = (inspect.getdoc(view) or "").partition("Attributes:")[0]
            properties = {
                field: self.of(hints[field])
                | ({"description": described[field]} if field in described else {})
                for field in view._fields
            }
            self.named[name] = {
                "type": "object",
                "description": in_one_line(text),
                "properties": properties,
                "required": [*view._fields],
            }
        return name


@cache
def descriptions(view: type) -> dict[str, str]:
    """Field → its text: below it in the source of a view, or in the docstring of the view."""
    if "Attributes:" in (view.__doc__ or ""):
        return entries(view.__doc__ or "", "Attributes")
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(view))).body
    body = declared.body if isinstance(declared, ast.ClassDef) else []
    found = {}
    for field, below in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[field.target.id] = in_one_line(str(below.value.value))
    return found


def entries(docstring: str, title: str) -> dict[str, str]:
    """Name → text, from a section of a docstring.

    Args:
        docstring: The docstring.
        title: The title of the section, such as "Args".
    """
    _, _, section = inspect.cleandoc(docstring).partition(f"{title}:\n")
    section = section.partition("\n\n")[0]
    found = re.findall(r"^    (\w+): (.*(?:\n {6,}.*)*)", section, re.MULTILINE)
    return {name: in_one_line(text) for name, text in found}


def in_one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())


def _with(hint: Any, variables: Mapping[Any, Any]) -> Any:
    """A type with its variables replaced."""
    if isinstance(hint, TypeVar):
        return variables[hint]
    if get_origin(hint) is list and isinstance(get_args(hint)[0], TypeVar):
        return list[variables[get_args(hint)[0]]]  # type: ignore[misc]
    return hint


def _union(options: list[Schema]) -> Schema:
    """Any of some schemas, as short as possible."""
    if all({*each} == {"type"} for each in options):
        return {"type": [each["type"] for each in options]}
    return {"anyOf": options}
