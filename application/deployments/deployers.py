"""Deployers: builds the model deployers of stacks and deployments, and the models they serve."""

from pathlib import Path
from typing import cast

from stackfold.application.artifacts.folders import is_complete, open_folder
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.model_deployer import Deployed, ModelDeployer, ModelToServe
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.application.stacks.validation import StackRules
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.deployments.release import Release
from stackfold.domain.errors import ArtifactDamaged, MissingSecret, NoManifest, NotInStack
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import references

_TYPE = ComponentType.MODEL_DEPLOYER
ON_CLUSTER = "on_cluster"
"""The field of a model deployer's configuration that `ModelDeployer.on_cluster` reads."""
_CHUNK_SIZE = 2**20
"""The number of bytes of a model that are copied at a time."""


class Deployers:
    """Builds model deployers, and describes models to them."""

    def __init__(
        self, resolver: StackResolver, rules: StackRules, materializers: Materializers
    ) -> None:
        """Create the service.

        Args:
            resolver: Pins stacks, and builds pinned components.
            rules: Reads secrets, and suggests how to add a component to a stack.
            materializers: Read models.
        """
        self._resolver = resolver
        self._rules = rules
        self._materializers = materializers

    def of_stack(self, reference: str | None) -> tuple[Pin, PinnedComponent]:
        """Pin a stack, and return the pin and its model deployer.

        Args:
            reference: The stack, by name, id or unique prefix; None for the active one.

        Raises:
            NotFound: The stack does not exist.
            NotInStack: The stack has no model deployer.
        """
        pin = self._resolver.pin(reference)
        deployer = pin.component(_TYPE)
        if deployer is None:
            hint = self._rules.lacking(pin.stack, _TYPE)
            raise NotInStack(pin.stack, _TYPE.noun, hint=hint)
        return pin, deployer

    def built(self, deployer: PinnedComponent) -> ModelDeployer:
        """Build a model deployer.

        Raises:
            NotInstalled: A package that its flavor requires is missing.
            UnknownFlavor: Its flavor no longer exists.
            InvalidConfiguration: Its configuration no longer fits its flavor.
        """
        return cast(ModelDeployer, self._resolver.built(deployer))

    def known(self, deployer: PinnedComponent) -> ModelDeployer:
        """Build a model deployer even if packages that deploying requires are missing.

        Raises:
            UnknownFlavor: Its flavor no longer exists.
            InvalidConfiguration: Its configuration no longer fits its flavor.
        """
        return cast(ModelDeployer, self._resolver.sketched(deployer))

    def on_cluster(self, deployer: PinnedComponent) -> PinnedComponent:
        """Return a model deployer with the setting to serve on its cluster.

        Raises:
            NoManifest: Its flavor cannot serve on a cluster.
        """
        fields = type(self.known(deployer)).Configuration.model_fields
        if ON_CLUSTER not in fields:
            problem = f"its flavor {deployer.flavor!r} applies nothing to a cluster"
            raise NoManifest(f"{_TYPE.noun} {deployer.name!r}", problem)
        configuration = {**deployer.configuration, ON_CLUSTER: True}
        return deployer.model_copy(update={"configuration": configuration})

    def must_be_usable(self, deployer: PinnedComponent) -> None:
        """Check that a model deployer can deploy from this machine; raises as `built`.

        Raises:
            MissingSecret: A secret that it refers to does not exist.
        """
        self.built(deployer)
        missing = {}
        for reference in references(deployer.configuration):
            try:
                self._rules.flavors.secrets.value(reference)
            except MissingSecret:
                missing[reference] = f"{_TYPE.noun} {deployer.name!r}"
        if missing:
            raise MissingSecret(missing)

    def must_contain(self, store: PinnedComponent, artifact: Artifact) -> None:
        """Check that a store contains an artifact.

        Raises:
            ArtifactDamaged: The artifact, or a file of a folder, no longer exists.
            ArtifactStoreUnavailable: The store cannot be read.
        """
        built, manifest = self._store(store), artifact.manifest
        if built.size(artifact.uri) is None or (
            manifest is not None and not is_complete(built, artifact.uri, artifact.digest, manifest)
        ):
            raise ArtifactDamaged(artifact.uri, "no longer exists: run its pipeline again")

    def to_serve(
        self, deployment: Deployment, release: Release, *, behind_gateway: bool = False
    ) -> ModelToServe:
        """Describe the model of a release to its model deployer."""
        artifact = release.artifact
        store = cast(ArtifactStore, self._resolver.sketched(release.store))

        def load() -> object:
            return self.loaded(release)

        def copy(path: Path) -> None:
            store = self._store(release.store)
            if artifact.manifest is not None:
                folder = open_folder(store, artifact.uri, artifact.digest, artifact.manifest)
                path.mkdir()
                folder.copy_to(path)
                return
            with store.open(artifact.uri, artifact.digest) as source, path.open("xb") as target:
                while chunk := source.read(_CHUNK_SIZE):
                    target.write(chunk)

        return ModelToServe(
            id=str(release.server),
            name=deployment.name,
            artifact=release.model,
            type=artifact.type,
            uri=artifact.uri,
            digest=artifact.digest,
            versions=artifact.versions,
            stack=deployment.stack,
            stack_revision=deployment.stack_revision,
            load=load,
            copy=copy,
            environment=store.environment(),
            files=artifact.files,
            behind_gateway=behind_gateway,
        )

    def loaded(self, release: Release) -> object:
        """Load the artifact of a release, and verify its digest.

        Raises:
            ArtifactDamaged: It is missing or damaged, or a library is missing.
        """
        return read(release.artifact, self._store(release.store), self._materializers)

    def deployed(self, deployment: Deployment, server: str | None = None) -> Deployed:
        """Identify a server of a deployment to its model deployer.

        Args:
            deployment: The deployment.
            server: The id of the server; None for that of the release with the largest share.
        """
        server = server or str(deployment.rollout.main.server)
        return Deployed(server, deployment.name, deployment.rollout.reference(server))

    def _store(self, store: PinnedComponent) -> ArtifactStore:
        return cast(ArtifactStore, self._resolver.built(store))
