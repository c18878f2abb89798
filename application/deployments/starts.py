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
        self._serving = Serving(services.repository, services.deployers)

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
            if self._health.of(deployment).status in _SERVED:
                raise Conflict(f"the deployment {name!r} is served already: stop it first")
            deployment = self._services.repository.change(
                Deployment, id, lambda each: each.request_start(), why
            )
            self._serving.serve(deployment, why)

    def resume(self, id: str, name: str, why: str) -> None:
        """Finish a start whose process was killed; raises as `Deployments.resume`.

        No other start is requested: an event per attempt would never end where each attempt is
        killed. Since the claim is free, no process works on the start.
        """
        with claimed(self._services.claims, id, name):
            deployment = self._existing(id)
            if deployment.status == "unfinished":
                self._must_be_startable(deployment)
                self._serving.serve(deployment, why)

    def _existing(self, id: str) -> Deployment:
        deployment = self._services.repository.load(Deployment, id)
        deployment.must_exist()
        return deployment

    def _must_be_startable(self, deployment: Deployment) -> None:
        self._services.deployers.must_be_usable(deployment.deployer)
        self._services.deployers.must_contain(deployment.store, deployment.artifact)
