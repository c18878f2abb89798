"""Deployments: serve a model, look how it is, ask it for predictions, stop and forget it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID, uuid4

from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.application.deployments.deployers import Deployers
from stackfold.application.deployments.deployment_health import DeploymentHealth
from stackfold.application.deployments.deployment_views import (
    DeploymentDescription,
    DeploymentQueries,
    DeploymentView,
)
from stackfold.application.deployments.serving import Serving
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.ports.model_deployer import Health
from stackfold.application.ports.tensors import nested, tensors_of
from stackfold.application.stacks.queries import Queries
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import (
    Busy,
    Conflict,
    DeploymentStopped,
    DeploymentUnavailable,
    NotFound,
    RunBusy,
)
from stackfold.domain.name import valid_name
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType

PAUSE = 0.5
"""Seconds between two looks at logs that are followed."""

_SERVED = (Health.READY, Health.STARTING, Health.ELSEWHERE)


class Deployments:
    """What can be done with deployments, and asked of them.

    A `reference` is a name, an id or a unique prefix of either. The status of a deployment is one
    word, "ready", "starting", "down" or "elsewhere", as `Health` has them, for one that was
    started; "failed" or "stopped"; "unfinished" if whoever was starting it was killed; or
    "unknown" if its model deployer cannot be asked.
    """

    def __init__(
        self,
        repository: Repository,
        queries: Queries,
        deployment_queries: DeploymentQueries,
        artifact_queries: ArtifactQueries,
        deployers: Deployers,
        claims: Claims,
    ) -> None:
        """Record in `repository`.

        Args:
            repository: The log.
            queries: The questions about stacks, and about points in the past.
            deployment_queries: The questions about deployments.
            artifact_queries: The questions about artifacts.
            deployers: Sets up model deployers, and what they are to serve.
            claims: Who is starting, stopping or deleting which deployment.
        """
        self._repository = repository
        self._positions = queries
        self._queries = deployment_queries
        self._artifacts = artifact_queries
        self._deployers = deployers
        self._claims = claims
        self._serving = Serving(repository, deployers)
        self._health = DeploymentHealth(repository, deployers, claims)

    def deploy(
        self, name: str, model: str, stack: str | None = None, why: str = ""
    ) -> DeploymentView:
        """Serve a model by the model deployer of a stack, and return once it predicts.

        Args:
            name: The deployment's name, unique among the living ones.
            model: An artifact, as `application.artifacts.artifact_views.ArtifactQueries` finds it.
            stack: The stack, by name, id or unique prefix; the active one if None.
            why: The reason.

        Raises:
            InvalidName: The name breaks the rule for names.
            NameTaken: There is a deployment of that name.
            NotFound: There is no such artifact or stack.
            NotInStack: The stack holds none.
            NotInstalled: What the model deployer requires is not there.
            MissingSecret: What the model deployer needs is not there.
            ArtifactDamaged: The artifact is gone from its store.
            DeploymentFailed: It did not come to predict. What happened is recorded.
        """
        name = valid_name("deployment", name)
        found, artifact, store = self._model(model)
        pin, deployer = self._deployers.of_stack(stack)
        self._deployers.ready(deployer)
        self._deployers.must_hold(store, artifact)
        id = uuid4()
        with self._claimed(str(id), name):
            deployment = Deployment.register(
                name, found, artifact, store, pin.stack_id, pin.stack, pin.revision,
                deployer, id,
            )  # fmt: skip
            self._repository.save(deployment, why=why)
            self._serving.serve(deployment, why)
        return self._queries.deployment(str(id))._replace(status=Health.READY.value)

    def manifest(self, name: str, model: str, stack: str | None = None) -> str:
        """What would make a Kubernetes cluster serve a model; nothing is started or recorded.

        Arguments as for `deploy`.

        Returns:
            YAML.

        Raises:
            NoManifest: The stack's model deployer serves on no cluster, or lacks what a cluster
                must know.
            InvalidName: The name breaks the rule for names.
            NotFound: There is no such artifact or stack.
            NotInStack: The stack holds none.
        """
        name = valid_name("deployment", name)
        found, artifact, store = self._model(model)
        pin, deployer = self._deployers.of_stack(stack)
        would_be = Deployment.register(
            name,
            found,
            artifact,
            store,
            pin.stack_id,
            pin.stack,
            pin.revision,
            deployer,
            UUID(int=0),
        )
        return self._deployers.known(deployer).manifest(self._deployers.to_serve(would_be))

    def start(self, reference: str, why: str = "") -> DeploymentView:
        """Serve again what was stopped, failed, is down or was never finished; raises as `deploy`.

        It serves the same artifact by the same model deployer, configured as it was.

        Args:
            reference: Which deployment.
            why: The reason.

        Raises:
            NotFound: There is no such deployment.
            Conflict: It is served, so that there is nothing to start.
            Busy: Somebody is starting, stopping or deleting it.
        """
        id, name = self._queries.find_deployment(reference)
        with self._claimed(id, name):
            deployment = self._load(id)
            self._deployers.ready(deployment.deployer)
            self._deployers.must_hold(deployment.store, deployment.artifact)
            if self._health.of(deployment).status in _SERVED:
                raise Conflict(f"the deployment {name!r} is served already: stop it first")
            deployment = self._repository.change(Deployment, id, Deployment.request_start, why)
            self._serving.serve(deployment, why)
        return self._queries.deployment(id)._replace(status=Health.READY.value)

    def stop(self, reference: str, why: str = "") -> DeploymentView:
        """End the server of a deployment; it can be started again.

        Raises:
            NotFound: There is no such deployment.
            Conflict: It was stopped already, or failed.
            Busy: Somebody is starting, stopping or deleting it.
            DeploymentUnavailable: It is served elsewhere.
        """
        id, name = self._queries.find_deployment(reference)
        with self._claimed(id, name):
            deployment = self._load(id)
            deployment.must_be_stoppable()
            deployer = self._deployers.known(deployment.deployer)
            deployer.stop(self._deployers.deployed(deployment))
            self._repository.change(Deployment, id, Deployment.stop, why)
        return self._queries.deployment(id)

    def delete(self, reference: str, *, forget: bool = False, why: str = "") -> DeploymentView:
        """End the server of a deployment, and remove all that was kept for it.

        Args:
            reference: Which deployment.
            forget: Leave alone what may still serve it and what was kept for it; for one whose
                server or model deployer is lost.
            why: The reason.

        Returns:
            The deployment as it was recorded before.

        Raises:
            NotFound: There is no such deployment.
            Busy: Somebody is starting, stopping or deleting it.
            DeploymentUnavailable: It is served elsewhere.
        """
        view = self._queries.deployment(reference)
        with self._claimed(view.id, view.name):
            if not forget:
                deployment = self._load(view.id)
                deployer = self._deployers.known(deployment.deployer)
                deployer.delete(self._deployers.deployed(deployment))
            self._repository.change(Deployment, view.id, Deployment.delete, why)
        return view

    def list(self, listing: Listing = ALL, as_of: AsOf = None) -> Sequence[DeploymentView]:
        """The living deployments, by name.

        Args:
            listing: Which of them, in which order.
            as_of: A point in the past (see `application.eventsourcing.as_of`), at which the
                log alone tells their status; None for now, when their servers are asked, all at
                once.

        Raises:
            InvalidListing: A column that deployments do not have.
        """
        position = self._positions.position(as_of)
        views = self._queries.deployments(listing, position)
        return views if position is not None else self.looked_at(views)

    def looked_at(self, views: Sequence[DeploymentView]) -> Sequence[DeploymentView]:
        """The same deployments with the status in which they are found; asked all at once."""
        found = self._health.all([(view.id, view.status) for view in views])
        return [view._replace(status=each.status) for view, each in zip(views, found, strict=True)]

    def get(self, reference: str, as_of: AsOf = None) -> DeploymentView:
        """One deployment.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """
        position = self._positions.position(as_of)
        view = self._queries.deployment(reference, position)
        return view if position is not None else self.looked_at([view])[0]

    def describe(self, reference: str, as_of: AsOf = None) -> DeploymentDescription:
        """One deployment with all that it keeps of what it serves; raises as `get`."""
        position = self._positions.position(as_of)
        told = self._queries.describe_deployment(reference, position)
        if position is not None:
            return told
        (found,) = self._health.all([(told.id, told.status)])
        return told._replace(status=found.status, problem=told.problem or found.problem)

    def predict(self, reference: str, inputs: Any) -> Any:
        """Ask a deployment for a prediction.

        Args:
            reference: Which deployment.
            inputs: What to predict from; see `application.ports.tensors.tensors_of`.

        Returns:
            Lists in lists, one level for each dimension; if its server answers with several
            tensors, such lists by the name of each.

        Raises:
            NotFound: There is no such deployment.
            InvalidInputs: The inputs are no tensors.
            DeploymentUnavailable: It is not served, or its server does not answer.
            PredictionRejected: Its server cannot predict from these inputs.
        """
        id, name = self._queries.find_deployment(reference)
        tensors = tensors_of(inputs)
        deployment = self._load(id)
        if deployment.status != "started":
            raise self._not_served(deployment)
        deployer = self._deployers.known(deployment.deployer)
        answer = deployer.predict(self._deployers.deployed(deployment), tensors)
        try:
            found = {each.name: nested(each) for each in answer}
        except ValueError as error:
            raise DeploymentUnavailable(name, f"its server answers wrongly: {error}") from None
        return next(iter(found.values())) if len(found) == 1 else found

    def logs(self, reference: str, *, follow: bool = False) -> Iterator[str]:
        """What the server of a deployment has written, in pieces, the oldest first.

        Args:
            reference: Which deployment.
            follow: Go on with what it writes, until it is stopped or deleted.

        Raises:
            NotFound: There is no such deployment.
            DeploymentUnavailable: They are elsewhere.
        """
        deployment = self._load(self._queries.find_deployment(reference).id)
        deployer = self._deployers.known(deployment.deployer)
        told = 0
        while True:
            # A look before, so that what was written until the end is told.
            goes_on = follow and self._goes_on(str(deployment.id))
            seen = 0
            for piece in deployer.logs(self._deployers.deployed(deployment)):
                seen += len(piece)
                if seen > told:
                    yield piece[max(len(piece) - (seen - told), 0) :]
            started_again = seen < told  # which begins new ones
            told = 0 if started_again else seen
            if not goes_on:
                return
            if not started_again:
                time.sleep(PAUSE)

    # -- how it is done

    def _model(self, reference: str) -> tuple[str, Artifact, PinnedComponent]:
        """What an artifact is called, what was recorded of it, and the store that holds it."""
        named = self._artifacts.artifact(reference)
        view, recorded = self._artifacts.recorded(named.id)
        artifact = Artifact.model_validate(
            {field: getattr(view, field) for field in Artifact.model_fields}
        )
        store = Pin.model_validate(recorded).component(ComponentType.ARTIFACT_STORE)
        if store is None:
            raise NotFound("artifact", reference, "its run has no artifact store")
        return named.reference, artifact, store

    def _load(self, id: str) -> Deployment:
        deployment = self._repository.load(Deployment, id)
        deployment.must_exist()
        return deployment

    def _goes_on(self, id: str) -> bool:
        deployment = self._repository.load(Deployment, id)
        return not deployment.deleted and deployment.status in ("started", "unfinished")

    def _not_served(self, deployment: Deployment) -> DeploymentUnavailable:
        if deployment.status == "unfinished" and self._claims.is_claimed(str(deployment.id)):
            problem = "it is being started: wait until it is ready"
            return DeploymentUnavailable(deployment.name, problem)
        problems = {"unfinished": "its last start was interrupted", "stopped": "it is stopped"}
        problem = problems.get(deployment.status, f"it {deployment.status}")
        return DeploymentStopped(deployment.name, problem)

    @contextmanager
    def _claimed(self, id: str, name: str) -> Iterator[None]:
        """Be the only one who starts, stops or deletes a deployment."""
        with ExitStack() as claim:
            try:
                claim.enter_context(self._claims.claim(id, name))
            except RunBusy:
                raise Busy(
                    f"the deployment {name!r} is being started, stopped or deleted by another "
                    "command: wait until that has ended"
                ) from None
            yield
