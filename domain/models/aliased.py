"""Aliased: the aliases of a model, each of which stands for one version, and their gates."""

from uuid import UUID

from stackfold.domain.errors import Conflict, NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.models.alias import valid_alias
from stackfold.domain.models.target import Target, promoted, rolled_back, without
from stackfold.domain.models.verdict import Verdict


class Aliased(Revertible):
    """The aliases of a model, and their gates; `Model` adds the rest."""

    class Event(Revertible.Event):
        """Base class of the events of a model."""

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

        def apply(self, aggregate: "Aliased") -> None:
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

        def apply(self, aggregate: "Aliased") -> None:
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

        def apply(self, aggregate: "Aliased") -> None:
            """Change nothing."""

        def changed_fields(self) -> frozenset[str]:
            return frozenset()

    class AliasRemoved(Event):
        """An alias stands for no version any longer."""

        TOPIC = "model.alias_removed"
        alias: str
        number: int
        """The version that it stood for."""

        def apply(self, aggregate: "Aliased") -> None:
            aggregate.aliases = without(aggregate.aliases, self.alias)

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"alias {self.alias}"})

    class GateSet(Event):
        """The gate of an alias was set or removed."""

        TOPIC = "model.gate_set"
        alias: str
        rule: str | None
        """The rule on metrics; None for no gate."""

        def apply(self, aggregate: "Aliased") -> None:
            rest = without(aggregate.gates, self.alias)
            aggregate.gates = rest if self.rule is None else {**rest, self.alias: self.rule}

        def changed_fields(self) -> frozenset[str]:
            return frozenset({f"gate {self.alias}"})

    def __init__(
        self,
        name: str,
        aliases: dict[str, Target] | None = None,
        gates: dict[str, str] | None = None,
    ) -> None:
        super().__init__(name)
        self.aliases = dict(aliases or {})
        self.gates = dict(gates or {})
        """Alias → the rule that a version must meet to be promoted to it."""

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

    def _target(self, alias: str) -> Target:
        if alias not in self.aliases:
            known = ", ".join(self.aliases) or "no aliases"
            raise NotFound("alias", alias, f"{self.name!r} has {known}")
        return self.aliases[alias]
