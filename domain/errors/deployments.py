"""Deployments of models."""

from stackfold.domain.errors.bases import Failed, Invalid, Unavailable


class DeploymentFailed(Failed):
    """A model could not be deployed.

    Attributes:
        deployer: The model deployer, such as "model deployer 'seldon'".
        deployment: The deployment's name.
        problem: What happened, and what to do.
    """

    def __init__(self, deployer: str, deployment: str, problem: str) -> None:
        self.deployer, self.deployment, self.problem = deployer, deployment, problem
        super().__init__(f"{deployer} cannot serve {deployment!r}: {problem}")


class DeploymentUnavailable(Unavailable):
    """A deployment exists, but its server cannot be used now, or not from here.

    Attributes:
        deployment: Its name.
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, deployment: str, problem: str) -> None:
        self.deployment = deployment
        super().__init__(f"the deployment {deployment!r}", problem)


class DeploymentStopped(DeploymentUnavailable):
    """A deployment has no server, or it does not answer, until the deployment is started.

    Attributes:
        deployment: Its name.
        problem: What is wrong with its server.
    """

    def __init__(self, deployment: str, problem: str) -> None:
        super().__init__(deployment, f"{problem}: start it")


class CannotUpdate(Unavailable):
    """A deployment cannot serve another model at its address.

    Attributes:
        deployment: Its name.
        problem: Why not, and what to do.
    """

    def __init__(self, deployment: str, problem: str) -> None:
        self.deployment, self.problem = deployment, problem
        super().__init__(
            f"the deployment {deployment!r}",
            problem,
            message=f"the deployment {deployment!r} cannot be updated: {problem}",
        )


class InvalidTraffic(Invalid):
    """The shares of the traffic of a deployment are invalid.

    Attributes:
        problem: What is wrong with them.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the traffic cannot be divided like this: {problem}")


class InvalidRecording(Invalid):
    """The requests of a deployment cannot be recorded like this.

    Attributes:
        problem: What is wrong.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"requests cannot be recorded like this: {problem}")


class CannotRecord(Unavailable):
    """The requests of a deployment cannot be recorded, or what was recorded cannot be used.

    Attributes:
        deployment: Its name.
        problem: Why not, and what to do.
    """

    def __init__(self, deployment: str, problem: str) -> None:
        self.deployment, self.problem = deployment, problem
        super().__init__(
            f"the requests of deployment {deployment!r}",
            problem,
            message=f"the requests of deployment {deployment!r} cannot be used: {problem}",
        )


class InvalidInputs(Invalid):
    """The inputs of a prediction are not tensors.

    Attributes:
        problem: What is wrong with them.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"nothing can be predicted from this: {problem}")


class PredictionRejected(Invalid):
    """A server cannot predict from the inputs.

    Attributes:
        deployment: The deployment's name.
        problem: What the server answered.
    """

    def __init__(self, deployment: str, problem: str) -> None:
        self.deployment, self.problem = deployment, problem
        super().__init__(
            f"the deployment {deployment!r} cannot predict from these inputs: {problem}"
        )


class NoManifest(Unavailable):
    """A model deployer cannot write a manifest of a deployment for a cluster.

    Attributes:
        deployer: The model deployer, such as "model deployer 'seldon'".
        problem: Why not, and what to do.
    """

    def __init__(self, deployer: str, problem: str) -> None:
        self.deployer = deployer
        super().__init__(deployer, problem, message=f"{deployer} has no manifest: {problem}")
