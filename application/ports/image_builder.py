"""The ports of image builders and of the container registries they push to."""

from abc import abstractmethod
from pathlib import Path
from typing import NamedTuple

from stackfold.application.ports.image_views import BuiltImage, Recipe
from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.domain.stacks.component_type import ComponentType


class Credentials:
    """A username and password for a registry; its repr hides the password."""

    def __init__(self, username: str, password: str) -> None:
        """Create the credentials.

        Args:
            username: Shown in messages.
            password: Never shown.
        """
        self.username, self.password = username, password


class ContainerRegistry(StackComponent[ConfigurationT]):
    """Stores container images."""

    component_type = ComponentType.CONTAINER_REGISTRY

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where images are pushed to and pulled from, such as `registry.example.com/team`."""

    @property
    def is_plain(self) -> bool:
        """Whether it uses plain HTTP, so that the traffic can be read on the way."""
        return False

    def credentials(self) -> Credentials | None:
        """Return the credentials to push with; None if the container engine has its own.

        Raises:
            MissingSecret: The configured secret does not exist.
        """
        return None

    def digest(self, image: str) -> str | None:
        """Return the digest of a stored image, such as "sha256:…".

        Args:
            image: The image's full name, with the registry's address and a tag.

        Returns:
            None if the image is not stored, or the registry does not say.

        Raises:
            RegistryUnavailable: The registry does not answer.
            RegistryForbidden: It rejects the credentials.
        """
        return None


class ImagePlan(NamedTuple):
    """The input of an image build."""

    pipeline: str
    """The pipeline's name."""
    folder: Path
    """The code: copied into the image's working folder, without ignored files."""
    source: str
    """The pipeline, relative to that folder: "file.py:name" or "module:name"."""
    requirements: tuple[str, ...]
    """pip requirements; the first is Stackfold with the extras that the stack requires."""


class ImageBuilder(StackComponent[ConfigurationT]):
    """Builds container images and pushes them."""

    component_type = ComponentType.IMAGE_BUILDER

    @abstractmethod
    def build(
        self, plan: ImagePlan, registry: ContainerRegistry | None, *, rebuild: bool = False
    ) -> BuiltImage:
        """Build an image and push it, unless the registry has it already.

        No secret is written into the image. The registry's credentials are read only when they are
        needed, and appear in no log and no list of processes.

        Args:
            plan: What to build.
            registry: Where to push the image; None to leave it in the container engine.
            rebuild: Build even if the image exists, from the current base image.

        Raises:
            Unavailable: No image can be built on this machine.
            BuildFailed: The build failed.
            PushFailed: The registry did not accept the image.
            RegistryUnavailable: The registry does not answer.
            RegistryForbidden: The registry rejects the credentials.
        """

    @abstractmethod
    def recipe(self, plan: ImagePlan, registry: ContainerRegistry | None) -> Recipe:
        """Return what `build` would build, without a container engine or the registry.

        Args:
            plan: What the image contains.
            registry: The registry to push to; None for none.

        Raises:
            BuildFailed: A file that the image needs does not exist.
        """
