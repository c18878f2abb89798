"""Model: a name for the versions of a model, with aliases that stand for some of them."""

from collections.abc import Sequence
from typing import Any, Literal, Self
from uuid import UUID

from stackfold.domain.errors import Conflict, NotDeleted, NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.limits import MESSAGE, TAGS, must_be_few, must_fit
from stackfold.domain.models.alias import valid_alias
from stackfold.domain.models.target import Target, promoted, rolled_back, without
from stackfold.domain.models.verdict import Verdict
from stackfold.domain.name import valid_name
from stackfold.domain.runs.tags import valid_tag


class Model(Revertible):
    """A name for the versions of a model, with aliases, each of which stands for one version."""

    TOPIC = "model"

    class Event(Revertible.Event):
        """Base class of the events of a model."""

    class Registered(Event, FirstEvent):
        """A model was registered."""

        TOPIC = "model.registered"
        originator_topic: Literal["model"]
        name: str
        description: str
        tags: tuple[str, ...]

    class Updated(Event):
        """The description or the tags were changed."""

        TOPIC = "model.updated"
        description: str | None
        """The new description; None if it stays."""
        tags: tuple[str, ...] | None
        """All tags after the change; None if they stay."""

        def apply(self, aggregate: "Model") -> None:
            if self.description is not None:
                aggregate.description = self.description
            if self.tags is not None:
                aggregate.tags = self.tags

        def changed_fields(self) -> frozenset[str]:
            fields = {"description": self.description, "tags": self.tags}
            return frozenset(name for name, value in fields.items() if value is not None)

    class Promoted(Event):
        """An alias stands for another version."""

        TOPIC = "model.promoted"
        alias: str
        version: UUID
        number: int
        replaces: int | None
        """The number of the version that the alias stood for; None if it stood for none."""
        verdict: Verdict | None = None
        """What the gate found; None without a gate."""

        def apply(self, aggregate: "Model") -> None:
            aggregate.aliases = promoted(aggregate.aliases, self.alias, self.version, self.number)

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"alias {self.alias}"})

    class RolledBack(Event):
        """An alias stands for an earlier version again; gates do not judge that."""

        TOPIC = "model.rolled_back"
        alias: str
        version: UUID
        number: int
        replaces: int
        """The number of the version that the alias stood for."""

        def apply(self, aggregate: "Model") -> None:
            aggregate.aliases = rolled_back(
                aggregate.aliases, self.alias, self.version, self.number
            )

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"alias {self.alias}"})

    class PromotionRefused(Event):
        """A gate refused a promotion, so that nothing changed."""

        TOPIC = "model.promotion_refused"
        alias: str
        version: UUID
        number: int
        verdict: Verdict

        def apply(self, aggregate: "Model") -> None:
            """Change nothing."""

        def changed_fields(self) -> frozenset[str]:
            return frozenset()

    class AliasRemoved(Event):
        """An alias stands for no version any longer."""

        TOPIC = "model.alias_removed"
        alias: str
        number: int
        """The version that it stood for."""

        def apply(self, aggregate: "Model") -> None:
            aggregate.aliases = without(aggregate.aliases, self.alias)

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"alias {self.alias}"})

    class GateSet(Event):
        """The gate of an alias was set or removed."""

        TOPIC = "model.gate_set"
        alias: str
        rule: str | None
        """The rule on metrics; None for no gate."""

        def apply(self, aggregate: "Model") -> None:
            rest = without(aggregate.gates, self.alias)
            aggregate.gates = rest if self.rule is None else {**rest, self.alias: self.rule}

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"gate {self.alias}"})

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

        def apply(self, aggregate: "Model") -> None:
            aggregate.name = self.name
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
    ) -> None:
        super().__init__(name)
        self.description = description
        self.tags = tags
        self.aliases = dict(aliases or {})
        self.gates = dict(gates or {})
        """Alias → the rule that a version must meet to be promoted to it."""

    @classmethod
    def register(cls, name: str, description: str = "", tags: Sequence[str] = ()) -> Self:
        """Register a model.

        Args:
            name: The name, unique among the existing models.
            description: A description of up to 64 KiB.
            tags: Tags to filter by.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidTag: A tag breaks the rule for tags.
        """
        must_fit("the description", description, MESSAGE)
        return cls._create(
            cls.Registered,
            name=valid_name("model", name),
            description=description,
            tags=_valid_tags(tags),
        )

    def update(self, description: str | None = None, tags: Sequence[str] | None = None) -> None:
        """Replace the description or the tags.

        Args:
            description: The new description; None to keep the present one.
            tags: All tags after the change; None to keep the present ones.

        Raises:
            NotFound: The model was deleted.
            NothingToChange: Its state would stay the same.
        """
        self.must_exist()
        must_fit("the description", description, MESSAGE)
        described = None if description == self.description else description
        valid = None if tags is None or _valid_tags(tags) == self.tags else _valid_tags(tags)
        if described is None and valid is None:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Updated, description=described, tags=valid)

    def promote(
        self, alias: str, version: UUID, number: int, verdict: Verdict | None = None
    ) -> None:
        """Let an alias stand for a version; the caller has checked that the version is completed.

        Args:
            alias: A stage or another alias.
            version: The id of the version.
            number: The number of the version.
            verdict: What the gate of the alias found; None without a gate.

        Raises:
            NotFound: The model was deleted.
            InvalidAlias: The alias breaks the rule for aliases.
            NothingToChange: The alias stands for the version already.
        """
        self.must_exist()
        alias = valid_alias(alias)
        current = self.aliases.get(alias)
        if current and current.number == number:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(
            self.Promoted,
            alias=alias,
            version=version,
            number=number,
            replaces=current.number if current else None,
            verdict=verdict,
        )

    def roll_back(self, alias: str, version: UUID, number: int) -> None:
        """Let an alias stand for an earlier version again.

        Args:
            alias: An alias that stands for a version.
            version: The id of the earlier version.
            number: The number of the earlier version.

        Raises:
            NotFound: The model was deleted, or has no such alias.
            Conflict: The alias did not stand for that version before.
        """
        self.must_exist()
        current = self._target(alias)
        if number not in current.previous:
            raise Conflict(f"{self.name}@{number} was not {alias} before {current.number}")
        self.trigger_event(
            self.RolledBack, alias=alias, version=version, number=number, replaces=current.number
        )

    def refuse(self, alias: str, version: UUID, number: int, verdict: Verdict) -> None:
        """Record that a gate refused a promotion; see `promote`."""
        self.must_exist()
        self.trigger_event(
            self.PromotionRefused, alias=alias, version=version, number=number, verdict=verdict
        )

    def remove_alias(self, alias: str) -> None:
        """Let an alias stand for no version.

        Raises:
            NotFound: The model was deleted, or has no such alias.
        """
        self.must_exist()
        self.trigger_event(self.AliasRemoved, alias=alias, number=self._target(alias).number)

    def set_gate(self, alias: str, rule: str | None) -> None:
        """Set the rule that a version must meet to be promoted to an alias.

        Args:
            alias: The alias.
            rule: A rule on metrics that the caller has parsed; None to remove the gate.

        Raises:
            NotFound: The model was deleted.
            InvalidAlias: The alias breaks the rule for aliases.
            NothingToChange: The gate is as wanted already.
        """
        self.must_exist()
        alias = valid_alias(alias)
        if self.gates.get(alias) == rule:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.GateSet, alias=alias, rule=rule)

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

    def _target(self, alias: str) -> Target:
        if alias not in self.aliases:
            known = ", ".join(self.aliases) or "no aliases"
            raise NotFound("alias", alias, f"{self.name!r} has {known}")
        return self.aliases[alias]

    @property
    def state(self) -> dict[str, Any]:
        """The fields that `revert` and `restore` set."""
        return {
            "name": self.name,
            "description": self.description,
            "tags": self.tags,
            "aliases": self.aliases,
            "gates": self.gates,
        }


def _valid_tags(tags: Sequence[str]) -> tuple[str, ...]:
    valid = tuple(dict.fromkeys(map(valid_tag, tags)))
    must_be_few("tags", len(valid), TAGS)
    return valid
