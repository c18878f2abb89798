"""Output: gives an output of a step a name of its own, with tags and metadata."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from stackfold.domain.errors import InvalidName, InvalidPipeline
from stackfold.domain.name import valid_name
from stackfold.domain.pipelines.chosen_materializer import materializer_name
from stackfold.domain.runs.artifact import OwnName
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.tags import MAIN, valid_tag

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_LIKE_AN_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]*", re.IGNORECASE)
_NUMBER = re.compile(r"v?\d+")
TIMES = ("date", "time")
"""The placeholders that stand for the day and the time of the start of the run, in UTC."""


class Output:
    """An annotation of an output: `-> Annotated[DataFrame, Output("dataset")]`.

    All outputs with the same name are versions of one artifact, whatever step or pipeline they
    come from. They are numbered together, and found as "dataset" or "dataset@3".

    Attributes:
        name: The name, with placeholders such as `{date}`, `{time}` or a parameter of the step.
        label: A text that names the version, with the same placeholders; empty for none.
        tags: The tags of the artifact.
        metadata: The metadata of the artifact.
        materializer: The name of the materializer that writes it; empty to choose it by type.
        model: Whether a version of a model stands for it, if the run has several outputs.
    """

    def __init__(
        self,
        name: str,
        *,
        label: str = "",
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        materializer: type | str = "",
        model: bool = False,
    ) -> None:
        """Name an output.

        Args:
            name: The name. `{date}` and `{time}` stand for the start of the run; `{region}` stands
                for the value of a parameter `region` of the step.
            label: A text that names the version, as in "dataset@spring", with the same
                placeholders. If several versions have it, it names the latest.
            tags: Tags of the artifact.
            metadata: Metadata of the artifact.
            materializer: The materializer that writes it: a class with the decorator
                `materializer`, or a name such as "skops". By default it is chosen by the type of
                the value.
            model: Whether it is what "fraud@production" stands for, if the run that makes the
                version has several outputs. It gets the tag "model".

        Raises:
            InvalidName: The name or the label breaks the rule for names.
            InvalidTag: A tag is invalid.
            InvalidPipeline: The metadata cannot be recorded, or the materializer is none.
        """
        self.name, self.label = name, label
        self.model = model
        given = [tags] if isinstance(tags, str) else tags
        marked = [*given, MAIN] if model else given
        self.tags = tuple(dict.fromkeys(map(valid_tag, marked)))
        try:
            self.metadata: dict[str, JsonValue] = valid_metadata(metadata or {})
        except ValueError as error:
            raise InvalidPipeline(f"the metadata of output {name!r}: {error}") from error
        try:
            self.materializer = materializer_name(materializer) if materializer else ""
        except ValueError as error:
            raise InvalidPipeline(f"the materializer of output {name!r}: {error}") from error
        # Any value of a placeholder is a valid part of a name, or the step is rejected.
        self.of(dict.fromkeys(self.placeholders, "x"))

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Output({self.name!r}{label})"

    @property
    def placeholders(self) -> frozenset[str]:
        """The names in braces, in the name and in the label."""
        return frozenset(_PLACEHOLDER.findall(self.name + self.label))

    @property
    def is_fixed(self) -> bool:
        """Whether the name has no placeholders."""
        return not _PLACEHOLDER.search(self.name)

    def of(self, values: Mapping[str, Any]) -> OwnName:
        """Return the name and the label with values for the placeholders.

        Args:
            values: Placeholder → value.

        Raises:
            InvalidName: The name or the label breaks the rule for names.
        """
        name = _PLACEHOLDER.sub(lambda each: str(values[each[1]]), self.name)
        label = _PLACEHOLDER.sub(lambda each: str(values[each[1]]), self.label)
        return OwnName(name=own_name(name), label=version_label("label", label) if label else "")


def own_name(name: str) -> str:
    """Return the name of an artifact in Unicode normal form C.

    Raises:
        InvalidName: It breaks the rule for names, or looks like an id.
    """
    if _LIKE_AN_ID.fullmatch(name):
        raise InvalidName("artifact", name, "8 or more hexadecimal digits are an id")
    return valid_name("artifact", name)


def version_label(kind: str, label: str) -> str:
    """Return a label or an alias of a version in Unicode normal form C.

    Args:
        kind: What it is, for the error.
        label: The text.

    Raises:
        InvalidName: It breaks the rule for names, or is "latest" or like a number or an id.
    """
    if label == "latest" or _NUMBER.fullmatch(label) or _LIKE_AN_ID.fullmatch(label):
        raise InvalidName(kind, label, "'latest', numbers and ids have a meaning of their own")
    return valid_name(kind, label)
