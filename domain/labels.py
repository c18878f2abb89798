"""Labels: short texts by which stacks and components are found again."""

from collections.abc import Mapping

from stackfold.domain.name import valid_name


def valid_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return `labels`, an empty dictionary for None.

    Raises:
        InvalidName: A label's key breaks the rule for names.
    """
    return {valid_name("label", key): value for key, value in (labels or {}).items()}


def effective_changes(
    labels: Mapping[str, str], changes: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """Return those of `changes` that would change `labels`; None means: remove it.

    Raises:
        InvalidName: A label's key breaks the rule for names.
    """
    named = {valid_name("label", key): value for key, value in (changes or {}).items()}
    return {key: value for key, value in named.items() if labels.get(key) != value}


def merged(labels: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return `labels` with `changes` applied; a label changed to None is gone."""
    both = {**labels, **changes}
    return {key: value for key, value in both.items() if value is not None}


def touched(changes: Mapping[str, str | None]) -> frozenset[str]:
    """The fields that a change of labels sets."""
    return frozenset(f"label {key}" for key in changes)
