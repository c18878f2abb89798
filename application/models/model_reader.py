"""Model reader: one method per query on models and their versions."""

import re
from collections.abc import Sequence
from typing import Any

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.differences import differences
from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.models.queries import ModelQueries, VersionPart
from stackfold.application.models.services import ModelServices
from stackfold.application.models.views import (
    ModelDescription,
    ModelVersionDescription,
    ModelVersionView,
    ModelView,
    Promotion,
    VerdictView,
    VersionComparison,
)
from stackfold.domain.errors import DidNotExistAt, Invalid, NoSuchRevision, NotFound
from stackfold.domain.models.alias import LATEST

_COMPLETED = ("completed", "archived")


@checked
class ModelReader:
    """Queries on models; `Models` adds the commands.

    A `reference` is the name of a model, its id or a unique prefix of either. A `version` is a
    number, an alias or "latest", the newest completed version.
    """

    def __init__(self, queries: ModelQueries, services: ModelServices) -> None:
        """Create the service.

        Args:
            queries: Reads models and their versions.
            services: Creates what commands and histories need, on first use.
        """
        self._queries = queries
        self._services = services

    def list(self, listing: Listing = ALL, as_of: AsOf = None) -> Sequence[ModelView]:
        """List models.

        Args:
            listing: Filters, order and page.
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.

        Raises:
            InvalidListing: Models have no such column.
        """
        return self._queries.models(listing, self._queries.position(as_of))

    def get(self, reference: str, as_of: AsOf = None) -> ModelView:
        """Return one model.

        Args:
            reference: The model.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No model matches.
            Ambiguous: The reference is a prefix of several.
        """
        return self._queries.model(reference, self._queries.position(as_of))

    def describe(self, reference: str, as_of: AsOf = None) -> ModelDescription:
        """Return one model, with who promoted what to each alias and why; raises as `get`."""
        position = self._queries.position(as_of)
        view = self._queries.model(reference, position)
        history = self._services.history.of(view.id, None, position)
        fields = view._asdict()
        del fields["aliases"]
        part = VersionPart([*view.aliases.values()])
        made = {each.number: each for each in self._queries.versions(view, position, part)}
        promotions = []
        for alias, number in view.aliases.items():
            version = made[number]
            linked = self._queries.linked(version.id, position)
            promotions.append(
                _promotion(history, alias, number)._replace(
                    run=version.run,
                    stack=version.stack,
                    stack_revision=version.stack_revision,
                    inputs=linked.inputs,
                    deployments=linked.deployments,
                )
            )
        return ModelDescription(**fields, promotions=promotions)

    def history(
        self,
        reference: str,
        limit: int | None = None,
        *,
        alias: str | None = None,
        as_of: AsOf = None,
    ) -> Sequence[HistoryEntry]:
        """Return what happened to a model, newest first.

        Args:
            reference: The model; it may have been deleted.
            limit: The most entries to return.
            alias: Only changes of the version that this alias stands for.
            as_of: Only changes up to this point in the past; None for all.

        Raises:
            NotFound: There never was such a model.
        """
        position = self._queries.position(as_of)
        id = self._find(reference).id
        if alias is None:
            return self._services.history.of(id, limit, position)
        entries = self._services.history.of(id, None, position)
        moved = [each for each in entries if any(change.field == alias for change in each.changes)]
        return moved[:limit]

    def diff(
        self,
        reference: str,
        *,
        revisions: tuple[int, int | None] | None = None,
        as_of: tuple[AsOf, AsOf] = (None, None),
    ) -> Sequence[Change]:
        """Return the fields in which two states of a model differ; by default, its last change.

        Args:
            reference: The model; it may have been deleted.
            revisions: Two of its revisions; None as the second one is the latest.
            as_of: Two points in the past, instead of revisions.

        Raises:
            NotFound: There never was such a model.
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist at either point.
        """
        found = self._find(reference)
        positions = [self._queries.position(each) for each in as_of]
        known = self._services.history.revisions(found.id)
        if revisions is None and as_of == (None, None):
            positions = [known[-1].position - 1, known[-1].position]
        elif revisions:
            for place, number in enumerate(revisions):
                if number is not None and not 1 <= number <= len(known):
                    raise NoSuchRevision("model", found.name, number, len(known))
                positions[place] = None if number is None else known[number - 1].position
        states = [self._state(found.id, position) for position in positions]
        if not any(states):
            raise DidNotExistAt("model", found.name, positions[-1])
        return differences(*states)

    # -- versions

    def versions(
        self,
        reference: str,
        *,
        all: bool = False,
        as_of: AsOf = None,
        numbers: Sequence[int] | None = None,
        below: int | None = None,
        limit: int | None = None,
        where: str = "",
    ) -> Sequence[ModelVersionView]:
        """Return the versions of a model, newest first; raises as `get`.

        Args:
            reference: The model.
            all: Whether to include versions that are open or abandoned.
            as_of: A point in the past; None for now.
            numbers: Only the versions with these numbers; None for any.
            below: Only versions with a smaller number; None for any.
            limit: The most versions; None for all.
            where: A rule on their metrics, in the grammar of gates, such as "auc >= 0.9"; empty
                for any.

        Raises:
            Invalid: The rule is no rule on metrics.
        """
        position = self._queries.position(as_of)
        part = VersionPart(numbers, below, () if all else _COMPLETED, None if where else limit)
        model = self._queries.model(reference, position)
        found = self._queries.versions(model, position, part)
        return self._meeting(model, found, where)[:limit] if where else found

    def verdicts(
        self, reference: str, version: str | int | None = None, *, as_of: AsOf = None
    ) -> Sequence[VerdictView]:
        """Return what gates found about versions of a model, newest first; raises as `version`.

        Args:
            reference: The model.
            version: The version; None for all.
            as_of: A point in the past; None for now.
        """
        position = self._queries.position(as_of)
        model = self._queries.model(reference, position)
        number = None if version is None else self._version(model, version, position).number
        found = self._queries.verdicts(model.id, position)
        return [each for each in found if number in (None, each.number)]

    def version(self, reference: str, version: str | int, as_of: AsOf = None) -> ModelVersionView:
        """Return one version of a model.

        Args:
            reference: The model.
            version: The version.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No model matches, or it has no such version.
            Ambiguous: The reference is a prefix of several models.
        """
        position = self._queries.position(as_of)
        return self._version(self._queries.model(reference, position), version, position)

    def describe_version(
        self, reference: str, version: str | int, as_of: AsOf = None
    ) -> ModelVersionDescription:
        """Return one version with what is linked to it; raises as `version`.

        The artifacts are the outputs of its run, including those from the cache.

        Args:
            reference: The model.
            version: The version.
            as_of: A point in the past; None for now.
        """
        position = self._queries.position(as_of)
        view = self._version(self._queries.model(reference, position), version, position)
        linked = self._queries.linked(view.id, position)
        return ModelVersionDescription(**view._asdict(), **linked._asdict())

    def compare(
        self, reference: str, versions: Sequence[str | int], *, as_of: AsOf = None
    ) -> Sequence[VersionComparison]:
        """Compare versions of models: their metrics, and what they were made of.

        Args:
            reference: The model.
            versions: Two to twelve versions; "churn@3" is one of another model.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No model matches, or it has no such version.
            Invalid: Their number is not from 2 to 12.
        """
        if not 2 <= len(versions) <= 12:
            raise Invalid(f"{len(versions)} versions cannot be compared: give 2 to 12")
        described = []
        for each in versions:
            model, at, version = str(each).rpartition("@")
            described.append(self.describe_version(model if at else reference, version, as_of))
        fields = [_fields(each) for each in described]
        names = dict.fromkeys(name for each in fields for name in each)
        return [VersionComparison(name, [each.get(name) for each in fields]) for name in names]

    # -- private

    def _meeting(
        self, model: ModelView, versions: Sequence[ModelVersionView], where: str
    ) -> Sequence[ModelVersionView]:
        """The versions whose metrics meet a rule."""
        from stackfold.application.models.rules import Incumbent, judge, parse_rule

        conditions = parse_rule(where)
        aliases = {each.alias: model.aliases.get(each.alias, 0) for each in conditions}
        part = VersionPart([*filter(None, aliases.values())])
        compared = {each.number: each.id for each in self._queries.versions(model, None, part)}
        metrics = self._queries.metrics([*(each.id for each in versions), *compared.values()])
        incumbents = {
            alias: Incumbent(number, metrics[compared[number]])
            for alias, number in aliases.items()
            if number in compared
        }
        return [
            each
            for each in versions
            if all(finding.passed for finding in judge(conditions, metrics[each.id], incumbents))
        ]

    def _version(
        self, model: ModelView, version: str | int, position: int | None
    ) -> ModelVersionView:
        which = str(version)
        if which == LATEST:
            number = model.latest
        elif re.fullmatch(r"v?\d{1,18}", which):
            number = int(which.removeprefix("v"))
        else:
            number = model.aliases.get(which)
        wanted = VersionPart(label=which) if number is None else VersionPart([number])
        if number is not None or which != LATEST:
            for view in self._queries.versions(model, position, wanted):
                return view
        part = VersionPart(statuses=_COMPLETED, limit=10)
        completed = reversed(self._queries.versions(model, position, part))
        known = [*(str(each.number) for each in completed), *model.aliases]
        hint = f"{model.name!r} has {', '.join(known)}" if known else "no run has completed one"
        raise NotFound("model version", f"{model.name}@{which}", hint)

    def _find(self, reference: str) -> Reference:
        """A model that exists or was deleted."""
        try:
            return self._queries.find_model(reference)
        except NotFound:
            return self._services.history.find("model", reference)

    def _state(self, id: str, position: int | None) -> dict[str, Any]:
        """The fields of a model at a position; none if it did not exist."""
        if position == 0:
            return {}
        try:
            view = self._queries.model(id, position)
        except NotFound:
            return {}
        return {
            "name": view.name,
            **({"description": view.description} if view.description else {}),
            **({"tags": ", ".join(view.tags)} if view.tags else {}),
            **{f"card {key}": text for key, text in view.card.items()},
            **view.aliases,
            **{f"gate {alias}": rule for alias, rule in view.gates.items()},
        }


def _promotion(history: Sequence[HistoryEntry], alias: str, number: int) -> Promotion:
    """The last entry of a history by which an alias came to stand for a version."""
    for each in history:
        if any(change.field == alias for change in each.changes):
            return Promotion(
                alias, number, each.position, each.when, each.by, each.why, each.action
            )
    return Promotion(alias, number, 0, "", "", "", "")


def _fields(version: ModelVersionDescription) -> dict[str, Any]:
    return {
        "number": version.number,
        **({"label": version.label} if version.label else {}),
        "status": version.status,
        "aliases": ", ".join(version.aliases) or None,
        **version.metrics,
        "pipeline": version.pipeline,
        "run": version.run,
        "stack": f"{version.stack}, revision {version.stack_revision}",
        "artifacts": ", ".join(version.artifacts) or None,
        **{f"input {name}": pinned for name, pinned in version.inputs.items()},
        "tags": ", ".join(version.tags) or None,
        "description": version.description or None,
        **{f"metadata {key}": value for key, value in version.metadata.items()},
    }
