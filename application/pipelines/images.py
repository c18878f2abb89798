"""Images: container images of a pipeline's code and its stack's requirements."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.ports.image_builder import ContainerRegistry, ImageBuilder, ImagePlan
from stackfold.application.ports.image_views import BuiltImage, Recipe
from stackfold.application.ports.submitting_orchestrator import JobImage
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.requirements import requirements_of
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType


class Code(Protocol):
    """The location of a pipeline's code."""

    @property
    def folder(self) -> Path:
        """Contains all code of the user's that the pipeline needs."""
        ...

    @property
    def source(self) -> str:
        """The pipeline, relative to the folder: "file.py:name" or "module:name"."""
        ...


class Images:
    """Commands for images."""

    def __init__(
        self,
        resolver: StackResolver,
        flavors: Flavors,
        locate: Callable[[str, str], Code],
        extras: Sequence[str] = (),
    ) -> None:
        """Create the service.

        Args:
            resolver: Finds stacks, and builds their image builders and registries.
            flavors: Tells the requirements of flavors.
            locate: Finds the code of a pipeline by its source and import root; raises
                InvalidPipeline if it is in no file.
            extras: pip requirements in addition to those of the stack.
        """
        self._resolver = resolver
        self._flavors = flavors
        self._locate = locate
        self._extras = extras

    @outside_changes
    def build(
        self, pipeline: Pipeline[...], *, stack: str | None = None, rebuild: bool = False
    ) -> BuiltImage:
        """Build the image of a pipeline and push it to the stack's container registry.

        An image that exists is not built again: its tag is a digest of everything it is built
        from. Without a container registry in the stack, it stays in the local container engine.

        Args:
            pipeline: The pipeline whose code the image contains.
            stack: The stack, by name, id or unique prefix; None for the active one.
            rebuild: Build even if the image exists, from the current base image.

        Raises:
            InvalidPipeline: The pipeline is in no file, or the stack has no image builder.
            NotFound: The stack does not exist.
            Unavailable: No image can be built on this machine.
            BuildFailed: The build failed.
            PushFailed: The registry did not accept the image.
            RegistryUnavailable: The registry does not answer.
            RegistryForbidden: The registry does not accept the credentials.
        """
        pin = self._resolver.pin(stack)
        plan = self._plan(pipeline.name, pipeline.source, pipeline.import_root, pin)
        return self._builder(pin).build(plan, self._registry(pin), rebuild=rebuild)

    def recipe(self, pipeline: Pipeline[...], *, stack: str | None = None) -> Recipe:
        """Return what `build` would build, without contacting an engine or registry.

        Raises as `build`.

        Args:
            pipeline: The pipeline.
            stack: The stack, by name, id or unique prefix; None for the active one.
        """
        pin = self._resolver.pin(stack)
        plan = self._plan(pipeline.name, pipeline.source, pipeline.import_root, pin)
        return self._builder(pin).recipe(plan, self._registry(pin))

    def of_run(self, graph: Graph, pin: Pin, *, dry: bool = False) -> JobImage:
        """Return the image of a run, built and pushed if it does not exist; raises as `build`.

        Args:
            graph: The graph of the run.
            pin: Its pin, which contains an image builder.
            dry: Only compute the image's name.
        """
        plan = self._plan(graph.pipeline, graph.source, graph.import_root, pin)
        builder = self._builder(pin)
        registry = self._registry(pin)
        if dry:
            return JobImage(builder.recipe(plan, registry).name, plan.source)
        return JobImage(builder.build(plan, registry).reference, plan.source)

    def _plan(self, pipeline: str, source: str, import_root: str, pin: Pin) -> ImagePlan:
        code = self._locate(source, import_root)
        pinned = [each for components in pin.components.values() for each in components]
        wanted = requirements_of(
            self._flavors, [(each.type, each.flavor) for each in pinned], self._extras
        )
        return ImagePlan(pipeline, code.folder, code.source, tuple(wanted))

    def _builder(self, pin: Pin) -> ImageBuilder:
        found = pin.component(ComponentType.IMAGE_BUILDER)
        if found is None:
            raise InvalidPipeline(
                f"stack {pin.stack!r} holds no image builder: run `stackfold stack update "
                f"{pin.stack} --image-builder NAME`"
            )
        return cast(ImageBuilder, self._resolver.built(found))

    def _registry(self, pin: Pin) -> ContainerRegistry | None:
        found = pin.component(ComponentType.CONTAINER_REGISTRY)
        return None if found is None else cast(ContainerRegistry, self._resolver.built(found))
