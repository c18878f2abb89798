"""NewVersion: what a user says of an artifact that is saved under a name of its own."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self, cast

from stackfold.application.secrets.redaction import redacted_value
from stackfold.domain.errors import Invalid
from stackfold.domain.limits import METADATA, must_fit
from stackfold.domain.pipelines.output import own_name, version_label
from stackfold.domain.runs.artifact import OwnName
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.tags import valid_tag


class NewVersion(NamedTuple):
    """What a user says of a new version: checked, and without secrets."""

    own: OwnName
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    why: str

    @classmethod
    def of(
        cls,
        name: str,
        label: str | None,
        tags: Iterable[str],
        metadata: Mapping[str, Any] | None,
        why: str = "",
    ) -> Self:
        """Check what a user gives.

        Raises:
            InvalidName: The name or the label breaks the rule for names.
            InvalidTag: A tag is invalid.
            Invalid: The metadata cannot be recorded.
            TooLarge: The metadata is too large.
        """
        label = version_label("label", label) if label else ""
        tags = [tags] if isinstance(tags, str) else tags
        try:
            added = valid_metadata(metadata or {})
        except ValueError as error:
            raise Invalid(f"the metadata of artifact {name!r} {error}") from error
        must_fit("the metadata of the artifact", added, METADATA)
        return cls(
            OwnName(name=own_name(name), label=label),
            tuple(dict.fromkeys(map(valid_tag, tags))),
            cast(dict[str, Any], redacted_value(added)),
            why,
        )
