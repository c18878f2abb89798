"""Model: declares the model of which a run makes or continues a version."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_serializer

from stackfold.domain.errors import Invalid, StackfoldError
from stackfold.domain.models.card import valid_card
from stackfold.domain.name import valid_name
from stackfold.domain.pipelines.output import version_label
from stackfold.domain.runs.tags import valid_tag

_TIME = re.compile(r"\{(date|time)\}")


class Model(BaseModel):
    """The model of which a run makes or continues a version: `@pipeline(model=Model("fraud"))`.

    The first run registers the model. Its description and its card are taken from here then, and
    are changed by `stackfold model update` later.

    Attributes:
        name: The name of the model.
        version: The existing version that the run continues, as "3", an alias, the name of a
            version or "latest"; None for a new version.
        label: The name of the new version; empty for none.
        tags: The tags of the new version.
        description: What the model is for.
        card: The texts of the model card; see `domain.models.card`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    version: str | None = None
    label: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    card: dict[str, str] = {}

    def __init__(
        self,
        name: str,
        *,
        version: str | int | None = None,
        label: str = "",
        tags: Iterable[str] = (),
        description: str = "",
        card: Mapping[str, str] | None = None,
        **texts: str,
    ) -> None:
        """Declare a model.

        Args:
            name: The name of the model, also as "fraud@production" for a version to continue.
            version: The version to continue: a number, an alias, its name, or "latest". None for
                a new one.
            label: A name for the new version; `{date}` and `{time}` stand for the start of the
                run, in UTC.
            tags: Tags for the new version.
            description: What the model is for.
            card: The texts of the model card, as one mapping.
            **texts: The texts of the model card: `license`, `audience`, `use_cases`,
                `limitations`, `trade_offs` and `ethics`.

        Raises:
            InvalidName: The name or the label is invalid.
            InvalidTag: A tag is invalid.
            Invalid: A text of the card is unknown, or both `version` and `label` are given.
        """
        name, at, which = name.partition("@")
        if at and version is not None:
            raise Invalid(f"give the version once: {name}@{which}, or version={version!r}")
        chosen = which if at else version
        if chosen is not None and label:
            raise Invalid("label names a new version, and version continues one: give one")
        if chosen is not None and not str(chosen).strip():
            raise Invalid("the version is empty: give a number, an alias or a name")
        valid_label(label)
        given = [tags] if isinstance(tags, str) else tags
        super().__init__(
            name=valid_name("model", name),
            version=None if chosen is None else str(chosen),
            label=label,
            tags=tuple(dict.fromkeys(map(valid_tag, given))),
            description=description,
            card=valid_card({**(card or {}), **texts}),
        )

    def label_at(self, started: datetime) -> str:
        """The label of a version that a run makes.

        Args:
            started: When the run started, in UTC.
        """
        times = {"date": f"{started:%Y-%m-%d}", "time": f"{started:%H-%M-%S}"}
        return valid_label(_TIME.sub(lambda each: times[each[1]], self.label))

    @model_serializer
    def _record(self) -> str | dict[str, Any]:
        """What it sets: a text if that is only a name and a version."""
        name = self.name if self.version is None else f"{self.name}@{self.version}"
        others = {"label": self.label, "tags": [*self.tags], "description": self.description}
        given = {key: value for key, value in others.items() if value} | dict(self.card)
        return {"name": name, **given} if given else name


def valid_label(label: str) -> str:
    """Return the name of a version in Unicode normal form C; empty for none.

    Raises:
        InvalidName: It breaks the rule for names, or reads like a number, an id or "latest".
    """
    if not label:
        return ""
    example = _TIME.sub("2026-03-01", label)
    version_label("label", example)
    return label if example != label else version_label("label", label)


def declared(value: Any) -> Any:
    """A model that is given by its name, or by a mapping, as in a file.

    Raises:
        ValueError: It is invalid.
    """
    try:
        if isinstance(value, str):
            return Model(value)
        return Model(**value) if isinstance(value, Mapping) else value
    except StackfoldError as error:
        raise ValueError(str(error)) from None
    except TypeError:
        raise ValueError("give a name, or a mapping with a name and texts") from None


DeclaredModel = Annotated[Model, BeforeValidator(declared)]
"""A model, or its name."""
