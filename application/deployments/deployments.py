"""Deployments: one method per command on deployments; queries are in `deployment_reader.py`."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.artifacts.origin import must_come_from
from stackfold.application.deployments.claiming import claimed
from stackfold.application.deployments.deployment_requests import DeploymentRequests
from stackfold.application.deployments.deployment_updates import READY
from stackfold.application.deployments.deployment_views import DeploymentView
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.domain.errors import (
    CannotUpdate,
    DeploymentStopped,
    DeploymentUnavailable,
    WouldNotRun,
)
from stackfold.domain.name import valid_name

if TYPE_CHECKING:
    from uuid import UUID

    from stackfold.application.deployments.starts import Starts
    from stackfold.domain.deployments.deployment import Deployment


@checked
class Deployments(DeploymentRequests):
    """Queries and commands on deployments.

    A `reference` is a name, an id or a unique prefix of either.

    The status of a deployment is one of:
        "ready", "starting", "down", "elsewhere": It was started; see `Health`.
        "failed", "stopped": It is not served.
        "unfinished": The process that was starting it was killed.
        "unknown": Its model deployer cannot be contacted.
    """

    @outside_changes
    def deploy(
        self,
        name: str,
        model: str,
        stack: str | None = None,
        why: str = "",
        *,
        follow: str | None = None,
        from_stack: str | None = None,
        apply: bool = False,
        record: bool = False,
    ) -> DeploymentView:
        """Serve a model with the model deployer of a stack, and return once it is ready.

        Args:
            name: The deployment's name, unique among deployments.
            model: An artifact; see `application.artifacts.artifact_views.ArtifactQueries`.
            stack: The stack, by name, id or unique prefix; None for the active one.
            why: The reason.
            follow: A stage or another alias of the model, whose version is served from now on; see
                `follow`. None to serve `model` until it is updated.
            from_stack: The name of another stack from which an artifact may come that no alias
                stands for.
            apply: Whether to serve it on the cluster of the model deployer, by applying what
                `manifest` returns, even if its configuration does not say so.
            record: Whether to record all requests and predictions for 30 days; see `record`.

        Raises:
            CannotRecord: `record` is given, and it is served on a cluster.
            NoManifest: The model deployer serves on no cluster, or lacks settings for one.
            InvalidName: The name breaks the rule for names.
            NameTaken: Another deployment has this name.
            NotFound: The artifact or the stack does not exist, or the alias stands for no version.
            CannotUpdate: `follow` is given, and the artifact belongs to no version of a model.
            FromAnotherStack: It was made on another stack, and is not promoted.
            NotInStack: The stack contains no model deployer.
            NotInstalled: The requirements of the model deployer are not installed.
            MissingSecret: A secret of the model deployer is missing.
            ArtifactDamaged: The artifact is missing from its store.
            DeploymentFailed: The server did not become ready; the deployment is recorded as failed.
        """
        from uuid import uuid4

        deployment = self._registered(name, model, stack, uuid4(), from_stack, apply)
        if record:
            self._must_be_recordable(deployment)
        self._must_have_manifest(deployment)
        if follow is not None:
            self._follow(deployment, model, follow)
        self._starts.first(deployment, why)
        if record:
            self.record(str(deployment.id), why=why)
        return self._queries.deployment(str(deployment.id))._replace(status=READY)

    def manifest(
        self, name: str, model: str, stack: str | None = None, *, from_stack: str | None = None
    ) -> str:
        """Return the manifest with which a Kubernetes cluster serves a model; deploys nothing.

        Args:
            name: As for `deploy`.
            model: As for `deploy`.
            stack: As for `deploy`.
            from_stack: As for `deploy`.

        Returns:
            YAML.

        Raises:
            NoManifest: The model deployer serves on no cluster, or lacks settings for one.
            InvalidName: The name breaks the rule for names.
            NotFound: The artifact or the stack does not exist.
            FromAnotherStack: It was made on another stack, and is not promoted.
            NotInStack: The stack contains no model deployer.
        """
        from uuid import UUID

        deployment = self._registered(name, model, stack, UUID(int=0), from_stack)
        deployers = self._services.deployers
        to_serve = deployers.to_serve(deployment, deployment.rollout.main)
        return deployers.known(deployment.deployer).manifest(to_serve)

    @outside_changes
    def start(
        self, reference: str, why: str = "", *, expected_revision: int | None = None
    ) -> DeploymentView:
        """Start the server of a deployment that is not served; raises as `deploy`.

        It serves the same artifact with the recorded model deployer and configuration.

        Args:
            reference: The deployment.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No deployment matches.
            StaleRevision: It has another revision than the expected one.
            Conflict: It is served already.
            Busy: Another process starts, stops or deletes it.
        """
        id, name = self._queries.find_deployment(reference)
        self._starts.again(id, name, why, expected_revision)
        return self._queries.deployment(id)._replace(status=READY)

    @outside_changes
    def resume(self, reference: str, why: str = "") -> DeploymentView:
        """Finish a start whose process was killed; does nothing if no start is unfinished.

        A server that the killed process left on this machine is ended first. The reaction
        `resume-deployments` calls this for all starts.

        Args:
            reference: The deployment.
            why: The reason.

        Returns:
            The deployment, with its recorded status.

        Raises:
            NotFound: No deployment matches.
            Busy: A process that is alive starts, stops or deletes it.
            DeploymentFailed: The server did not become ready; the deployment is recorded as failed.
        """
        id, name = self._queries.find_deployment(reference)
        self._starts.resume(id, name, why)
        return self._queries.deployment(id)

    @outside_changes
    def stop(
        self, reference: str, why: str = "", *, expected_revision: int | None = None
    ) -> DeploymentView:
        """Stop the server of a deployment; it can be started again.

        Args:
            reference: The deployment.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: No deployment matches.
            StaleRevision: It has another revision than the expected one.
            Conflict: It was stopped already, or failed.
            Busy: Another process starts, stops or deletes it.
            DeploymentUnavailable: It is served elsewhere.
        """
        id, name = self._queries.find_deployment(reference)
        with claimed(self._services.claims, id, name):
            deployment = self._existing(id, expected_revision)
            deployment.must_be_stoppable()
            deployer = self._services.deployers.known(deployment.deployer)
            for server in deployment.rollout.all_servers:
                deployer.stop(self._services.deployers.deployed(deployment, server))
            self._services.gateways.close(id)
            self._change(id, lambda each: each.stop(), why)
        return self._queries.deployment(id)

    @outside_changes
    def delete(
        self,
        reference: str,
        *,
        forget: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> DeploymentView:
        """Stop a deployment's server, and delete it with its files and recorded requests.

        Args:
            reference: The deployment.
            forget: Whether to delete only the record, if its server or model deployer is lost.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Returns:
            Its last recorded state.

        Raises:
            NotFound: No deployment matches.
            StaleRevision: It has another revision than the expected one.
            Busy: Another process starts, stops or deletes it.
            DeploymentUnavailable: It is served elsewhere.
        """
        view = self._queries.deployment(reference)
        with claimed(self._services.claims, view.id, view.name):
            deployment = self._existing(view.id, expected_revision)
            if not forget:
                deployer = self._services.deployers.known(deployment.deployer)
                for server in deployment.rollout.all_servers:
                    deployer.delete(self._services.deployers.deployed(deployment, server))
                self._services.gateways.close(view.id)
                self._recorded.forget(view.id)
            self._change(view.id, lambda each: each.delete(), why)
        return view

    @outside_changes
    def predict(self, reference: str, inputs: Any) -> Any:
        """Return a prediction of a deployed model.

        Args:
            reference: The deployment.
            inputs: The inputs of the model; see `application.ports.tensors.tensors_of`.

        Returns:
            Nested lists, one level per dimension; or, if the server returns several tensors, a
            dictionary of such lists by tensor name.

        Raises:
            NotFound: No deployment matches.
            InvalidInputs: The inputs are no tensors.
            DeploymentUnavailable: It is not served, or its server does not answer.
            PredictionRejected: Its server cannot predict from these inputs.
        """
        from stackfold.application.ports.tensors import as_lists, tensors_of

        id, name = self._queries.find_deployment(reference)
        tensors = tensors_of(inputs)
        deployment = self._existing(id)
        if deployment.status != "started":
            raise self._not_served(deployment)
        deployers = self._services.deployers
        deployer = deployers.known(deployment.deployer)
        deployed = deployers.deployed(deployment)
        if gateway := deployment.rollout.gateway:
            deployed = deployed._replace(gateway=self._services.gateways.address(gateway))
        answer = deployer.predict(deployed, tensors)
        try:
            return as_lists(answer)
        except ValueError as error:
            problem = f"its server returned an invalid answer: {error}"
            raise DeploymentUnavailable(name, problem) from None

    def logs(self, reference: str, *, follow: bool = False) -> Iterator[str]:
        """Return the logs of a deployment's server, in pieces, the oldest first.

        Args:
            reference: The deployment.
            follow: Whether to wait for more until it is stopped or deleted.

        Raises:
            NotFound: No deployment matches.
            DeploymentUnavailable: The logs cannot be read from here.
        """
        from stackfold.application.deployments.server_logs import server_logs

        deployment = self._existing(self._queries.find_deployment(reference).id)
        deployers = self._services.deployers
        return server_logs(
            deployers.known(deployment.deployer),
            deployers.deployed(deployment),
            lambda: follow and self._is_open(str(deployment.id)),
        )

    # -- private

    @cached_property
    def _starts(self) -> "Starts":
        from stackfold.application.deployments.starts import Starts

        return Starts(self._services, self._health)

    def _follow(self, deployment: "Deployment", model: str, alias: str) -> None:
        from stackfold.application.deployments.following import followed

        version = deployment.rollout.main.version
        if version is None:
            raise CannotUpdate(deployment.name, f"{model} is no version of a model to follow")
        current = self._queries.current_version(str(version.model), alias)
        deployment.follow(*followed(deployment, current, alias))

    def _registered(
        self,
        name: str,
        model: str,
        stack: str | None,
        id: "UUID",
        from_stack: str | None,
        apply: bool = False,
    ) -> "Deployment":
        """A new deployment of an artifact on a stack, not saved yet."""
        from stackfold.application.deployments.releases import release_of
        from stackfold.domain.deployments.deployment import Deployment

        name = valid_name("deployment", name)
        release = release_of(self._artifacts, self._queries, model)
        pin, deployer = self._services.deployers.of_stack(stack)
        if apply:
            deployer = self._services.deployers.on_cluster(deployer)
        taken = str(release.artifact.id), release.model
        must_come_from(self._artifacts, *taken, pin.stack, pin.stack_id, from_stack)
        return Deployment.register(
            name,
            release.model,
            release.artifact,
            release.store,
            pin.stack_id,
            pin.stack,
            pin.revision,
            deployer,
            id,
            release.version,
        )

    def _must_have_manifest(self, deployment: "Deployment") -> None:
        """Reject a deployment on a cluster that has no manifest, before it is recorded."""
        import warnings

        deployers = self._services.deployers
        deployer = deployers.known(deployment.deployer)
        if deployer.on_cluster:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", WouldNotRun)  # repeated when it is applied
                deployer.manifest(deployers.to_serve(deployment, deployment.rollout.main))

    def _load(self, id: str) -> "Deployment":
        from stackfold.domain.deployments.deployment import Deployment

        return self._services.repository.load(Deployment, id)

    def _existing(self, id: str, expected_revision: int | None = None) -> "Deployment":
        deployment = self._load(id)
        deployment.must_exist()
        self._services.repository.expect(deployment, expected_revision)
        return deployment

    def _change(self, id: str, command: "Callable[[Deployment], object]", why: str) -> "Deployment":
        from stackfold.domain.deployments.deployment import Deployment

        return self._services.repository.change(Deployment, id, command, why)

    def _is_open(self, id: str) -> bool:
        deployment = self._load(id)
        return not deployment.deleted and deployment.status in ("started", "unfinished")

    def _not_served(self, deployment: "Deployment") -> DeploymentUnavailable:
        if deployment.status == "unfinished" and self._services.claims.is_claimed(
            str(deployment.id)
        ):
            problem = "it is being started: wait until it is ready"
            return DeploymentUnavailable(deployment.name, problem)
        problems = {"unfinished": "its last start was interrupted", "stopped": "it is stopped"}
        problem = problems.get(deployment.status, f"it {deployment.status}")
        return DeploymentStopped(deployment.name, problem)
