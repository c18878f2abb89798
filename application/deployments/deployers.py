"""Model deployers, set up from stacks and from what deployments keep; and what they serve."""

from pathlib import Path
from typing import cast

from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.model_deployer import Deployed, ModelDeployer, ModelToServe
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.application.stacks.validation import StackRules
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import ArtifactDamaged, MissingSecret, NotInStack
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import references

_TYPE = ComponentType.MODEL_DEPLOYER
_PIECE = 2**20
"""So many bytes of a model are copied at once."""


class Deployers:
    """From stacks and deployments to model deployers that can be used."""

    def __init__(
        self, resolver: StackResolver, rules: StackRules, materializers: Materializers
    ) -> None:
        """Set up components by `resolver`.

        Args:
            resolver: Sets up what a pin names.
            rules: What a stack must hold, and the secrets that are here.
            materializers: What reads models.
        """
        self._resolver = resolver
        self._rules = rules
        self._materializers = materializers

    def of_stack(self, reference: str | None) -> tuple[Pin, PinnedComponent]:
        """A stack as it is, and its model deployer.

        Args:
            reference: The stack, by name, id or unique prefix; the active one if None.

        Raises:
            NotFound: There is no such stack.
            NotInStack: It holds none.
        """
        pin = self._resolver.pin(reference)
        deployer = pin.component(_TYPE)
        if deployer is None:
            hint = self._rules.lacking(pin.stack, _TYPE)
            raise NotInStack(pin.stack, _TYPE.noun, hint=hint)
        return pin, deployer

    def built(self, deployer: PinnedComponent) -> ModelDeployer:
        """A model deployer, ready for use.

        Raises:
            NotInstalled: What it requires is not there.
            UnknownFlavor: There is none such any more.
            InvalidConfiguration: It was configured as its flavor no longer allows.
        """
        return cast(ModelDeployer, self._resolver.built(deployer))

    def known(self, deployer: PinnedComponent) -> ModelDeployer:
        """A model deployer for all but deploying, which alone takes what its flavor requires.

        Raises:
            UnknownFlavor: There is none such any more.
            InvalidConfiguration: It was configured as its flavor no longer allows.
        """
        return cast(ModelDeployer, self._resolver.sketched(deployer))

    def must_be_usable(self, deployer: PinnedComponent) -> None:
        """Refuse a model deployer that could not serve here; raises as `built`.

        Raises:
            MissingSecret: A secret that it refers to is not here.
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
        """Refuse an artifact that is gone.

        Raises:
            ArtifactDamaged: It is gone.
            ArtifactStoreUnavailable: The store cannot be asked.
        """
        if self._store(store).size(artifact.uri) is None:
            raise ArtifactDamaged(artifact.uri, "no longer exists: run its pipeline again")

    def to_serve(self, deployment: Deployment) -> ModelToServe:
        """What a deployment serves, as a model deployer takes it."""
        artifact = deployment.artifact

        def load() -> object:
            return read(artifact, self._store(deployment.store), self._materializers)

        def copy(path: Path) -> None:
            store = self._store(deployment.store)
            with store.open(artifact.uri, artifact.digest) as source, path.open("xb") as target:
                while piece := source.read(_PIECE):
                    target.write(piece)

        return ModelToServe(
            id=str(deployment.id),
            name=deployment.name,
            artifact=deployment.model,
            type=artifact.type,
            uri=artifact.uri,
            digest=artifact.digest,
            versions=artifact.versions,
            stack=deployment.stack,
            stack_revision=deployment.stack_revision,
            load=load,
            copy=copy,
            environment=cast(
                ArtifactStore, self._resolver.sketched(deployment.store)
            ).environment(),
        )

    def deployed(self, deployment: Deployment) -> Deployed:
        """A deployment, as its model deployer finds it again."""
        return Deployed(str(deployment.id), deployment.name, deployment.reference)

    def _store(self, store: PinnedComponent) -> ArtifactStore:
        return cast(ArtifactStore, self._resolver.built(store))
