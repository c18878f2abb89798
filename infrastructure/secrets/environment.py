"""Secrets from environment variables, `STACKFOLD_SECRET_<NAME>_<KEY>`; set by whoever starts us."""

import os
from collections.abc import Mapping, Sequence

from stackfold.application.secrets import SecretStore

_PREFIX = "STACKFOLD_SECRET_"


class Environment(SecretStore):
    """The process's environment.

    Upper and lower case, and `-` and `_`, are the same here. Where a variable can be read in two
    ways, as AWS_PROD_KEY can, both hold; a list shows the one with the shortest name.
    """

    name = "environment"
    writable = False

    def keys(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for variable in sorted(os.environ):
            name, _, key = variable.removeprefix(_PREFIX).partition("_")
            if variable.startswith(_PREFIX) and name and key and os.environ[variable]:
                found.setdefault(name.lower(), []).append(key.lower())
        return found

    def read(self, name: str) -> Mapping[str, str]:
        prefix = f"{_PREFIX}{_folded(name)}_"
        return {
            variable.removeprefix(prefix).lower(): value
            for variable, value in sorted(os.environ.items())
            if variable.startswith(prefix) and variable != prefix and value
        }

    def value(self, name: str, key: str) -> str | None:
        return self.read(name).get(_folded(key).lower())


def _folded(text: str) -> str:
    return text.replace("-", "_").upper()
