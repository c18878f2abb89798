"""Images: what the engine of a stack starts, made of the pipeline's code and the stack's needs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

from stackfold.application.ports.image_builder import ContainerRegistry, ImageBuilder, ImagePlan
from stackfold.application.ports.image_views import BuiltImage, Recipe
from stackfold.application.ports.submitting_orchestrator import JobImage
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.requirements import requirements_of
from stackfold.application.stacks.stack_resolver import Pinning
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType


class Code(Protocol):
    """Where the code of a pipeline is."""

    @property
    def folder(self) -> Path:
        """All that it needs of the user's own is in there."""
        ...

    @property
    def source(self) -> str:
        """Where the pipeline is, seen from the folder: "file.py:name" or "module:name"."""
        ...


class Images:
    """What can be done with images."""

    def __init__(
        self,
        pinning: Pinning,
        flavors: Flavors,
        locate: Callable[[str, str], Code],
        extras: Sequence[str] = (),
    ) -> None:
        """Build what stacks need.

        Args:
            pinning: Finds stacks, and sets up their builders and registries.
            flavors: What knows the requirements of a flavor.
            locate: From a pipeline's source and import root to the code; raises InvalidPipeline
                if it is in no file.
            extras: pip requirements beside those of the stack: what the log needs.
        """
        self._pinning = pinning
        self._flavors = flavors
        self._locate = locate
        self._extras = extras

    def build(
        self, pipeline: Pipeline[...], *, stack: str | None = None, rebuild: bool = False
    ) -> BuiltImage:
        """Build the image of a pipeline and push it to the stack's container registry.

        Nothing is built or pushed that is there already: the tag is a digest of what an image is
        made of. A stack without a container registry leaves it where it was built.

        Args:
            pipeline: Whose code goes into it.
            stack: The stack, by name, id or unique prefix; the active one if None.
            rebuild: Build it all the same, from what its base image is today.

        Raises:
            InvalidPipeline: The pipeline is in no file, or the stack has no image builder.
            NotFound: There is no such stack.
            Unavailable: Nothing can be built here.
            BuildFailed: It could not be built.
            PushFailed: The registry did not take it.
            RegistryUnavailable: The registry does not answer.
            RegistryForbidden: The registry does not accept the credentials.
        """
        pin = self._pinning.pin(stack)
        plan = self._plan(pipeline.name, pipeline.source, pipeline.import_root, pin)
        return self._builder(pin).build(plan, self._registry(pin), rebuild=rebuild)

    def recipe(self, pipeline: Pipeline[...], *, stack: str | None = None) -> Recipe:
        """What `build` would make of it; nothing is built, and nobody is asked. Raises as it."""
        pin = self._pinning.pin(stack)
        plan = self._plan(pipeline.name, pipeline.source, pipeline.import_root, pin)
        return self._builder(pin).recipe(plan, self._registry(pin))

    def of_run(self, graph: Graph, pin: Pin, *, dry: bool = False) -> JobImage:
        """The image of a run: built and pushed if it is not there yet.

        Args:
            graph: Its pipeline.
            pin: What the run is pinned to, with an image builder.
            dry: Only tell what it would be called.

        Raises as `build`.
        """
        plan = self._plan(graph.pipeline, graph.source, graph.import_root, pin)
        builder = self._builder(pin)
        registry = self._registry(pin)
        if dry:
            return JobImage(builder.recipe(plan, registry).name, plan.source)
        return JobImage(builder.build(plan, registry).reference, plan.source)

    def _plan(self, pipeline: str, source: str, import_root: str, pin: Pin) -> ImagePlan:
        code = self._locate(source, import_root)
        held = [each for components in pin.components.values() for each in components]
        wanted = requirements_of(
            self._flavors, [(each.type, each.flavor) for each in held], self._extras
        )
        return ImagePlan(pipeline, code.folder, code.source, tuple(wanted))

    def _builder(self, pin: Pin) -> ImageBuilder:
        found = pin.component(ComponentType.IMAGE_BUILDER)
        if found is None:
            raise InvalidPipeline(
                f"stack {pin.stack!r} holds no image builder: run `stackfold stack update "
                f"{pin.stack} --image-builder NAME`"
            )
        return cast(ImageBuilder, self._pinning.built(found))

    def _registry(self, pin: Pin) -> ContainerRegistry | None:
        found = pin.component(ComponentType.CONTAINER_REGISTRY)
        return None if found is None else cast(ContainerRegistry, self._pinning.built(found))
