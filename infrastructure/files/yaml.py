"""Reads untrusted YAML of plain values safely, and writes YAML that is safe to display."""

import re
from pathlib import Path
from typing import Any

import yaml

from stackfold.domain.errors import InvalidFile
from stackfold.domain.limits import DOCUMENT
from stackfold.infrastructure.files.input_file import read_text

_MOST_VALUES = 100_000
"""More than any real document has; with aliases, a small file can represent far more values."""


def read_yaml(path: Path) -> object:
    """Read the values in a file; None if it is empty.

    Raises:
        InvalidFile: The file cannot be read, or is not YAML of plain values.
    """
    return parse_yaml(read_text(path, DOCUMENT), str(path))


def parse_yaml(text: str, origin: str) -> object:
    """Read the values in a text; None if it is empty.

    Args:
        text: YAML.
        origin: How errors name the text.

    Raises:
        InvalidFile: The text is not YAML of plain values.
    """
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 it is a SafeLoader
        _count(value)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise InvalidFile(origin, f"{line}{error.problem or 'is invalid YAML'}") from error
    except RecursionError as error:
        raise InvalidFile(origin, "is nested too deeply, or contains itself") from error
    except (yaml.YAMLError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise InvalidFile(origin, f"is invalid YAML: {problem}") from error
    return value


class _Loader(yaml.SafeLoader):
    """Loads plain values only: dates remain text, and duplicate keys are errors."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = set()
        for each, _ in node.value:
            if not isinstance(each, yaml.ScalarNode):
                continue
            if each.value in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{each.value!r} is given twice", node.start_mark
                )
            keys.add(each.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _count(value: object, before: int = 0) -> int:
    """Count values, each as often as it is referred to.

    Raises:
        ValueError: There are too many values.
        RecursionError: A value contains itself.
    """
    total = before + 1
    if total > _MOST_VALUES:
        raise ValueError(f"it represents more than {_MOST_VALUES} values")
    if isinstance(value, dict):
        value = list(value.values())
    for each in value if isinstance(value, list | tuple | set) else ():
        total = _count(each, total)
    return total


_UNESCAPED = re.compile("[\x85\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that end a line or change the order of displayed text, which YAML does not escape in
all styles. It always escapes control characters."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes repeated values in full instead of as aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represented(dumper: Any, text: str) -> Any:
    # YAML has escapes only in double quotes.
    style = '"' if _UNESCAPED.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represented)


def yaml_text(data: Any) -> str:
    """Plain values as YAML; control characters are written as escapes of YAML."""
    text: str = yaml.dump(data, None, _Dumper, sort_keys=False, allow_unicode=True)
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
