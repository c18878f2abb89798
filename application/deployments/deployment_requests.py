"""Commands and queries on the recorded requests of deployments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.deployments.deployment_updates import DeploymentUpdates
from stackfold.application.deployments.deployment_views import DeploymentView
from stackfold.application.deployments.request_views import (
    CollectedView,
    DriftView,
    RecordedRequestView,
)
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.domain.errors import CannotRecord, NotFound, StackfoldError

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_views import NamedArtifact
    from stackfold.application.deployments.recorded_requests import RecordedRequests
    from stackfold.domain.deployments.deployment import Deployment

MOST = 100_000
"""The most requests that are read at once, the newest ones."""


@checked
class DeploymentRequests(DeploymentUpdates):
    """Record the requests of deployments, read them, and compare them with a reference.

    A `reference` is a name, an id or a unique prefix of either.
    """

    @outside_changes
    def record(
        self,
        reference: str,
        *,
        rate: float = 1.0,
        leave_out: Iterable[str] = (),
        keep_days: int = 30,
        why: str = "",
        expected_revision: int | None = None,
    ) -> DeploymentView:
        """Record requests and predictions from now on, in the artifact store of the model.

        The gateway records what it passes on, so it works with every model deployer that serves on
        this machine. It never delays or fails a request: what it cannot record is dropped.

        Args:
            reference: The deployment.
            rate: The share of the requests, above 0 and up to 1, which are chosen at random.
            leave_out: The names of columns, and of fields in objects, that are never written.
            keep_days: The days after which requests are deleted.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No deployment matches.
            InvalidRecording: The rate, a name or the number of days is invalid.
            CannotRecord: Its requests pass through no gateway of this machine.
            NothingToChange: That is recorded already.
            StaleRevision: It has another revision than the expected one.
        """
        from stackfold.domain.deployments.recording import Recording

        names = [leave_out] if isinstance(leave_out, str) else [*leave_out]
        deployment = self._loaded(reference)
        self._must_be_recordable(deployment)
        store = deployment.rollout.main.store
        recording = Recording.of(rate, names, keep_days, store)
        self._change_recording(
            deployment, lambda each: each.record(recording), why, expected_revision
        )
        self._services.request_spools.begin(str(deployment.id), rate, recording.leave_out)
        return self._queries.deployment(str(deployment.id))

    @outside_changes
    def stop_recording(
        self, reference: str, why: str = "", *, expected_revision: int | None = None
    ) -> DeploymentView:
        """Record no further requests; what was recorded is deleted when it is old enough.

        Args:
            reference: The deployment.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No deployment matches.
            NothingToChange: Nothing is recorded.
            StaleRevision: It has another revision than the expected one.
        """
        deployment = self._loaded(reference)
        if deployment.rollout.recording:
            self._recorded.collect(deployment)  # while it is known how long it is kept
        self._change_recording(deployment, lambda each: each.record(None), why, expected_revision)
        self._services.request_spools.end(str(deployment.id))
        return self._queries.deployment(str(deployment.id))

    @outside_changes
    def collect(self, reference: str | None = None) -> Sequence[CollectedView]:
        """Move recorded requests to artifact stores, and delete those that are too old.

        The recorder does so every five minutes, as far as the store can be reached without secrets
        of the environment. `requests` and `drift` do so first.

        Args:
            reference: The deployment; None for all.

        Raises:
            NotFound: No deployment matches.
            ArtifactStoreUnavailable: The store of this deployment cannot be reached. For all
                deployments, the problem is in the view.
        """
        if reference is not None:
            return [CollectedView(*self._recorded.collect(self._loaded(reference)))]
        found = []
        for view in self._queries.deployments():
            deployment = self._loaded(view.id)
            try:
                found.append(CollectedView(*self._recorded.collect(deployment)))
            except StackfoldError as error:
                found.append(CollectedView(view.name, 0, 0, str(error)))
        return [each for each in found if each.moved or each.deleted or each.problem]

    @outside_changes
    def requests(
        self, reference: str, since: AsOf = None, limit: int | None = None
    ) -> Sequence[RecordedRequestView]:
        """Return recorded requests, the newest first.

        Args:
            reference: The deployment.
            since: The time of the oldest one, such as "2h" (see
                `application.eventsourcing.as_of`); None for all.
            limit: The most requests to return; None for 100,000.

        Raises:
            NotFound: No deployment matches.
            InvalidAsOf: `since` is no time.
            ArtifactStoreUnavailable: The artifact store cannot be reached.
            ArtifactDamaged: Recorded requests are missing or were changed.
        """
        from stackfold.application.deployments.recorded_requests import time_of

        return [
            RecordedRequestView(
                time_of(line["at"]),
                line["model"],
                line["status"],
                line["ms"],
                line.get("rows", []),
                line.get("problem", ""),
            )
            for line in self._lines(reference, since, limit)
        ]

    def request_rows(self, reference: str, since: AsOf = None) -> Sequence[Mapping[str, Any]]:
        """Return the rows of requests that were answered, the oldest first.

        Each row has "at", "model", the columns of the inputs and those of the predictions.

        Args:
            reference: The deployment.
            since: As for `requests`.

        Raises:
            StackfoldError: As for `requests`.
        """
        from stackfold.application.deployments.recorded_requests import rows_of

        lines = self._lines(reference, since, None)
        return rows_of(lines[::-1])

    @outside_changes
    def save_requests(
        self, reference: str, name: str, *, since: AsOf = None, why: str = ""
    ) -> "NamedArtifact":
        """Save the rows of `request_rows` as a new version of an artifact, which is kept.

        It is a frame of pandas, or a list of rows where pandas is not installed.

        Args:
            reference: The deployment.
            name: The name of the artifact.
            since: As for `requests`.
            why: The reason.

        Returns:
            The version.

        Raises:
            CannotRecord: No request was recorded since then.
            StackfoldError: As for `requests` and `Artifacts.save`.
        """
        title = self._queries.find_deployment(reference).name
        rows = self._filled(title, self.request_rows(reference, since))
        metadata = {"deployment": title, "first": rows[0]["at"], "last": rows[-1]["at"]}
        table = self._services.table(rows)
        return self._services.artifacts.save(table, name, metadata=metadata, why=why)

    @outside_changes
    def drift(
        self,
        reference: str,
        baseline: str,
        *,
        since: AsOf = None,
        target: str = "",
        columns: Iterable[str] = (),
        stack: str | None = None,
    ) -> DriftView:
        """Compare recorded requests with a data set, and post an alert if they have drifted.

        The data validator of the stack compares; its alerter, if it has one, posts. Columns without
        names are those of the data set by their order, if their number is the same.

        Args:
            reference: The deployment.
            baseline: The artifact to compare with, such as "dataset@approved".
            since: The time of the oldest request, as for `requests`; None for all.
            target: The column of the data set with the true values; empty for none.
            columns: The columns to compare; empty for all that both have.
            stack: The stack with the data validator; None for the active one.

        Raises:
            NotFound: No deployment or no artifact matches.
            NoComponent: The stack has no data validator.
            CannotRecord: No request was recorded since then.
            ValidatorCannot: The data validator compares nothing.
            ValidatorFailed: It raised an error.
            StackfoldError: As for `requests`; or the artifact cannot be read.
        """
        from stackfold.application.deployments.drift import Drift
        from stackfold.application.deployments.releases import release_of

        name = self._queries.find_deployment(reference).name
        resolver = self._services.resolver
        drift = Drift.of_stack(resolver.pin(stack), resolver.built)
        rows = self._filled(name, self.request_rows(reference, since))
        release = release_of(self._artifacts, self._queries, baseline)
        data = self._services.deployers.loaded(release)
        return drift.find(name, rows, release.model, data, target, [*columns])

    # -- private

    def _filled(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        if rows:
            return rows
        problem = "none was recorded in that time: record them first"
        raise CannotRecord(name, problem)

    def _lines(self, reference: str, since: AsOf, limit: int | None) -> list[dict[str, Any]]:
        """Recorded requests, the newest first."""
        begin = self._milliseconds(since)
        deployment = self._loaded(reference)
        self._recorded.collect(deployment)
        lines = self._recorded.lines(str(deployment.id), begin, newest_first=True)
        return [*islice(lines, min(limit or MOST, MOST))]

    def _milliseconds(self, since: AsOf) -> int:
        from stackfold.application.eventsourcing.as_of import Time, parse_as_of
        from stackfold.domain.errors import InvalidAsOf
        from stackfold.domain.rfc3339 import from_rfc3339

        if since is None:
            return 0
        point = parse_as_of(since)
        if not isinstance(point, Time):
            raise InvalidAsOf(str(since))
        return int(from_rfc3339(point.text).timestamp() * 1000)

    def _must_be_recordable(self, deployment: "Deployment") -> None:
        gateway = deployment.rollout.gateway
        on_cluster = self._services.deployers.known(deployment.deployer).on_cluster
        if on_cluster or (deployment.status == "started" and gateway is None):
            problem = "no gateway of this machine passes them on"
            raise CannotRecord(deployment.name, problem)
        if gateway and self._services.gateways.state(str(deployment.id), gateway).status == (
            "elsewhere"
        ):
            raise CannotRecord(deployment.name, "its gateway is on another machine: use it there")

    def _loaded(self, reference: str) -> "Deployment":
        from stackfold.domain.deployments.deployment import Deployment

        id = self._queries.find_deployment(reference).id
        deployment = self._services.repository.load(Deployment, id)
        if deployment.deleted:
            raise NotFound("deployment", reference)
        return deployment

    def _change_recording(
        self,
        deployment: "Deployment",
        command: "Callable[[Deployment], object]",
        why: str,
        expected_revision: int | None,
    ) -> None:
        self._services.repository.change(
            type(deployment), deployment.id, command, why, expected_revision
        )

    @cached_property
    def _recorded(self) -> "RecordedRequests":
        from stackfold.application.deployments.recorded_requests import RecordedRequests

        services = self._services
        return RecordedRequests(
            services.request_spools,
            services.gateways,
            services.stored_requests,
            services.resolver.built,
        )
