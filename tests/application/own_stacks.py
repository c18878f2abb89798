"""Flavors that need something of their stack; only tests have them."""

from collections.abc import Callable

from stackfold.application import ports
from stackfold.application.ports import (
    BuiltImage,
    ContainerRegistry,
    ImageBuilder,
    ImagePlan,
    Orchestrator,
    Recipe,
    RunPlan,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore


class Cluster(Orchestrator):
    """Runs steps on other machines."""

    flavor = "cluster"

    class Configuration(ports.Configuration):
        address: str = "far"

    @property
    def is_remote(self) -> bool:
        return self.configuration.address != "local"

    def run(self, plan: RunPlan, execute: Callable[[str], None]) -> None:
        for step in plan.steps:
            execute(step.name)


class Boxes(Cluster):
    """Runs steps in containers on other machines."""

    flavor = "boxes"
    needs = (ComponentType.CONTAINER_REGISTRY, ComponentType.IMAGE_BUILDER)


class Lake(LocalArtifactStore):
    """A store that every machine can reach."""

    flavor = "lake"
    is_remote = True
    requires = ("lake-client>=2",)


class Hub(ContainerRegistry):
    """A registry that every machine can reach."""

    flavor = "hub"
    is_remote = True
    uri = "hub.example.com"
    Configuration = ports.Configuration


class Builder(ImageBuilder):
    """Pretends to build images."""

    flavor = "builder"
    Configuration = ports.Configuration

    def recipe(self, plan: ImagePlan, registry: ContainerRegistry | None) -> Recipe:
        name = f"{registry.uri if registry else 'localhost'}/{plan.pipeline}:1"
        return Recipe(name, "FROM nothing", "\n".join(plan.requirements), (plan.source,))

    def build(
        self, plan: ImagePlan, registry: ContainerRegistry | None, *, rebuild: bool = False
    ) -> BuiltImage:
        name = self.recipe(plan, registry).name
        return BuiltImage(name, "sha256:ab", is_pushed=registry is not None, is_new=True)
