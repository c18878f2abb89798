"""Secrets from environment variables, `STACKFOLD_SECRET_<NAME>_<KEY>`; set by whoever starts us.

A process that executes a step elsewhere can be handed values by `hand` instead: they are found in
the same way, but are in no environment, which other programs see and inherit.
"""

import os
from collections.abc import Mapping, Sequence

from stackfold.application.secrets.secrets import SecretStore

_PREFIX = "STACKFOLD_SECRET_"
_handed: dict[str, str] = {}
"""Variable → value, of what this process was handed."""


class Environment(SecretStore):
    """The process's environment.

    Upper and lower case, and `-` and `_`, are the same here. Where a variable can be read in two
    ways, as AWS_PROD_KEY can, both hold; a list shows the one with the shortest name.
    """

    name = "environment"
    writable = False

    def keys(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for variable, value in _variables():
            name, _, key = variable.removeprefix(_PREFIX).partition("_")
            if variable.startswith(_PREFIX) and name and key and value:
                found.setdefault(name.lower(), []).append(key.lower())
        return found

    def read(self, name: str) -> Mapping[str, str]:
        prefix = f"{_PREFIX}{_folded(name)}_"
        return {
            variable.removeprefix(prefix).lower(): value
            for variable, value in _variables()
            if variable.startswith(prefix) and variable != prefix and value
        }

    def value(self, name: str, key: str) -> str | None:
        return self.read(name).get(_folded(key).lower())


def hand(values: Mapping[tuple[str, str], str]) -> None:
    """Let this process find values of secrets until it ends.

    Args:
        values: Name and key → value.
    """
    for (name, key), value in values.items():
        _handed[f"{_PREFIX}{_folded(name)}_{_folded(key)}"] = value


def _variables() -> list[tuple[str, str]]:
    return sorted({**os.environ, **_handed}.items())


def _folded(text: str) -> str:
    return text.replace("-", "_").upper()
