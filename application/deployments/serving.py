"""Serving: starts the servers of registered deployments, and records the outcome."""

from contextlib import suppress

from stackfold.application.deployments.deployers import Deployers
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports.model_deployer import Deployed
from stackfold.application.secrets.redaction import redacted, redacted_value, without_secrets
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import DeploymentFailed, StackfoldError


class Serving:
    """Starts servers, and records the outcome."""

    def __init__(self, repository: Repository, deployers: Deployers) -> None:
        """Create the service.

        Args:
            repository: Saves deployments.
            deployers: Builds model deployers.
        """
        self._repository = repository
        self._deployers = deployers

    def serve(self, deployment: Deployment, why: str) -> None:
        """Start or restart the server of a registered deployment.

        If this process is killed, the deployment stays recorded as unfinished. A server that could
        not be recorded as started is stopped.

        Args:
            deployment: The deployment, which the caller has claimed.
            why: The reason, for the log.

        Raises:
            DeploymentFailed: The server did not start to predict.
            StackfoldError: The model cannot be read, or the log cannot be written.
        """
        deployer = self._deployers.built(deployment.deployer)
        try:
            served = deployer.deploy(self._deployers.to_serve(deployment))
            reference = redacted_value(dict(served.reference))
            self._repository.change(
                Deployment, deployment.id, lambda d: d.start(reference, redacted(served.url)), why
            )
        except BaseException as error:
            failure = self._failure(deployment, error)
            if not isinstance(error, DeploymentFailed):  # which leaves nothing running
                with suppress(Exception):
                    deployer.stop(Deployed(str(deployment.id), deployment.name, None))
            self._record_failure(deployment, failure, why)
            if failure is error:
                raise
            raise failure from error

    def _failure(self, deployment: Deployment, error: BaseException) -> BaseException:
        """The error to raise; an unexpected error of a flavor becomes DeploymentFailed."""
        error = without_secrets(error)
        if isinstance(error, StackfoldError) or not isinstance(error, Exception):
            return error
        title = f"{deployment.deployer.type.noun} {deployment.deployer.name!r}"
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        return DeploymentFailed(title, deployment.name, problem)

    def _record_failure(self, deployment: Deployment, failure: BaseException, why: str) -> None:
        """Record that the deployment is not served, unless the log cannot be written."""
        problem = " ".join(redacted(str(failure)).split())
        if not isinstance(failure, Exception):
            problem = f"it was interrupted ({type(failure).__name__})"

        def record(deployment: Deployment) -> None:
            # It may have been recorded as started before an interruption.
            if deployment.status == "started":
                deployment.stop()
            else:
                deployment.fail(problem)

        with suppress(StackfoldError):
            self._repository.change(Deployment, deployment.id, record, why)
