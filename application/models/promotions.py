"""Promotions: let an alias stand for another version, if the gate of the alias allows it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.models.gate_functions import (
    Asked,
    Gate,
    GateFunctions,
    NamedGate,
    ask,
    name_of,
    unavailable,
)
from stackfold.application.models.queries import ModelQueries
from stackfold.application.models.rules import Finding, Incumbent, ParsedGate, judge, parse_gate
from stackfold.application.models.views import ModelVersionView, ModelView
from stackfold.domain.errors import (
    ConcurrentModification,
    Conflict,
    NotFound,
    NothingToChange,
    PromotionRefused,
    ReasonRequired,
    StackfoldError,
)
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.models.alias import STAGES, valid_alias
from stackfold.domain.models.model import Model
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.models.target import Target
from stackfold.domain.models.verdict import Verdict

_ATTEMPTS = 3
"""How often functions are asked again, since the version that they compared with was replaced."""


class _Replaced(Exception):
    """Another version was promoted, or the gate was changed, after functions had judged."""


class _Judgement(NamedTuple):
    """What functions found before the lock, and what that is based on."""

    asked: Sequence[Asked] = ()
    extra: str = ""
    """The name of the function that the caller gave; empty if the gate names it, too."""
    against: int | None = None
    """The number of the version that the alias stood for."""
    functions: tuple[str, ...] = ()
    """The functions of the gate of the alias."""


class Promotions:
    """Promotes versions, and takes promotions back.

    A command is executed under the write lock, so that the versions it compares are the current
    ones. Functions may be slow, so they are called before.
    """

    def __init__(
        self, repository: Repository, queries: ModelQueries, functions: GateFunctions
    ) -> None:
        """Create the service.

        Args:
            repository: Loads and saves models.
            queries: Reads models and metrics.
            functions: Finds functions that gates name.
        """
        self._repository = repository
        self._queries = queries
        self._functions = functions

    def promote(
        self,
        model: ModelView,
        candidate: ModelVersionView,
        alias: str,
        gate: Gate | str | None,
        force: bool,
        why: str,
        expected_revision: int | None,
    ) -> Verdict | None:
        """Promote a version; returns what the gates found, None without one.

        Raises as `Models.promote`.
        """
        alias = valid_alias(alias)
        for _ in range(_ATTEMPTS):
            judgement = self._judged(model, candidate, alias, gate, force)
            try:
                return self._promote(
                    model, candidate, alias, judgement, force, why, expected_revision
                )
            except _Replaced:
                model = self._queries.model(model.id)
        raise ConcurrentModification("model", model.name, model.revision, model.by, [alias])

    def _judged(
        self,
        model: ModelView,
        candidate: ModelVersionView,
        alias: str,
        gate: Gate | str | None,
        force: bool,
    ) -> _Judgement:
        """What functions find, those of the gate of the alias and the one that is given."""
        rule = model.gates.get(alias)
        functions = parse_gate(rule).functions if rule else ()
        given = gate if isinstance(gate, str | None) else name_of(gate)
        names = [*functions, *([given] if given and given not in functions else [])]
        if not names:
            return _Judgement()
        versions = {each.number: each for each in self._queries.versions(model)}
        current = versions.get(model.aliases.get(alias, 0))
        asked = []
        for name in names:
            try:
                found = gate if callable(gate) and name == given else self._functions.find(name)
            except StackfoldError as error:
                if not force:
                    raise
                asked.append(unavailable(name, error))
            else:
                asked.append(ask(NamedGate(name, found), candidate, current))
        extra = given if given and given not in functions else ""
        return _Judgement(asked, extra, current.number if current else None, functions)

    def _promote(
        self,
        view: ModelView,
        candidate: ModelVersionView,
        alias: str,
        judgement: _Judgement,
        force: bool,
        why: str,
        expected_revision: int | None,
    ) -> Verdict | None:
        verdict: Verdict | None = None

        def command() -> Sequence[Aggregate]:
            nonlocal verdict
            model = self._repository.load(Model, view.id)
            self._repository.expect(model, expected_revision)
            version = self._repository.load(ModelVersion, candidate.id)
            version.must_be_promotable()
            target = model.aliases.get(alias)
            if target and target.number == version.number:
                raise NothingToChange(model.kind, model.name, model.version)
            verdict = self._verdict(model, alias, version, judgement)
            if verdict and not verdict.passed:
                if not force:
                    model.refuse(alias, version.id, version.number, verdict)
                    return [model]
                if not why.strip():
                    raise ReasonRequired("model", model.name, "promoted against its gate")
                verdict = verdict.model_copy(update={"forced": True})
            model.promote(alias, version.id, version.number, verdict)
            return [model, *self._moved(model, alias, version, target)]

        *_, position = self._repository.attempt(command, why, locked=True)
        if verdict and not verdict.passed and not verdict.forced:
            name = f"{view.name}@{candidate.number}"
            cause = next((each.error for each in judgement.asked if each.error), None)
            raise PromotionRefused(name, alias, "; ".join(verdict.failures), position) from cause
        return verdict

    def roll_back(
        self,
        view: ModelView,
        alias: str,
        to: int | None,
        why: str,
        expected_revision: int | None,
    ) -> int:
        """Take back the last promotion; returns the number of the version that is current again.

        Raises as `Models.rollback`.
        """
        alias = valid_alias(alias)
        number = 0

        def command() -> Sequence[Aggregate]:
            nonlocal number
            model = self._repository.load(Model, view.id)
            self._repository.expect(model, expected_revision)
            target = model.aliases.get(alias)
            if target is None:
                raise NotFound("alias", alias, f"no version of {model.name!r} has it")
            existing = {each.number: each.id for each in self._queries.versions(view)}
            former = [each for each in target.previous if each in existing]
            if not former or (to is not None and to not in former):
                known = ", ".join(map(str, former)) or "none"
                raise Conflict(
                    f"{model.name!r} cannot be rolled back: before {target.number}, the versions "
                    f"in {alias} were: {known}"
                )
            number = former[0] if to is None else to
            version = self._repository.load(ModelVersion, existing[number])
            model.roll_back(alias, version.id, number)
            return [model, *self._moved(model, alias, version, target)]

        self._repository.attempt(command, why, locked=True)
        return number

    def remove(self, view: ModelView, alias: str, why: str, expected_revision: int | None) -> None:
        """Let an alias stand for no version; raises as `Models.remove_alias`."""

        def command() -> Sequence[Aggregate]:
            model = self._repository.load(Model, view.id)
            self._repository.expect(model, expected_revision)
            target = model.aliases.get(alias)
            model.remove_alias(alias)
            return [model, *self._archived(model, alias, target)]

        self._repository.attempt(command, why, locked=True)

    def settled(self, model: Model, before: Mapping[str, Target]) -> list[ModelVersion]:
        """The versions that are archived or not after a revert.

        Args:
            model: The model after the revert.
            before: Its aliases before.
        """
        versions: list[ModelVersion] = []
        for stage in STAGES:
            former, now = before.get(stage), model.aliases.get(stage)
            if former and (now is None or now.number != former.number):
                versions += self._archived(model, stage, former)
            if now and (former is None or now.number != former.number):
                version = self._repository.load(ModelVersion, now.version)
                version.unarchive()
                versions.append(version)
        return versions

    # -- private

    def _moved(
        self, model: Model, alias: str, version: ModelVersion, former: Target | None
    ) -> list[ModelVersion]:
        """The versions that change with a promotion."""
        version.unarchive()
        return [version, *self._archived(model, alias, former)]

    def _archived(self, model: Model, alias: str, former: Target | None) -> list[ModelVersion]:
        """The version that left a stage, archived unless another alias stands for it."""
        if former is None or alias not in STAGES:
            return []
        if any(each.number == former.number for each in model.aliases.values()):
            return []
        version = self._repository.load(ModelVersion, former.version)
        version.archive()
        return [version]

    def _verdict(
        self, model: Model, alias: str, version: ModelVersion, judgement: _Judgement
    ) -> Verdict | None:
        rule = model.gates.get(alias)
        gate = parse_gate(rule) if rule is not None else ParsedGate()
        target = model.aliases.get(alias)
        if gate.functions != judgement.functions or (
            judgement.asked and (target.number if target else None) != judgement.against
        ):
            raise _Replaced
        targets = {
            each.alias: model.aliases[each.alias]
            for each in gate.conditions
            if each.alias in model.aliases
        }
        findings: list[Finding] = []
        if gate.conditions:
            ids = {str(version.id), *(str(each.version) for each in targets.values())}
            metrics = self._queries.metrics([*ids])
            incumbents = {
                each: Incumbent(target.number, metrics.get(str(target.version), ()))
                for each, target in targets.items()
            }
            findings = judge(gate.conditions, metrics.get(str(version.id), ()), incumbents)
        findings += [each.finding for each in judgement.asked]
        if not findings:
            return None
        return Verdict(
            rule=" and ".join(each for each in (rule, judgement.extra) if each),
            passed=all(each.passed for each in findings),
            findings=tuple(each.text for each in findings if each.passed),
            failures=tuple(each.text for each in findings if not each.passed),
            compared={each: target.number for each, target in targets.items()},
        )
