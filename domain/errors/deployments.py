"""What can go wrong with deployments of models."""

from stackfold.domain.errors.refusal import StackfoldError


class DeploymentFailed(StackfoldError):
    """A model did not come to be served."""

    def __init__(self, deployer: str, deployment: str, problem: str) -> None:
        """Tell why.

        Args:
            deployer: The model deployer, such as "model deployer 'seldon'".
            deployment: The deployment's name.
            problem: What happened, and what to do.
        """
        self.deployer = deployer
        self.deployment = deployment
        self.problem = problem
        super().__init__(f"{deployer} cannot serve {deployment!r}: {problem}")


class DeploymentUnavailable(StackfoldError):
    """A deployment is there, but what serves it cannot be used now, or not from here."""

    def __init__(self, deployment: str, problem: str) -> None:
        """Tell why, and what to do."""
        self.deployment = deployment
        self.problem = problem
        super().__init__(f"the deployment {deployment!r} cannot be used: {problem}")


class PredictionRefused(StackfoldError):
    """A server answered that it cannot predict from what it was given."""

    def __init__(self, deployment: str, problem: str) -> None:
        """Tell what it said."""
        self.deployment = deployment
        self.problem = problem
        super().__init__(f"the deployment {deployment!r} cannot predict from this: {problem}")


class NoManifest(StackfoldError):
    """A model deployer cannot say what would serve a model on a cluster."""

    def __init__(self, deployer: str, problem: str) -> None:
        """Tell why, and what to do."""
        self.deployer = deployer
        self.problem = problem
        super().__init__(f"{deployer} has no manifest: {problem}")
