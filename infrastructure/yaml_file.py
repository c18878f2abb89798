"""Reading YAML files of plain values, whoever wrote them."""

from pathlib import Path
from typing import Any

import yaml

from stackfold.domain.errors import InvalidFile

_MOST_VALUES = 100_000
"""Far more than any document has; a small file can stand for more than memory holds."""


def read_yaml(path: Path) -> object:
    """The values in a file; None if it is empty.

    Raises:
        InvalidFile: It cannot be read, or is no YAML of plain values.
    """
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidFile(str(path), "is not UTF-8 text") from error


def parse_yaml(text: str, origin: str) -> object:
    """The values in a text; `origin` is what errors call it. Raises as `read_yaml`."""
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 it is a SafeLoader
        _count(value)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise InvalidFile(origin, f"{place}{error.problem or 'is no YAML'}") from error
    except RecursionError as error:
        raise InvalidFile(origin, "is nested too deeply, or contains itself") from error
    except (yaml.YAMLError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise InvalidFile(origin, f"is no YAML that can be read: {problem}") from error
    return value


class _Loader(yaml.SafeLoader):
    """Plain values only: a date stays the text that was written, and a key is given once."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key!r} is given twice", node.start_mark
                )
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _count(value: object, before: int = 0) -> int:
    """How many values there are, each counted as often as it is referred to.

    Raises:
        ValueError: There are too many.
        RecursionError: One contains itself.
    """
    total = before + 1
    if total > _MOST_VALUES:
        raise ValueError(f"it stands for more than {_MOST_VALUES} values")
    if isinstance(value, dict):
        value = list(value.values())
    for each in value if isinstance(value, list | tuple | set) else ():
        total = _count(each, total)
    return total
