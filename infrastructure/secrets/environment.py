"""Secrets from environment variables, `STACKFOLD_SECRET_<NAME>_<KEY>`.

A process that executes a step elsewhere receives values by `add_values` instead: they are found in
the same way, but not by other programs, which can read and inherit environments.
"""

import os
from collections.abc import Mapping, Sequence

from stackfold.application.secrets.secrets import SecretStore

_PREFIX = "STACKFOLD_SECRET_"
_added: dict[str, str] = {}
"""Variable → value, of the secrets that this process was sent."""


class Environment(SecretStore):
    """The environment of the process.

    Case does not matter, and `-` equals `_`. A variable such as AWS_PROD_KEY can be read in two
    ways, and both are found; a list shows the one with the shortest name.
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


def add_values(values: Mapping[tuple[str, str], str]) -> None:
    """Add values of secrets, for this process only.

    Args:
        values: Name and key → value.
    """
    for (name, key), value in values.items():
        _added[variable_of(name, key)] = value


def variable_of(name: str, key: str) -> str:
    """Return the variable of a key of a secret, such as STACKFOLD_SECRET_AWS_TOKEN."""
    return f"{_PREFIX}{_folded(name)}_{_folded(key)}"


def _variables() -> list[tuple[str, str]]:
    return sorted({**os.environ, **_added}.items())


def _folded(text: str) -> str:
    return text.replace("-", "_").upper()
