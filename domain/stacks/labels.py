"""Labels: short texts by which stacks and components are found again."""

from collections.abc import Mapping

from stackfold.domain.limits import LABEL, LABELS, must_be_few, must_fit
from stackfold.domain.name import valid_name


def valid_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return `labels`, an empty dictionary for None.

    Raises:
        InvalidName: A label's key breaks the rule for names.
        TooLarge: There are too many, or one is too long.
    """
    valid = {valid_name("label", key): value for key, value in (labels or {}).items()}
    _must_fit(valid, {})
    return valid


def effective_changes(
    labels: Mapping[str, str], changes: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """Return those of `changes` that would change `labels`; None means: remove it.

    Raises:
        InvalidName: A label's key breaks the rule for names.
        TooLarge: There would be too many, or one is too long.
    """
    named = {valid_name("label", key): value for key, value in (changes or {}).items()}
    effective = {key: value for key, value in named.items() if labels.get(key) != value}
    _must_fit(effective, labels)
    return effective


def _must_fit(changes: Mapping[str, str | None], labels: Mapping[str, str]) -> None:
    for key, value in changes.items():
        must_fit(f"label {key!r}", value, LABEL)
    # More that were there before may stay.
    must_be_few("labels", len(merged(labels, changes)), max(LABELS, len(labels)))


def merged(labels: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return `labels` with `changes` applied; a label changed to None is gone."""
    both = {**labels, **changes}
    return {key: value for key, value in both.items() if value is not None}


def touched(changes: Mapping[str, str | None]) -> frozenset[str]:
    """The fields that a change of labels sets."""
    return frozenset(f"label {key}" for key in changes)
