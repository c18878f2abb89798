"""The ports of image builders and of the container registries that they push to."""

from abc import abstractmethod
from pathlib import Path
from typing import NamedTuple

from stackfold.application.ports.image_views import BuiltImage, Recipe
from stackfold.application.ports.stack_component import StackComponent
from stackfold.domain.stacks.component_type import ComponentType


class Credentials:
    """Who may use a registry; shows nothing of the password."""

    def __init__(self, username: str, password: str) -> None:
        """Keep both for the moment in which they are used."""
        self.username, self.password = username, password


class ContainerRegistry(StackComponent):
    """Keeps container images."""

    component_type = ComponentType.CONTAINER_REGISTRY

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where images are pushed to and pulled from, such as `registry.example.com/team`."""

    @property
    def is_plain(self) -> bool:
        """Whether it speaks plain HTTP, so that everybody on the way can read along."""
        return False

    def credentials(self) -> Credentials | None:
        """Who pushes; None if the engine that pushes knows that itself, or nobody asks.

        Raises:
            MissingSecret: There is no such secret.
        """
        return None

    def digest(self, image: str) -> str | None:
        """The digest of an image that it holds, such as "sha256:…".

        Args:
            image: The image's whole name, with the registry's address and a tag.

        Returns:
            None if it does not hold it, or does not tell.

        Raises:
            RegistryUnavailable: It does not answer.
            RegistryRefuses: It does not accept the credentials.
        """
        return None


class ImagePlan(NamedTuple):
    """What an image is for."""

    pipeline: str
    """The pipeline's name."""
    folder: Path
    """The code: all of it goes into the image, but what is ignored, and is where it works."""
    source: str
    """Where the pipeline is, seen from that folder: "file.py:name" or "module:name"."""
    requirements: tuple[str, ...]
    """pip requirements; the first is Stackfold with the extras that the stack wants."""


class ImageBuilder(StackComponent):
    """Builds container images, and pushes them."""

    component_type = ComponentType.IMAGE_BUILDER

    @abstractmethod
    def build(
        self, plan: ImagePlan, registry: ContainerRegistry | None, *, anew: bool = False
    ) -> BuiltImage:
        """Build an image and push it, unless the registry has it already.

        Nothing that is secret goes into the image. Where the registry's credentials are needed,
        they are read when they are, and nobody sees them: no log, no list of processes.

        Args:
            plan: What it is for.
            registry: Where it is pushed to; None to leave it where it was built.
            anew: Build it whatever is there already, from what its base image is today.

        Raises:
            BuilderUnavailable: Nothing can be built here.
            BuildFailed: It could not be built.
            PushFailed: The registry did not take it.
            RegistryUnavailable: The registry does not answer.
            RegistryRefuses: The registry does not accept the credentials.
        """

    @abstractmethod
    def recipe(self, plan: ImagePlan, registry: ContainerRegistry | None) -> Recipe:
        """What `build` would make; nothing is built, and nobody is asked.

        Raises:
            BuildFailed: What it should be made of is not there.
        """
