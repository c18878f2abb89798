"""Secrets and secret stores."""

from collections.abc import Iterator, Mapping

from stackfold.domain.errors.bases import NotFound, Unavailable


class MissingSecret(NotFound):
    """A configuration refers to secrets that do not exist.

    Attributes:
        references: Reference, such as `{{aws.key}}` → what needs it; empty if unknown.
    """

    def __init__(self, references: Mapping[str, str]) -> None:
        self.references = dict(references)
        message = "; ".join(_lines(self.references))
        super().__init__("secret", ", ".join(references), message=message)


def _lines(references: Mapping[str, str]) -> Iterator[str]:
    for reference, needed_by in references.items():
        name, _, key = reference.strip("{} ").partition(".")
        variable = environment_variable(name, key)
        needs = f", which {needed_by} needs" if needed_by else ""
        yield (
            f"there is no secret {name!r} with a key {key!r}{needs}: run `stackfold secret create "
            f"{name} --{key}=-` (`update` if it is there), or set {variable}"
        )


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
