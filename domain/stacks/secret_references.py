"""References to secrets: what a configuration holds in the place of a value, as `{{name.key}}`."""

import re
from collections.abc import Iterator, Mapping

_REFERENCE = re.compile(r"\{\{ *[\w-]+\.[\w-]+ *\}\}")


def is_reference(text: str) -> bool:
    """Whether a text stands for a secret, as `{{name.key}}` does."""
    return _REFERENCE.fullmatch(text) is not None


def parts(reference: str) -> tuple[str, str]:
    """The name and the key in a reference."""
    name, _, key = reference.strip("{} ").partition(".")
    return name, key


def references(configuration: object) -> Iterator[str]:
    """Every reference to a secret in a configuration, wherever it stands."""
    match configuration:
        case str():
            if is_reference(configuration):
                yield configuration
        case Mapping():
            for value in configuration.values():
                yield from references(value)
        case list() | tuple():
            for value in configuration:
                yield from references(value)
