"""Policies: which are in force in the log."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.views import HistoryEntry
from stackfold.application.policies.queries import (
    AvailablePolicies,
    Candidate,
    PolicyQueries,
    StoredPolicy,
)
from stackfold.application.policies.views import PolicyView
from stackfold.domain.errors import InvalidPolicy, NotFound, ReasonRequired

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.repository import Preview, Repository
    from stackfold.application.history.queries import History
    from stackfold.application.policies.policy import Policy
    from stackfold.domain.policies.enabled_policy import EnabledPolicy, PolicyFacts


class PolicyServices(Protocol):
    """Services that are created on first use."""

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def history(self) -> "History":
        """Reads what happened to policies."""
        ...


class Policies:
    """Queries and commands on policies.

    A policy that a package provides, or that the program declares, binds nobody until it is
    enabled. Queries import no policy.
    """

    def __init__(
        self, queries: PolicyQueries, available: AvailablePolicies, services: PolicyServices
    ) -> None:
        """Create the service.

        Args:
            queries: Reads the enabled policies.
            available: Knows the policies that this process has.
            services: Creates what commands need, on first use.
        """
        self._queries = queries
        self._available = available
        self._services = services

    # -- queries

    def list(self, as_of: AsOf = None) -> Sequence[PolicyView]:
        """List the enabled policies, and those that this process could enable, by name.

        Args:
            as_of: A point in the past (see `application.eventsourcing.as_of`), of which only the
                enabled policies are listed; None for now.
        """
        position = self._queries.position(as_of)
        enabled = {each.name: each for each in self._queries.enabled(position)}
        views = [self._view(each) for each in enabled.values()]
        if position is None:
            others = {each.name: each for each in self._available.candidates()}
            views += [_candidate(each) for each in others.values() if each.name not in enabled]
        return sorted(views, key=lambda view: view.name)

    def describe(self, name: str, as_of: AsOf = None) -> PolicyView:
        """Return one policy that is enabled, or that this process could enable.

        Args:
            name: Its name.
            as_of: A point in the past, at which it was enabled; None for now.

        Raises:
            NotFound: There is no such policy.
        """
        views = self.list(as_of)
        for view in views:
            if view.name == name:
                return view
        raise NotFound("policy", name, _suggestion(name, [view.name for view in views]))

    def history(self, name: str, limit: int | None = None) -> Sequence[HistoryEntry]:
        """Return when a policy was enabled and disabled, newest first.

        Args:
            name: Its name.
            limit: The most entries to return.

        Raises:
            NotFound: It was never enabled.
        """
        return self._services.history.of(self._services.history.find("policy", name).id, limit)

    # -- commands

    def enable(self, name: str, why: str = "", *, dry_run: bool = False) -> PolicyView:
        """Enable a policy in this log, with the topics that it declares now.

        The log records the topics, and so which events require the policy in any process. An
        enabled policy is updated, such as after a new version of its package added a topic.

        Args:
            name: Its name.
            why: The reason.
            dry_run: Whether to return what would be enabled, without recording it.

        Raises:
            NotFound: This process has no such policy.
            InvalidPolicy: It cannot be imported, its declaration is invalid, or several packages
                provide it.
            NothingToChange: It is enabled, and the log records what it declares.
        """
        candidate = self._candidate_of(name)
        policy = self._available.load(candidate)
        facts = _facts(policy, candidate)
        must_be_events(policy, self._services.repository)
        previewed: list[PolicyView] = []

        def preview(positions: Sequence[int]) -> None:
            previewed.append(self.describe(name))

        def command() -> "Sequence[EnabledPolicy]":
            from stackfold.domain.policies.enabled_policy import EnabledPolicy

            try:
                known = self._services.repository.load(EnabledPolicy, EnabledPolicy.id_of(name))
            except NotFound:
                return [EnabledPolicy.enable(name, facts)]
            known.enable_again(facts)
            return [known]

        callback: Preview | None = preview if dry_run else None
        self._services.repository.attempt(command, why, callback)
        return previewed[-1] if dry_run else self.describe(name)

    def disable(self, name: str, why: str, *, expected_revision: int | None = None) -> None:
        """Disable a policy, which then governs nothing; needs no package, and no policy forbids it.

        Args:
            name: Its name.
            why: The reason; required.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: It is not enabled.
            ReasonRequired: The reason is empty.
            StaleRevision: It has another revision than the expected one.
        """
        from stackfold.domain.policies.enabled_policy import EnabledPolicy

        enabled = [each.name for each in self._queries.enabled()]
        if name not in enabled:
            raise NotFound("policy", name, "it is not enabled" + _suggestion(name, enabled, "; "))
        if not why.strip():
            raise ReasonRequired("policy", name, "disabled")
        self._services.repository.change(
            EnabledPolicy, EnabledPolicy.id_of(name), EnabledPolicy.delete, why, expected_revision
        )

    # -- private

    def _candidate_of(self, name: str) -> Candidate:
        candidate = self._available.find(name)
        if candidate is None:
            names = [each.name for each in self._available.candidates()]
            hint = _suggestion(name, names) or "no installed package provides policies"
            raise NotFound("policy", name, hint)
        return candidate

    def _view(self, stored: StoredPolicy) -> PolicyView:
        try:
            found = self._available.find(stored.name, stored.package or "")
        except InvalidPolicy:
            found = None
        installed = None if found is None else found.version if found.package else "declared"
        return PolicyView(
            stored.name,
            True,
            stored.topics,
            stored.description,
            stored.package,
            stored.version,
            installed,
            stored.source,
            stored.revision,
            stored.updated,
            stored.by,
        )


def _candidate(each: Candidate) -> PolicyView:
    installed = each.version if each.package else "declared"
    return PolicyView(each.name, False, (), "", each.package, each.version, installed, each.source)


def _facts(policy: "Policy", candidate: Candidate) -> "PolicyFacts":
    from stackfold.domain.policies.enabled_policy import PolicyFacts

    return PolicyFacts(
        policy.topics, policy.description, candidate.package, candidate.version, candidate.source
    )


def must_be_events(policy: "Policy", repository: "Repository") -> None:
    """Reject topics that no event of this log's aggregates has, such as misspelled ones.

    Raises:
        InvalidPolicy: There is no such event.
    """
    aggregates = repository.aggregates
    for topic in policy.topics:
        kind, _, event = topic.rpartition(".")
        declared = aggregates.type_of(kind)
        if declared is not None and (event == "*" or topic in declared.events):
            continue
        known = [*declared.events] if declared else [f"{each}.*" for each in aggregates.topics]
        if declared is not None or "." not in kind:
            hint = _suggestion(topic, known)
            raise InvalidPolicy(policy.name, f"there is no event {topic!r}: {hint}")


def _suggestion(name: str, known: "Sequence[str]", before: str = "") -> str:
    """What to type instead of an unknown name; empty if nothing is known."""
    close = get_close_matches(name, known, 1)
    if close:
        return f"{before}did you mean {close[0]!r}?"
    names = ", ".join([*known[:10], *(["…"] if len(known) > 10 else [])])
    return f"{before}there is {names}" if names else ""
