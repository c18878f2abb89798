"""Secrets: what is missing, and stores that cannot be used."""

from collections.abc import Iterator, Mapping

from stackfold.domain.errors.refusal import StackfoldError


class MissingSecret(StackfoldError):
    """What a configuration refers to is not there."""

    def __init__(self, references: Mapping[str, str]) -> None:
        """Name the references that lead nowhere.

        Args:
            references: Reference, such as `{{aws.key}}` → what needs it; empty if unknown.
        """
        self.references = dict(references)
        super().__init__("; ".join(_lines(self.references)))

    def __reduce__(self) -> tuple[type["MissingSecret"], tuple[dict[str, str]]]:
        """Travel between processes with the data, not only the text."""
        return type(self), (self.references,)


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


class SecretStoreUnavailable(StackfoldError):
    """A place for secrets cannot be read or written."""

    def __init__(self, store: str, problem: str) -> None:
        """Say what is wrong with the `store`, and what to do."""
        self.store, self.problem = store, problem
        super().__init__(f"the secret store {store!r} cannot be used: {problem}")

    def __reduce__(self) -> tuple[type["SecretStoreUnavailable"], tuple[str, str]]:
        """Travel between processes with the data, not only the text."""
        return type(self), (self.store, self.problem)


class InvalidSecret(StackfoldError):
    """A secret's name, key or value cannot be."""
