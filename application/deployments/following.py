"""Following: keeps deployments at the versions that aliases of models stand for."""

from collections.abc import Sequence
from uuid import UUID

from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.application.deployments.deployment_views import (
    CurrentVersion,
    DeploymentQueries,
    FollowedUp,
    Follower,
)
from stackfold.application.deployments.releases import release_of
from stackfold.application.deployments.services import DeploymentServices
from stackfold.application.deployments.updates import Updates, Wanted
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.deployments.release import FollowedAlias
from stackfold.domain.errors import Busy, CannotUpdate, NotFound, NothingToChange, StackfoldError


class Following:
    """Lets deployments follow aliases, and updates those that are behind."""

    def __init__(
        self,
        services: DeploymentServices,
        queries: DeploymentQueries,
        artifacts: ArtifactQueries,
        updates: Updates,
    ) -> None:
        """Create the service.

        Args:
            services: Creates what updates need.
            queries: Reads which deployments follow what.
            artifacts: Finds the models to serve.
            updates: Updates deployments.
        """
        self._services, self._queries = services, queries
        self._artifacts, self._updates = artifacts, updates

    def follow(self, id: str, name: str, model: str, alias: str, why: str) -> None:
        """Follow an alias, and serve its version; raises as `Deployments.follow`."""
        current = self._queries.current_version(model, alias)
        deployment = self._services.repository.change(
            Deployment, id, lambda each: each.follow(*followed(each, current, alias)), why
        )
        if deployment.status == "started" and not _serves(deployment, current):
            self._update(id, name, current.model, alias, why)

    def catch_up(self, model: str | None, why: str) -> Sequence[FollowedUp]:
        """Update the deployments that are behind; see `Deployments.catch_up`."""
        found: list[FollowedUp] = []
        for each in self._queries.followers():
            try:
                current = self._queries.current_version(each.model, each.alias)
            except NotFound:  # the model was deleted, or the alias stands for nothing
                continue
            if model is not None and model not in (current.model, current.name):
                continue
            if current.position > each.because:
                found += self._caught_up(each, current, why)
        return found

    def _caught_up(
        self, follower: Follower, current: CurrentVersion, why: str
    ) -> Sequence[FollowedUp]:
        """What became of a deployment; nothing if it serves the version already."""
        version = f"{current.name}@{current.number}"
        if follower.status != "started":
            return [FollowedUp(follower.name, version, "not served")]
        why = why or f"{follower.alias} is {version}"
        try:
            if follower.is_pending:
                self._updates.finish(follower.id, follower.name, why)
            self._update(follower.id, follower.name, current.model, follower.alias, why)
        except NothingToChange:
            return []
        except Busy as error:
            return [FollowedUp(follower.name, version, "busy", str(error))]
        except CannotUpdate as error:
            return [FollowedUp(follower.name, version, "elsewhere", str(error))]
        except StackfoldError as error:
            return [FollowedUp(follower.name, version, "failed", str(error))]
        return [FollowedUp(follower.name, version, "updated")]

    def _update(self, id: str, name: str, model: str, alias: str, why: str) -> None:
        def decide(deployment: Deployment) -> Wanted:
            # Read under the claim: an older promotion never replaces a newer one.
            current = self._queries.current_version(model, alias)
            version = f"{current.name}@{current.number}"
            if current.position <= deployment.rollout.because or _serves(deployment, current):
                raise NothingToChange(deployment.kind, deployment.name, deployment.version)
            release = release_of(self._artifacts, self._queries, version)
            served = release.version
            if served is None or (str(served.model), served.number) != (model, current.number):
                problem = f"{version} is an artifact of that name, which is not a version"
                raise CannotUpdate(name, problem)
            return Wanted([release], current.position)

        self._updates.update(id, name, decide, why)


def followed(
    deployment: Deployment, current: CurrentVersion, alias: str
) -> tuple[FollowedAlias, int]:
    """The arguments of `Deployment.follow`.

    Args:
        deployment: The deployment.
        current: The version that the alias stands for.
        alias: The alias.
    """
    follows = FollowedAlias(model=UUID(current.model), name=current.name, alias=alias)
    return follows, current.position if _serves(deployment, current) else 0


def _serves(deployment: Deployment, current: CurrentVersion) -> bool:
    """Whether a deployment serves a version, and nothing else."""
    versions = [each.version for each in deployment.rollout.releases]
    served = [(str(each.model), each.number) for each in versions if each]
    return len(versions) == 1 and served == [(current.model, current.number)]
