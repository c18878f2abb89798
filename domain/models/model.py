"""Model: a name for the versions of a model, with aliases that stand for some of them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import Field

from stackfold.domain.errors import NotDeleted, NothingToChange
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.limits import MESSAGE, TAGS, must_be_few, must_fit
from stackfold.domain.models.aliased import Aliased
from stackfold.domain.models.card import valid_card
from stackfold.domain.models.target import Target
from stackfold.domain.name import valid_name
from stackfold.domain.runs.tags import valid_tag


class Model(Aliased):
    """A name for the versions of a model, with aliases, each of which stands for one version."""

    TOPIC = "model"

    class Event(Aliased.Event):
        """Base class of the events of a model."""

    class Registered(Event, FirstEvent):
        """A model was registered."""

        TOPIC = "model.registered"
        originator_topic: Literal["model"]
        name: str
        description: str
        tags: tuple[str, ...]
        card: dict[str, str] = Field(default_factory=dict)

    class Updated(Event):
        """The description, the tags or the card were changed."""

        TOPIC = "model.updated"
        description: str | None
        """The new description; None if it stays."""
        tags: tuple[str, ...] | None
        """All tags after the change; None if they stay."""
        card: dict[str, str] | None = None
        """The whole card after the change; None if it stays."""

        def apply(self, aggregate: "Model") -> None:
            if self.description is not None:
                aggregate.description = self.description
            if self.tags is not None:
                aggregate.tags = self.tags
            if self.card is not None:
                aggregate.card = self.card

        def changed_fields(self) -> frozenset[str]:
            fields = {"description": self.description, "tags": self.tags, "card": self.card}
            return frozenset(name for name, value in fields.items() if value is not None)

    class Renamed(Event):
        """The model was renamed."""

        TOPIC = "model.renamed"
        name: str

        def apply(self, aggregate: "Model") -> None:
            aggregate.name = self.name

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"name"})

    class Deleted(Event):
        """The model was deleted; its name is free."""

        TOPIC = "model.deleted"

        def apply(self, aggregate: "Model") -> None:
            aggregate.deleted = True

    class Reverted(Event):
        """The state of an earlier revision was restored; gates do not judge that."""

        TOPIC = "model.reverted"
        to_revision: int
        name: str
        description: str
        tags: tuple[str, ...]
        aliases: dict[str, Target]
        gates: dict[str, str]
        card: dict[str, str] = Field(default_factory=dict)

        def apply(self, aggregate: "Model") -> None:
            aggregate.name = self.name
            aggregate.card = self.card
            aggregate.description = self.description
            aggregate.tags = self.tags
            aggregate.aliases = dict(self.aliases)
            aggregate.gates = dict(self.gates)

    class Restored(Reverted):
        """The deleted model was restored, with the state of an earlier revision."""

        TOPIC = "model.restored"

        def apply(self, aggregate: "Model") -> None:
            super().apply(aggregate)
            aggregate.deleted = False

    def __init__(
        self,
        name: str,
        description: str = "",
        tags: tuple[str, ...] = (),
        aliases: dict[str, Target] | None = None,
        gates: dict[str, str] | None = None,
        card: dict[str, str] | None = None,
    ) -> None:
        super().__init__(name, aliases, gates)
        self.card: dict[str, str] = card or {}
        self.description = description
        self.tags = tags

    @classmethod
    def register(
        cls,
        name: str,
        description: str = "",
        tags: Sequence[str] = (),
        card: Mapping[str, str] = MappingProxyType({}),
    ) -> Self:
        """Register a model.

        Args:
            name: The name, unique among the existing models.
            description: A description of up to 64 KiB.
            tags: Tags to filter by.
            card: The texts of its card.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidTag: A tag breaks the rule for tags.
            Invalid: The card has an unknown key.
        """
        must_fit("the description", description, MESSAGE)
        return cls._create(
            cls.Registered,
            name=valid_name("model", name),
            description=description,
            tags=_valid_tags(tags),
            card=valid_card(card),
        )

    def update(
        self,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        card: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Replace the description, the tags, or texts of the card.

        Args:
            description: The new description; None to keep the present one.
            tags: All tags after the change; None to keep the present ones.
            card: Key of the card → new text, empty to remove it.

        Raises:
            NotFound: The model was deleted.
            NothingToChange: Its state would stay the same.
        """
        self.must_exist()
        must_fit("the description", description, MESSAGE)
        described = None if description == self.description else description
        valid = None if tags is None or _valid_tags(tags) == self.tags else _valid_tags(tags)
        new = valid_card({**self.card, **card})
        changed = None if new == self.card else new
        if described is None and valid is None and changed is None:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Updated, description=described, tags=valid, card=changed)

    def rename(self, name: str) -> None:
        """Rename the model.

        Raises:
            NotFound: The model was deleted.
            InvalidName: The new name breaks the rule for names.
            NothingToChange: The model has that name already.
        """
        self.must_exist()
        name = valid_name("model", name)
        if name == self.name:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Renamed, name=name)

    def delete(self) -> None:
        """Delete the model; its versions are no longer listed.

        Raises:
            NotFound: The model was deleted.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def revert(self, past: "Model") -> None:
        """Restore the state of `past`, an earlier revision, as a new revision.

        Raises:
            NotFound: The model was deleted.
            NothingToChange: Its state would stay the same.
        """
        self.must_exist()
        if past.state == self.state:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Reverted, to_revision=past.version, **past.state)

    def restore(self, past: "Model") -> None:
        """Restore the deleted model with the state of `past`, an earlier revision.

        Raises:
            NotDeleted: The model exists.
        """
        if not self.deleted:
            raise NotDeleted(self.kind, self.name)
        self.trigger_event(self.Restored, to_revision=past.version, **past.state)

    @property
    def state(self) -> dict[str, Any]:
        """The fields that `revert` and `restore` set."""
        return {
            "name": self.name,
            "description": self.description,
            "tags": self.tags,
            "aliases": self.aliases,
            "gates": self.gates,
            "card": self.card,
        }


def _valid_tags(tags: Sequence[str]) -> tuple[str, ...]:
    valid = tuple(dict.fromkeys(map(valid_tag, tags)))
    must_be_few("tags", len(valid), TAGS)
    return valid
