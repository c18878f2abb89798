"""How deployments are found when somebody looks: many at once, each after a bounded wait."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from stackfold.application.deployments.deployers import Deployers
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.ports.model_deployer import Deployed, Health, ModelDeployer
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import StackfoldError

AT_ONCE = 16
"""So many servers are asked at once at most."""

UNKNOWN = "unknown"
"""The status of a deployment whose model deployer cannot be asked."""


class Found(NamedTuple):
    """How a deployment was found."""

    status: str
    problem: str = ""
    """Why it is down, or why its status cannot be told; empty if neither is so."""


class DeploymentHealth:
    """Looks at deployments."""

    def __init__(self, repository: Repository, deployers: Deployers, claims: Claims) -> None:
        """Load deployments from `repository`.

        Args:
            repository: The log.
            deployers: Sets up who is asked.
            claims: Who is starting which deployment.
        """
        self._repository = repository
        self._deployers = deployers
        self._claims = claims

    def of(self, deployment: Deployment) -> Found:
        """How one is that somebody has claimed, and is not starting."""
        if deployment.status != "started":
            return Found(deployment.status)
        return self._question(deployment)()

    def all(self, recorded: Sequence[tuple[str, str]]) -> Sequence[Found]:
        """How deployments are.

        Args:
            recorded: Of each, its id and the status that the log knows.
        """
        questions: list[Callable[[], Found]] = []
        for id, status in recorded:
            if status == "started":
                questions.append(self._question(self._repository.load(Deployment, id)))
            else:
                questions.append(self._answered(id, status))
        if sum(status == "started" for _, status in recorded) < 2:
            return [ask() for ask in questions]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return [*threads.map(lambda ask: ask(), questions)]

    def _answered(self, id: str, status: str) -> Callable[[], Found]:
        if status == "unfinished" and self._claims.is_claimed(id):
            status = Health.STARTING.value
        return lambda: Found(status)

    def _question(self, deployment: Deployment) -> Callable[[], Found]:
        """What asks, wherever it is called; its model deployer is set up here and now."""
        try:
            deployer = self._deployers.known(deployment.deployer)
        except StackfoldError as error:
            found = Found(UNKNOWN, str(error))
            return lambda: found
        deployed = self._deployers.deployed(deployment)
        return lambda: _asked(deployer, deployed)


def _asked(deployer: ModelDeployer, deployed: Deployed) -> Found:
    try:
        health = Health(deployer.health(deployed))
    except StackfoldError as error:
        return Found(UNKNOWN, redacted(str(error)))
    except Exception as error:  # of somebody else's class
        return Found(UNKNOWN, redacted(f"{type(error).__name__}: {error}"))
    return Found(health.value, _why_down(deployer, deployed) if health is Health.DOWN else "")


def _why_down(deployer: ModelDeployer, deployed: Deployed) -> str:
    try:
        return redacted(deployer.why_down(deployed))
    except Exception as error:  # of somebody else's class; that it is down is known all the same
        return redacted(" ".join(f"{type(error).__name__}: {error}".split()))
