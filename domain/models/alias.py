"""The rule for aliases of model versions, and the stages that every model has."""

import re

from stackfold.domain.errors import InvalidAlias, InvalidName
from stackfold.domain.name import valid_name

STAGES = ("staging", "production")
"""The aliases that every model has; a version that leaves one is archived."""
LATEST = "latest"
"""The word for the newest completed version; it cannot be an alias."""

_RESERVED = {LATEST, "archived", "open", "completed", "abandoned"}
_NUMBER_OR_ID = re.compile(r"v?\d+|[0-9a-f]{8,}", re.IGNORECASE)


def valid_alias(alias: str) -> str:
    """Return `alias` in the form in which aliases are compared.

    Args:
        alias: A name that is no number, no status of a version, and not "latest".

    Raises:
        InvalidAlias: The alias breaks that rule.
    """
    try:
        valid = valid_name("alias", alias)
    except InvalidName:
        problem = "use 1 to 64 letters, digits, '.', '_' or '-', with a letter first"
        raise InvalidAlias(alias, problem) from None
    if valid.lower() in STAGES and valid not in STAGES:
        raise InvalidAlias(alias, f"the stage is called {valid.lower()!r}")
    if valid.lower() in _RESERVED:
        raise InvalidAlias(alias, "the word has another meaning: choose another one")
    if _NUMBER_OR_ID.fullmatch(valid):
        raise InvalidAlias(alias, "it reads like a number or an id: choose another one")
    return valid
