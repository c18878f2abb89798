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


class DeploymentNotStarted(StackfoldError):
    """A deployment is not in the state that a command takes."""

    def __init__(self, deployment: str, status: str) -> None:
        """Say in which `status` it is."""
        self.deployment, self.status = deployment, status
        if status == "started":
            told = "is served already: stop it first"
        elif status == "failed":
            told = "failed, so nothing of it is running: start or delete it"
        else:
            told = f"is {status}: start or delete it"
        super().__init__(f"the deployment {deployment!r} {told}")


class NoModelDeployer(StackfoldError):
    """A stack on which something is to be deployed cannot do so."""

    def __init__(self, stack: str, fix: str) -> None:
        """Say what would give the `stack` a model deployer."""
        self.stack, self.fix = stack, fix
        super().__init__(f"stack {stack!r} holds no model deployer: {fix}")


class DeploymentBusy(StackfoldError):
    """Somebody is starting, stopping or deleting a deployment."""

    def __init__(self, deployment: str) -> None:
        """Say which one."""
        self.deployment = deployment
        super().__init__(
            f"the deployment {deployment!r} is being started, stopped or deleted by another "
            "command: wait until that has ended"
        )


class InvalidInputs(StackfoldError):
    """What a prediction was asked for from is no tensors."""

    def __init__(self, problem: str) -> None:
        """Say what is wrong with it."""
        self.problem = problem
        super().__init__(f"nothing can be predicted from this: {problem}")


class CannotUndo(StackfoldError):
    """The last change is none that `undo` takes back."""

    def __init__(self, position: int, what: str, instead: str) -> None:
        """Say what was done at `position`, and what to do instead."""
        self.position, self.what, self.instead = position, what, instead
        super().__init__(
            f"the last change, #{position}, is {what}, which undo does not take back: {instead}"
        )
