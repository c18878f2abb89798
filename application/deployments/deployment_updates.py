"""Commands that change what a deployment serves."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from stackfold.application.arguments import checked
from stackfold.application.artifacts.origin import must_come_from
from stackfold.application.deployments.deployment_reader import DeploymentReader
from stackfold.application.deployments.deployment_views import DeploymentView, FollowedUp
from stackfold.application.eventsourcing.unit_of_work import outside_changes

if TYPE_CHECKING:
    from stackfold.application.deployments.updates import Updates
    from stackfold.domain.deployments.deployment import Deployment

READY = "ready"


@checked
class DeploymentUpdates(DeploymentReader):
    """Serve other models at the address of a deployment.

    A `reference` is a name, an id or a unique prefix of either.
    """

    @outside_changes
    def update(
        self,
        reference: str,
        model: str,
        why: str = "",
        *,
        from_stack: str | None = None,
        expected_revision: int | None = None,
    ) -> DeploymentView:
        """Serve another model at the same address, without an interruption.

        The new server is ready before requests are passed on to it, and the former one finishes
        its requests. If the new one does not start, the former one keeps serving.

        Args:
            reference: The deployment.
            model: An artifact, or a version of a model such as "fraud@production".
            why: The reason.
            from_stack: The stack from which an artifact may come that no alias stands for; None
                for that of the deployment only.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No deployment or no artifact matches.
            FromAnotherStack: The artifact comes from another stack, and no alias stands for it.
            StaleRevision: It has another revision than the expected one.
            NothingToChange: It serves this model already.
            Conflict: It is not served, or an earlier update was interrupted.
            Busy: Another process starts, updates, stops or deletes it.
            CannotUpdate: It has no gateway, or is served elsewhere.
            DeploymentFailed: The new server did not become ready; the former one still serves.
        """
        return self.traffic(
            reference,
            {model: 100},
            why,
            from_stack=from_stack,
            expected_revision=expected_revision,
        )

    @outside_changes
    def traffic(
        self,
        reference: str,
        shares: Mapping[str, int],
        why: str = "",
        *,
        from_stack: str | None = None,
        expected_revision: int | None = None,
    ) -> DeploymentView:
        """Serve several models side by side, each with a share of the requests.

        Responses name the model that answered in the header `Stackfold-Model`.

        Args:
            reference: The deployment.
            shares: Artifact or version of a model → its share in percent; the sum is 100.
            why: The reason.
            from_stack: As for `update`.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            InvalidTraffic: The shares do not add up to 100 percent, or a model has two.
            StackfoldError: As for `update`.
        """
        from stackfold.application.deployments.releases import release_of
        from stackfold.application.deployments.updates import Wanted
        from stackfold.domain.deployments.release import must_be_whole
        from stackfold.domain.errors import InvalidTraffic

        id, name = self._queries.find_deployment(reference)
        must_be_whole([*shares.values()])
        releases = [
            release_of(self._artifacts, self._queries, model, share)
            for model, share in shares.items()
        ]
        if len({each.artifact.id for each in releases}) < len(releases):
            raise InvalidTraffic("two of the references are the same model")

        def decide(deployment: "Deployment") -> Wanted:
            served = {each.artifact.id for each in deployment.rollout.releases}
            taken = [each for each in releases if each.artifact.id not in served]
            on = deployment.stack, deployment.stack_id
            for each in taken:
                must_come_from(self._artifacts, str(each.artifact.id), each.title, *on, from_stack)
            return Wanted(releases)

        self._updates.update(id, name, decide, why, expected_revision)
        return self._queries.deployment(id)._replace(status=READY)

    def update_manifest(self, reference: str, model: str) -> str:
        """Return the manifest with which a cluster serves another model under the same name.

        Args:
            reference: The deployment.
            model: As for `update`.

        Returns:
            YAML; applied to a cluster, it replaces the pods of the model.

        Raises:
            NoManifest: The model deployer serves on no cluster, or lacks settings for one.
            NotFound: No deployment or no artifact matches.
        """
        from stackfold.application.deployments.releases import release_of
        from stackfold.domain.deployments.deployment import Deployment

        id = self._queries.find_deployment(reference).id
        deployment = self._services.repository.load(Deployment, id)
        release = release_of(self._artifacts, self._queries, model)
        deployers = self._services.deployers
        deployer = deployers.known(deployment.deployer)
        return deployer.manifest(deployers.to_serve(deployment, release))

    @outside_changes
    def rollback(
        self, reference: str, why: str = "", *, expected_revision: int | None = None
    ) -> DeploymentView:
        """Serve what was served before; a second rollback goes back one more model.

        Args:
            reference: The deployment.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            Conflict: It served no other model before, or is not served.
            StackfoldError: As for `update`.
        """
        id, name = self._queries.find_deployment(reference)
        self._updates.roll_back(id, name, why, expected_revision)
        return self._queries.deployment(id)._replace(status=READY)

    # -- following

    @outside_changes
    def follow(
        self, reference: str, model: str, alias: str = "production", why: str = ""
    ) -> DeploymentView:
        """Serve the version that an alias of a model stands for, now and after each promotion.

        Args:
            reference: The deployment.
            model: The model, by name or id.
            alias: A stage or another alias that stands for a version.
            why: The reason.

        Raises:
            NotFound: No deployment or no model matches, or the alias stands for no version.
            NothingToChange: It follows this alias already.
            StackfoldError: As for `update`, if another version is served; it is followed anyway.
        """
        from stackfold.application.deployments.following import Following

        id, name = self._queries.find_deployment(reference)
        following = Following(self._services, self._queries, self._artifacts, self._updates)
        following.follow(id, name, model, alias, why)
        (view,) = self._with_health([self._queries.deployment(id)])
        return view

    def unfollow(
        self, reference: str, why: str = "", *, expected_revision: int | None = None
    ) -> DeploymentView:
        """Follow no alias any longer; what is served stays.

        Args:
            reference: The deployment.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No deployment matches.
            StaleRevision: It has another revision than the expected one.
            Conflict: It follows no alias.
        """
        from stackfold.domain.deployments.deployment import Deployment

        id = self._queries.find_deployment(reference).id
        self._services.repository.change(
            Deployment, id, lambda each: each.unfollow(), why, expected_revision
        )
        return self._queries.deployment(id)

    @outside_changes
    def catch_up(self, model: str | None = None, why: str = "") -> Sequence[FollowedUp]:
        """Update the deployments that are behind the aliases that they follow.

        Each promotion leads to at most one update: a deployment that was updated by hand since
        stays as it is until the next promotion. The commands that promote call this, and so does
        the reaction `follow-models`.

        Args:
            model: Only deployments that follow this model, by name or id; None for all.
            why: The reason.

        Returns:
            What became of each deployment that was behind. Problems are recorded, not raised.
        """
        from stackfold.application.deployments.following import Following

        following = Following(self._services, self._queries, self._artifacts, self._updates)
        return following.catch_up(model, why)

    # -- private

    @cached_property
    def _updates(self) -> "Updates":
        from stackfold.application.deployments.updates import Updates

        return Updates(self._services, self._health)
