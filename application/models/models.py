"""Models: register, promote versions to aliases, and take that back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.views import HistoryEntry
from stackfold.application.models.version_commands import VersionCommands
from stackfold.application.models.views import ModelVersionView, ModelView

if TYPE_CHECKING:
    from stackfold.application.history.past_states import PastStates
    from stackfold.application.models.gate_functions import Gate
    from stackfold.application.models.promotions import Promotions
    from stackfold.domain.eventsourcing.aggregate import Revertible
    from stackfold.domain.models.model import Model


@checked
class Models(VersionCommands):
    """Queries and commands on models.

    A `reference` is the name of a model, its id or a unique prefix of either. A `version` is a
    number, an alias or "latest", the newest completed version. Versions are made by runs of
    pipelines with the option `model`.
    """

    def register(
        self,
        name: str,
        description: str = "",
        tags: Iterable[str] = (),
        *,
        card: Mapping[str, str] = MappingProxyType({}),
        why: str = "",
    ) -> ModelView:
        """Register a model; the first run of a pipeline with its name would, too.

        Args:
            name: The name.
            description: What it is for.
            tags: Tags to filter by.
            card: The texts of its card, by `license`, `audience`, `use_cases`, `limitations`,
                `trade_offs` and `ethics`.
            why: The reason.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidTag: A tag breaks the rule for tags.
            Invalid: The card has an unknown key.
            NameTaken: Another model has the name.
        """
        from stackfold.domain.models.model import Model

        model = Model.register(name, description, [*tags], card)
        self._services.repository.save(model, why=why)
        return self.get(str(model.id))

    def update(
        self,
        reference: str,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        *,
        card: Mapping[str, str] = MappingProxyType({}),
        why: str = "",
        expected_revision: int | None = None,
    ) -> ModelView:
        """Replace the description, the tags or texts of the card of a model.

        Args:
            reference: The model.
            description: The new description; None to keep the present one.
            tags: All tags after the change; None to keep the present ones.
            card: Key of the card → new text; empty to remove it.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No model matches.
            NothingToChange: Its state would stay the same.
            StaleRevision: It has another revision than the expected one.
        """
        given = None if tags is None else [*tags]
        return self._change(
            reference, lambda model: model.update(description, given, card), why, expected_revision
        )

    def rename(
        self, reference: str, name: str, *, why: str = "", expected_revision: int | None = None
    ) -> ModelView:
        """Rename a model.

        Args:
            reference: The model.
            name: The new name.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No model matches.
            NameTaken: Another model has the name.
            StaleRevision: It has another revision than the expected one.
        """
        return self._change(reference, lambda model: model.rename(name), why, expected_revision)

    def delete(
        self, reference: str, *, why: str = "", expected_revision: int | None = None
    ) -> ModelView:
        """Delete a model; its runs and their artifacts remain. Returns its last state.

        Args:
            reference: The model.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No model matches.
            StaleRevision: It has another revision than the expected one.
        """
        view = self.get(reference)
        self._change(view.id, lambda model: model.delete(), why, expected_revision, view)
        return view

    # -- aliases

    def promote(
        self,
        reference: str,
        version: str | int,
        alias: str = "production",
        *,
        gate: "Gate | str | None" = None,
        force: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> ModelVersionView:
        """Let an alias stand for a version, if the gate of the alias allows it.

        "staging" and "production" are stages: the version that leaves one is archived in the same
        change, unless another alias stands for it. A refusal is recorded.

        Args:
            reference: The model.
            version: The version.
            alias: A stage or another alias.
            gate: A function that judges, too, or its name as for `allow_gate`: it gets the
                version, and the one that the alias stands for or None, and returns None, or why
                the version may not be promoted.
            force: Whether to promote a version that a gate refuses; requires a reason.
            why: The reason.
            expected_revision: The revision of the model that this was decided on; None for any.

        Raises:
            NotFound: No model matches, or it has no such version; or the gate names a function
                that is not allowed here.
            InvalidAlias: The alias breaks the rule for aliases.
            Conflict: The run of the version has not completed.
            PromotionRefused: A gate refuses it.
            ReasonRequired: It is forced without a reason.
            NothingToChange: The alias stands for the version already.
            StaleRevision: The model has another revision than the expected one.
        """
        model = self.get(reference)
        found = self._version(model, version, None)
        self._promotions.promote(model, found, alias, gate, force, why, expected_revision)
        self._services.model_registries.follow(model.id)
        return self.version(model.id, found.number)

    def rollback(
        self,
        reference: str,
        alias: str = "production",
        to: int | None = None,
        *,
        why: str = "",
        expected_revision: int | None = None,
    ) -> ModelVersionView:
        """Let an alias stand for the version before; gates do not judge that.

        Args:
            reference: The model.
            alias: The alias.
            to: The number of an earlier version; None for the one before.
            why: The reason.
            expected_revision: The revision of the model that this was decided on; None for any.

        Raises:
            NotFound: No model matches, or no version has the alias.
            Conflict: The alias stood for no such version before.
            StaleRevision: The model has another revision than the expected one.
        """
        model = self.get(reference)
        number = self._promotions.roll_back(model, alias, to, why, expected_revision)
        self._services.model_registries.follow(model.id)
        return self.version(model.id, number)

    def remove_alias(
        self, reference: str, alias: str, *, why: str = "", expected_revision: int | None = None
    ) -> ModelView:
        """Let an alias stand for no version; a version that leaves a stage is archived.

        Args:
            reference: The model.
            alias: The alias.
            why: The reason.
            expected_revision: The revision of the model that this was decided on; None for any.

        Raises:
            NotFound: No model matches, or no version has the alias.
            StaleRevision: The model has another revision than the expected one.
        """
        model = self.get(reference)
        self._promotions.remove(model, alias, why, expected_revision)
        self._services.model_registries.follow(model.id)
        return self.get(model.id)

    def set_gate(
        self,
        reference: str,
        rule: str | None,
        alias: str = "production",
        *,
        why: str = "",
        expected_revision: int | None = None,
    ) -> ModelView:
        """Set the rule that a version must meet to be promoted to an alias.

        Args:
            reference: The model.
            rule: Conditions on metrics, such as "auc >= 0.9 and auc > production.auc", and names
                of functions that are allowed here, such as "checks:fair", joined by "and"; None
                for no gate. A metric that is missing fails.
            alias: The alias.
            why: The reason.
            expected_revision: The revision of the model that this was decided on; None for any.

        Raises:
            NotFound: No model matches, or a function is not allowed here.
            Invalid: The rule is not valid.
            NothingToChange: The gate is as wanted already.
            StaleRevision: The model has another revision than the expected one.
        """
        from stackfold.application.models.rules import parse_gate

        if rule is not None:
            rule = " ".join(rule.split())
            for name in parse_gate(rule).functions:
                self._services.gate_functions.find(name)
        return self._change(
            reference, lambda model: model.set_gate(alias, rule), why, expected_revision
        )

    def allow_gate(self, rule: str) -> None:
        """Allow the functions that a gate names, "module:function", for users of this home.

        Their modules are imported from the environment or the current folder, which the home
        remembers. A function that only a log names is never imported. Packages declare theirs as
        entry points of the group `stackfold.gates`.

        Args:
            rule: The name of a function, or a gate that names some.

        Raises:
            Invalid: The rule is not valid, or a module cannot be imported or has no such function.
            InvalidFile: The list of the home cannot be written.
        """
        from stackfold.application.models.rules import parse_gate

        for name in parse_gate(rule).functions:
            self._services.gate_functions.allow(name)

    # -- the past

    def revert(
        self,
        reference: str,
        to: int | None = None,
        *,
        as_of: AsOf = None,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore an earlier state of a model, as a new revision; gates do not judge that.

        Versions that leave a stage are archived, and those that return to one are not any longer.

        Args:
            reference: The model.
            to: The revision to restore; None for the one before the latest.
            as_of: A point in the past, instead of a revision.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No model matches, or a version that had an alias was deleted.
            NoSuchRevision: It has no such revision.
            NothingToChange: It has that state already.
            StaleRevision: It has another revision than the expected one.
        """
        from stackfold.domain.models.model import Model

        found = self._queries.find_model(reference)
        revision = self._past.revision("model", "model", found, to, as_of)

        def command() -> "Sequence[Revertible]":
            model, past = self._past.earlier(Model, found, revision, expected_revision)
            before = model.aliases
            model.revert(past)
            return [model, *self._promotions.settled(model, before)]

        entries = self._past.record(command, why, dry_run, locked=True)
        if not dry_run:
            self._services.model_registries.follow(found.id)
        return entries

    def restore(
        self,
        reference: str,
        *,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore a deleted model, and return the changes.

        Args:
            reference: The id of the deleted model, or the last one of that name.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: There never was such a model.
            NotDeleted: It exists.
            NameTaken: Another model has its name.
        """
        from stackfold.domain.models.model import Model

        found = self._services.history.find("model", reference, deleted=True)

        def command() -> "Sequence[Model]":
            model, past = self._past.deleted(Model, found, expected_revision)
            model.restore(past)
            return [model]

        return self._past.record(command, why, dry_run)

    # -- private

    def _change(
        self,
        reference: str,
        command: "Callable[[Model], object]",
        why: str,
        expected_revision: int | None,
        view: ModelView | None = None,
    ) -> ModelView:
        from stackfold.domain.models.model import Model

        id = self._queries.find_model(reference).id
        self._services.repository.change(Model, id, command, why, expected_revision)
        return view or self.get(id)

    @cached_property
    def _promotions(self) -> "Promotions":
        from stackfold.application.models.promotions import Promotions

        services = self._services
        return Promotions(services.repository, self._queries, services.gate_functions)

    @cached_property
    def _past(self) -> "PastStates":
        from stackfold.application.history.past_states import PastStates

        services = self._services
        return PastStates(services.repository, services.history, self._queries.position)
