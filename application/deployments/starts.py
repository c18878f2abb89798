"""Starts of deployments: the first one, later ones, and those whose process was killed."""

from stackfold.application.deployments.claiming import claimed
from stackfold.application.deployments.deployment_health import DeploymentHealth
from stackfold.application.deployments.services import DeploymentServices
from stackfold.application.deployments.serving import Serving
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import Conflict

_SERVED = ("ready", "starting", "elsewhere")
"""The values of `Health` with which a deployment need not be started."""


class Starts:
    """Starts deployments, one process at a time each."""

    def __init__(self, services: DeploymentServices, health: DeploymentHealth) -> None:
        """Create the service.

        Args:
            services: Creates what starts need.
            health: Checks whether a deployment is served.
        """
        self._services, self._health = services, health
        self._serving = Serving(services)

    def first(self, deployment: Deployment, why: str) -> None:
        """Record a new deployment, and start it; raises as `Deployments.deploy`."""
        self._must_be_startable(deployment)
        with claimed(self._services.claims, str(deployment.id), deployment.name):
            self._services.repository.save(deployment, why=why)
            self._serving.serve(deployment, why)

    def again(self, id: str, name: str, why: str, expected_revision: int | None) -> None:
        """Start a deployment that is not served; raises as `Deployments.start`."""
        with claimed(self._services.claims, id, name):
            deployment = self._existing(id)
            self._services.repository.expect(deployment, expected_revision)
            self._must_be_startable(deployment)
            is_served = self._health.of(deployment).status in _SERVED
            if is_served and not deployment.rollout.pending:
                self._settle(id, why)  # ends what a killed update has left
                raise Conflict(f"the deployment {name!r} is served already: stop it first")
            if not is_served:
                self._restart(deployment, why)
            self._settle(id, why)

    def resume(self, id: str, name: str, why: str) -> None:
        """Finish a start or update whose process was killed; raises as `Deployments.resume`.

        No other start is requested: an event per attempt would never end where each attempt is
        killed. Since the claim is free, no process works on it.
        """
        with claimed(self._services.claims, id, name):
            deployment = self._existing(id)
            if deployment.status == "unfinished":
                self._must_be_startable(deployment)
                self._serving.serve(deployment, why)
            self._settle(id, why)

    def _restart(self, deployment: Deployment, why: str) -> None:
        """Start the servers, or the gateway if only that has ended."""
        rollout = deployment.rollout
        if (
            deployment.status == "started"
            and rollout.gateway is not None
            and all(
                self._health.is_ready(deployment, str(each.server)) for each in rollout.releases
            )
        ):
            self._serving.reopen(deployment)
            return
        deployment = self._services.repository.change(
            Deployment, deployment.id, lambda each: each.request_start(), why
        )
        self._serving.serve(deployment, why)

    def _settle(self, id: str, why: str) -> None:
        """Finish an update that was interrupted, or end what one has left."""
        deployment = self._existing(id)
        if deployment.status != "started":
            return
        if deployment.rollout.pending:
            self._serving.update(deployment, why)
        else:
            self._serving.retire(deployment)

    def _existing(self, id: str) -> Deployment:
        deployment = self._services.repository.load(Deployment, id)
        deployment.must_exist()
        return deployment

    def _must_be_startable(self, deployment: Deployment) -> None:
        self._services.deployers.must_be_usable(deployment.deployer)
        for each in deployment.rollout.releases:
            self._services.deployers.must_contain(each.store, each.artifact)
