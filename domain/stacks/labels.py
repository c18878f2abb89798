"""Labels: short texts, under a key, to filter stacks and components by."""

from collections.abc import Mapping

from stackfold.domain.limits import LABEL, LABELS, must_be_few, must_fit
from stackfold.domain.name import valid_name


def valid_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Check labels and return them; None gives an empty dictionary.

    Raises:
        InvalidName: A label's key breaks the rule for names.
        TooLarge: There are too many labels, or one is too long.
    """
    if not labels:
        return {}
    valid = {valid_name("label", key): value for key, value in labels.items()}
    _must_fit(valid, {})
    return valid


def effective_changes(
    labels: Mapping[str, str], changes: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """Return those of `changes` that would change `labels`; None removes a label.

    Raises:
        InvalidName: A label's key breaks the rule for names.
        TooLarge: There would be too many labels, or one is too long.
    """
    named = {valid_name("label", key): value for key, value in (changes or {}).items()}
    effective = {key: value for key, value in named.items() if labels.get(key) != value}
    _must_fit(effective, labels)
    return effective


def _must_fit(changes: Mapping[str, str | None], labels: Mapping[str, str]) -> None:
    for key, value in changes.items():
        must_fit(f"label {key!r}", value, LABEL)
    # Labels above the limit that exist already may stay.
    must_be_few("labels", len(merged(labels, changes)), max(LABELS, len(labels)))


def merged(labels: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return `labels` with `changes` applied; None removes a label."""
    if not changes:
        return dict(labels)
    both = {**labels, **changes}
    return {key: value for key, value in both.items() if value is not None}


def changed_label_fields(changes: Mapping[str, str | None]) -> frozenset[str]:
    """The names of the fields that a change of labels sets, for `changed_fields`."""
    return frozenset(f"label {key}" for key in changes)
