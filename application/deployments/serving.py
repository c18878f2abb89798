"""Serving: starts the servers and gateways of deployments, redirects requests, and ends servers."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pydantic import JsonValue

from stackfold.application.deployments.deployers import Deployers
from stackfold.application.deployments.gateways import Gateways, Listen, Recorded, Route
from stackfold.application.deployments.request_store import RequestSpools
from stackfold.application.deployments.services import DeploymentServices
from stackfold.application.ports.model_deployer import Deployed, ModelDeployer, Served
from stackfold.application.secrets.redaction import redacted, redacted_value, without_secrets
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.deployments.release import Release, Server
from stackfold.domain.deployments.rollout import Rollout
from stackfold.domain.errors import DeploymentFailed, StackfoldError

DRAIN = 60.0
"""Seconds that the requests in progress have to end before a server that was replaced is ended."""


class Serving:
    """Starts servers, and records the outcome."""

    def __init__(self, services: DeploymentServices) -> None:
        """Create the service.

        Args:
            services: Creates what is needed to serve.
        """
        self._repository = services.repository
        self._deployers: Deployers = services.deployers
        self._gateways: Gateways = services.gateways
        self._spools: RequestSpools = services.request_spools

    def serve(self, deployment: Deployment, why: str) -> None:
        """Start or restart the servers of a registered deployment.

        If this process is killed, the deployment stays recorded as unfinished. Servers that could
        not be recorded as started are stopped.

        Args:
            deployment: The deployment, which the caller has claimed.
            why: The reason, for the log.

        Raises:
            DeploymentFailed: A server did not start to predict.
            StackfoldError: The model cannot be read, or the log cannot be written.
        """
        deployer = self._deployers.built(deployment.deployer)
        try:
            self._serve(deployment, deployer, why)
        except BaseException as error:
            failure = self.failure(deployment, error)
            only = len(deployment.rollout.releases) == 1
            if not (only and isinstance(error, DeploymentFailed)):  # which leaves nothing running
                for each in deployment.rollout.releases:
                    self._stop(deployer, deployment, str(each.server))
            with suppress(OSError):
                self._gateways.close(str(deployment.id))
            self._record_failure(deployment, failure, why)
            if failure is error:
                raise
            raise failure from error

    def _serve(self, deployment: Deployment, deployer: ModelDeployer, why: str) -> None:
        releases = deployment.rollout.releases
        served = [
            deployer.deploy(self._deployers.to_serve(deployment, each, behind_gateway=True))
            for each in releases
        ]
        servers = {
            str(each.server): _server(found) for each, found in zip(releases, served, strict=True)
        }
        first, url = servers[str(releases[0].server)], redacted(served[0].url)
        is_routable = all(self._gateways.can_route(each.url) for each in servers.values())
        if deployer.on_cluster or not is_routable:
            if len(servers) > 1:
                problem = "no gateway can divide requests among its servers"
                raise DeploymentFailed(
                    f"model deployer {deployment.deployer.name!r}", deployment.name, problem
                )
            self._repository.change(
                Deployment, deployment.id, lambda each: each.start(first.reference, url), why
            )
            return
        gateway: dict[str, JsonValue] = dict(self._opened(deployment, served[0], servers))
        url = self._gateways.url(gateway, url)
        self._repository.change(
            Deployment,
            deployment.id,
            lambda each: each.start(first.reference, url, servers, gateway),
            why,
        )

    def _opened(
        self, deployment: Deployment, served: Served, servers: Mapping[str, Server]
    ) -> Recorded:
        try:
            if recording := deployment.rollout.recording:
                self._spools.begin(str(deployment.id), recording.rate, recording.leave_out)
            return self._gateways.open(
                str(deployment.id),
                Listen(*served.listen) if served.listen else Listen(),
                deployment.rollout.gateway,
                routes(deployment.rollout.served(servers, None)),
            )
        except OSError as error:
            problem = f"its gateway did not start: {error.strerror or error}"
            title = f"model deployer {deployment.deployer.name!r}"
            raise DeploymentFailed(title, deployment.name, problem) from error

    def reopen(self, deployment: Deployment) -> None:
        """Start the gateway of a deployment again if it has ended, with the recorded routes.

        Raises:
            DeploymentFailed: It did not start at the same address.
        """
        rollout, id = deployment.rollout, str(deployment.id)
        if rollout.gateway is None:
            return
        # At the same address, or not at all: it is what clients know.
        listen = Listen(str(rollout.gateway["address"]), int(str(rollout.gateway["port"])))
        try:
            self._gateways.open(id, listen, rollout.gateway, routes(rollout))
        except OSError as error:
            problem = f"its gateway cannot listen at its address: {error.strerror or error}"
            title = f"model deployer {deployment.deployer.name!r}"
            raise DeploymentFailed(title, deployment.name, problem) from error

    # -- updates

    def update(self, deployment: Deployment, why: str) -> None:
        """Serve the releases of the pending update instead of the current ones.

        The servers of new releases are ready before the gateway passes requests on to them. If
        that fails, the current ones are served as before.

        Args:
            deployment: The deployment, which the caller has claimed.
            why: The reason, for the log.

        Raises:
            DeploymentFailed: A new server did not start to predict.
            StackfoldError: A model cannot be read, or the log cannot be written.
        """
        pending = deployment.rollout.pending
        assert pending is not None  # noqa: S101  # the caller requested it
        deployer = self._deployers.built(deployment.deployer)
        try:
            # An attempt that was killed may have replaced the routes already.
            self.reopen(deployment)
            servers = self._updated(deployment, pending.releases, deployer)
            if deployment.rollout.gateway is not None:
                rollout = deployment.rollout.switched(servers)
                self._gateways.route(str(deployment.id), routes(rollout))
            deployment = self._repository.change(
                Deployment, deployment.id, lambda each: each.switch(servers), why
            )
        except BaseException as error:
            failure = self.failure(deployment, error)
            if not self._is_switched(deployment):
                self._undo_update(deployment, deployer)
                self._record_failed_update(deployment, failure, why)
            if failure is error:
                raise
            raise failure from error
        self.retire(deployment)

    def _is_switched(self, deployment: Deployment) -> bool:
        """Whether the update was recorded, and an interruption came after that."""
        with suppress(StackfoldError):
            return self._repository.load(Deployment, deployment.id).rollout.pending is None
        return False

    def _undo_update(self, deployment: Deployment, deployer: ModelDeployer) -> None:
        current = deployment.rollout
        if current.gateway is not None:
            with suppress(OSError):
                self._gateways.route(str(deployment.id), routes(current))
        for server in current.new_servers:
            self._stop(deployer, deployment, server)

    def _updated(
        self, deployment: Deployment, releases: Sequence[Release], deployer: ModelDeployer
    ) -> dict[str, Server]:
        servers: dict[str, Server] = {}
        if deployer.on_cluster:
            (release,) = releases
            model = self._deployers.to_serve(deployment, release)
            former = self._deployers.to_serve(deployment, deployment.rollout.main)
            deployed = self._deployers.deployed(deployment, model.id)
            return {model.id: _server(deployer.update(deployed, model, former))}
        for release in releases:
            id = str(release.server)
            recorded = deployment.rollout.servers.get(id)
            servers[id] = recorded or _server(
                deployer.deploy(self._deployers.to_serve(deployment, release, behind_gateway=True))
            )
        return servers

    def retire(self, deployment: Deployment) -> None:
        """End the servers that the last update replaced, once they have answered, and their files.

        Servers that cannot be ended now are ended by the next command.
        """
        rollout = deployment.rollout
        if not rollout.retired:
            return
        if rollout.gateway is not None:
            self._gateways.drain(str(deployment.id), rollout.gateway, rollout.retired, DRAIN)
        for server in rollout.retired:
            with suppress(Exception):
                deployer = self._deployers.known(deployment.deployer)
                deployer.delete(self._deployers.deployed(deployment, server))

    # -- failures

    def failure(self, deployment: Deployment, error: BaseException) -> BaseException:
        """The error to raise; an unexpected error of a flavor becomes DeploymentFailed."""
        error = without_secrets(error)
        if isinstance(error, StackfoldError) or not isinstance(error, Exception):
            return error
        title = f"{deployment.deployer.type.noun} {deployment.deployer.name!r}"
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        return DeploymentFailed(title, deployment.name, problem)

    def _stop(self, deployer: ModelDeployer, deployment: Deployment, server: str) -> None:
        with suppress(Exception):
            deployer.stop(Deployed(server, deployment.name, None))

    def _record_failure(self, deployment: Deployment, failure: BaseException, why: str) -> None:
        """Record that the deployment is not served, unless the log cannot be written."""
        problem = _in_one_line(failure)

        def record(deployment: Deployment) -> None:
            # It may have been recorded as started before an interruption.
            if deployment.status == "started":
                deployment.stop()
            else:
                deployment.fail(problem)

        with suppress(StackfoldError):
            self._repository.change(Deployment, deployment.id, record, why)

    def _record_failed_update(
        self, deployment: Deployment, failure: BaseException, why: str
    ) -> None:
        """Record that the former releases are still served, unless the log cannot be written."""
        problem = _in_one_line(failure)
        with suppress(StackfoldError):
            self._repository.change(
                Deployment, deployment.id, lambda each: each.fail_update(problem), why
            )


def routes(rollout: Rollout) -> list[Route]:
    """The routes to the servers of a rollout."""
    return [
        Route(str(each.server), rollout.servers[str(each.server)].url, each.share, title)
        for each, title in zip(rollout.releases, rollout.titles, strict=True)
    ]


def _server(served: Served) -> Server:
    return Server(reference=redacted_value(dict(served.reference)), url=redacted(served.url))


def _in_one_line(failure: BaseException) -> str:
    if not isinstance(failure, Exception):
        return f"it was interrupted ({type(failure).__name__})"
    return " ".join(redacted(str(failure)).split())
