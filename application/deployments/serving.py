"""Serving: from a deployment of which it is recorded that it begins, to what came of it."""

from contextlib import suppress

from stackfold.application.deployments.deployers import Deployers
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports.model_deployer import Deployed
from stackfold.application.secrets.redaction import redacted, redacted_value, without_secrets
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import DeploymentFailed, StackfoldError


class Serving:
    """Starts servers, and records what came of it."""

    def __init__(self, repository: Repository, deployers: Deployers) -> None:
        """Record in `repository`, and set up model deployers by `deployers`."""
        self._repository = repository
        self._deployers = deployers

    def serve(self, deployment: Deployment, why: str) -> None:
        """Start the server of a deployment that was just registered, or is to be started again.

        Whatever happens, what is recorded is true: if this process is killed, that nobody knows;
        if its server is not recorded as started, it is not left running.

        Args:
            deployment: Which one; only whoever holds its claim may ask for it.
            why: The reason.

        Raises:
            DeploymentFailed: It did not come to predict.
            StackfoldError: The model cannot be read, or the log not be written.
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
        """What is told of an error; what somebody else's class raises is a failure of its own."""
        error = without_secrets(error)
        if isinstance(error, StackfoldError) or not isinstance(error, Exception):
            return error
        title = f"{deployment.deployer.type.noun} {deployment.deployer.name!r}"
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        return DeploymentFailed(title, deployment.name, problem)

    def _record_failure(self, deployment: Deployment, failure: BaseException, why: str) -> None:
        """Record that it is not served, as far as that can be done."""
        told = " ".join(redacted(str(failure)).split())
        if not isinstance(failure, Exception):
            told = f"it was interrupted ({type(failure).__name__})"

        def record(deployment: Deployment) -> None:
            # It may have been recorded as started when the interruption came.
            if deployment.status == "started":
                deployment.stop()
            else:
                deployment.fail(told)

        with suppress(StackfoldError):
            self._repository.change(Deployment, deployment.id, record, why)
