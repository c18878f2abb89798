"""Secrets and secret stores."""

from collections.abc import Mapping

from stackfold.domain.errors.bases import NotFound, Unavailable


class MissingSecret(NotFound):
    """A configuration refers to secrets that do not exist.

    Attributes:
        references: Reference, such as `{{aws.key}}` → what needs it; empty if unknown.
        keys: The name and the key of each secret.
    """

    def __init__(self, references: Mapping[str, str]) -> None:
        self.references = dict(references)
        self.keys = tuple(map(_name_and_key, references))
        each = zip(self.keys, references.values(), strict=True)
        message = "; ".join(_line(name, key, needed_by) for (name, key), needed_by in each)
        super().__init__("secret", ", ".join(references), message=message)


def _name_and_key(reference: str) -> tuple[str, str]:
    name, _, key = reference.strip("{} ").partition(".")
    return name, key


def _line(name: str, key: str, needed_by: str) -> str:
    needs = f", which {needed_by} needs" if needed_by else ""
    variable = environment_variable(name, key)
    return f"there is no secret {name!r} with a key {key!r}{needs}: create it, or set {variable}"


def environment_variable(name: str, key: str) -> str:
    """The variable that may hold a secret value, such as `STACKFOLD_SECRET_AWS_ACCESS_KEY`."""
    return f"STACKFOLD_SECRET_{name}_{key}".replace("-", "_").upper()


class SecretStoreUnavailable(Unavailable):
    """A secret store cannot be read or written.

    Attributes:
        store: Its name.
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, store: str, problem: str) -> None:
        self.store = store
        super().__init__(f"the secret store {store!r}", problem)
