"""Updates: serve other models at the address of a deployment, without an interruption."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import uuid4

from stackfold.application.deployments.claiming import claimed
from stackfold.application.deployments.deployment_health import DeploymentHealth
from stackfold.application.deployments.services import DeploymentServices
from stackfold.application.deployments.serving import Serving
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.deployments.release import WHOLE, Release
from stackfold.domain.errors import CannotUpdate, Conflict


class Wanted(NamedTuple):
    """What a deployment is to serve."""

    releases: Sequence[Release]
    """With new ids of servers."""
    because: int | None = None
    """The position of the promotion that it follows; None for a command."""


Decide = Callable[[Deployment], Wanted]
"""(a deployment that no other process changes) → what it is to serve."""


class Updates:
    """Updates deployments, one process at a time each."""

    def __init__(self, services: DeploymentServices, health: DeploymentHealth) -> None:
        """Create the service.

        Args:
            services: Creates what updates need.
            health: Checks whether servers can be kept.
        """
        self._services, self._health = services, health
        self._serving = Serving(services)

    def update(
        self,
        id: str,
        name: str,
        decide: Decide,
        why: str,
        expected_revision: int | None = None,
    ) -> None:
        """Serve other models, or with other shares; raises as `Deployments.update`.

        Args:
            id: The deployment.
            name: Its name.
            decide: Returns what it is to serve.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.
        """
        with claimed(self._services.claims, id, name):
            deployment = self._updatable(id, expected_revision)
            wanted = decide(deployment)
            if len(wanted.releases) > 1 and self._is_on_cluster(deployment):
                problem = "on a cluster, it serves one model: give it all of the traffic"
                raise CannotUpdate(name, problem)
            releases = [self._with_server(deployment, each) for each in wanted.releases]
            self._move(deployment, lambda each: each.request_update(releases, wanted.because), why)

    def roll_back(self, id: str, name: str, why: str, expected_revision: int | None) -> None:
        """Serve what was served before; raises as `Deployments.rollback`."""
        with claimed(self._services.claims, id, name):
            deployment = self._updatable(id, expected_revision)
            previous = deployment.rollout.previous
            if not previous:
                raise Conflict(f"the deployment {name!r} cannot be rolled back: it served no other")
            past = self._services.repository.load(Deployment, id, previous[0])
            former = past.rollout.main.model_copy(update={"share": WHOLE})
            release = self._with_server(deployment, former)
            self._move(deployment, lambda each: each.request_update([release], goes_back=True), why)

    def finish(self, id: str, name: str, why: str) -> None:
        """Finish an update whose process was killed; raises as `Deployments.update`."""
        with claimed(self._services.claims, id, name):
            deployment = self._services.repository.load(Deployment, id)
            if deployment.rollout.pending:
                self._serving.update(deployment, why)

    def _updatable(self, id: str, expected_revision: int | None) -> Deployment:
        deployment = self._services.repository.load(Deployment, id)
        deployment.must_exist()
        self._services.repository.expect(deployment, expected_revision)
        deployment.must_be_updatable()
        gateway = deployment.rollout.gateway
        if gateway is None and not self._is_on_cluster(deployment):
            problem = (
                "requests reach its server directly; where a gateway is possible, it has one "
                "after it is stopped and started"
            )
            raise CannotUpdate(deployment.name, problem)
        if gateway is not None:
            state = self._services.gateways.state(id, gateway)
            if state.status == "elsewhere":
                raise CannotUpdate(deployment.name, f"{state.problem}: update it there")
        self._services.deployers.must_be_usable(deployment.deployer)
        return deployment

    def _with_server(self, deployment: Deployment, release: Release) -> Release:
        """A release with the server that answers for it already, if there is one."""
        if self._is_on_cluster(deployment):  # it changes the model of its server
            self._services.deployers.must_contain(release.store, release.artifact)
            return release.model_copy(update={"server": deployment.rollout.main.server})
        for current in deployment.rollout.releases:
            if current.serves_same(release) and self._health.is_ready(
                deployment, str(current.server)
            ):
                return current.model_copy(update={"share": release.share})
        self._services.deployers.must_contain(release.store, release.artifact)
        return release.model_copy(update={"server": uuid4()})

    def _is_on_cluster(self, deployment: Deployment) -> bool:
        return self._services.deployers.known(deployment.deployer).on_cluster

    def _move(
        self, deployment: Deployment, request: Callable[[Deployment], object], why: str
    ) -> None:
        self._serving.retire(deployment)  # what an earlier update could not end
        deployment = self._services.repository.change(Deployment, deployment.id, request, why)
        self._serving.update(deployment, why)
