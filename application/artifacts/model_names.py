"""Names of models and own names of artifacts, which differ: "fraud@3" means one thing."""

from collections.abc import Callable, Iterable

from stackfold.domain.errors import NameTaken

Exists = Callable[[str], bool]
"""Whether there is something with a name."""


def must_be_no_artifact(has_artifact: Exists, name: str) -> None:
    """Reject the name of a model that is the name of an artifact.

    Raises:
        NameTaken: An artifact has the name.
    """
    if has_artifact(name):
        hint = "a model cannot have the name of an artifact, as NAME@VERSION would mean both"
        raise NameTaken("artifact", name, hint)


def must_be_no_models(has_model: Exists, names: Iterable[str]) -> None:
    """Reject own names of artifacts that are names of models.

    Raises:
        NameTaken: A model has one of the names.
    """
    for name in names:
        if has_model(name):
            hint = "an artifact cannot have the name of a model, as NAME@VERSION would mean both"
            raise NameTaken("model", name, hint)
