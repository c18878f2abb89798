"""The image builder `local`."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import (
    BuiltImage,
    ContainerRegistry,
    ImageBuilder,
    ImagePlan,
    Recipe,
)
from stackfold.domain.errors import Unavailable
from stackfold.infrastructure.flavors.containers.image_names import LOCAL, host_of, repository

if TYPE_CHECKING:
    from stackfold.infrastructure.flavors.containers.engines import Access, Engine
    from stackfold.infrastructure.flavors.containers.image_context import ImageContext

_TITLE = "the image builder 'local'"
_TAG = 20
"""Hexadecimal digits of a digest in a tag; a collision of two images has a chance of 10^-24."""


class LocalImageBuilder(ImageBuilder):
    """Builds images with Docker, Podman or Buildah on this machine, and pushes them."""

    flavor = "local"

    class Configuration(ports.Configuration):
        """The contents of images, and the engine that builds them."""

        engine: Literal["docker", "podman", "buildah"] | None = Field(
            None, description="The engine; by default the first of them that works here."
        )
        base_image: str | None = Field(
            None,
            pattern=r"^[a-zA-Z0-9][\w.:/@-]*$",
            description="The base image, which must contain python3 and pip; by default "
            "docker.io/library/python:X.Y-slim, with the Python version that runs Stackfold.",
        )
        containerfile: str | None = Field(
            None,
            min_length=1,
            description="A Containerfile or Dockerfile instead of a base image, relative to the "
            "code, which is its context. Stackfold's steps are appended.",
        )
        requirements: list[str] = Field(
            default_factory=list,
            description="Further pip requirements, beside those of the stack and of Stackfold.",
        )
        index_url: str | None = Field(
            None, description="The package index of pip; by default PyPI."
        )
        extra_index_urls: list[str] = Field(
            default_factory=list, description="Further package indexes of pip."
        )
        environment: dict[str, str] = Field(
            default_factory=dict,
            description="Environment variables of the image; not for secrets.",
        )
        build_arguments: dict[str, str] = Field(
            default_factory=dict, description="Arguments of the build; not for secrets."
        )
        platform: str | None = Field(
            None, min_length=1, description="The platform of the image, such as linux/amd64."
        )
        context_limit: int = Field(200, gt=0, description="Megabytes of code, at most.")
        timeout: int = Field(3600, gt=0, description="Seconds until a build or a push times out.")
        engine_options: list[str] = Field(
            default_factory=list,
            description="Options of the engine, such as --storage-driver=vfs.",
        )
        build_options: list[str] = Field(
            default_factory=list,
            description="Options of its builds, such as --isolation=chroot.",
        )

        @field_validator("environment", "build_arguments")
        @classmethod
        def _hold_no_secret(cls, variables: dict[str, str]) -> dict[str, str]:
            for name, value in variables.items():
                if not name.isidentifier():
                    raise ValueError(f"{name!r} is no name of a variable")
                if "{{" in value:
                    raise ValueError(
                        f"{name}: whoever pulls an image sees this, so it can hold no secret"
                    )
                if not value.isprintable():
                    raise ValueError(f"{name}: must be one line of text")
            return variables

        @field_validator("index_url", "extra_index_urls")
        @classmethod
        def _hold_no_password(cls, given: str | list[str] | None) -> str | list[str] | None:
            for url in [given] if isinstance(given, str) else given or []:
                # The message must not repeat the URL, which may contain a password.
                if "@" in urlsplit(url).netloc:
                    raise ValueError("may hold no password: whoever pulls an image would see it")
            return given

        @model_validator(mode="after")
        def _fit_together(self) -> Self:
            if self.base_image and self.containerfile:
                raise ValueError("base_image and containerfile exclude each other")
            return self

    configuration: Configuration

    def build(
        self, plan: ImagePlan, registry: ContainerRegistry | None, *, rebuild: bool = False
    ) -> BuiltImage:
        from stackfold.infrastructure.flavors.containers.engines import Access, Build

        chosen, context = self.configuration, self._context(plan)
        with tempfile.TemporaryDirectory(prefix="stackfold-") as folder:
            code, containerfile = Path(folder, "context"), Path(folder, "Containerfile")
            name = _name(plan, registry, context.digest(into=code))
            known = registry.digest(name) if registry is not None and not rebuild else None
            if known is not None:
                return BuiltImage(name, known, is_pushed=True, is_new=False)
            engine = self._engine()
            is_new = rebuild or engine.id(name) is None
            if is_new:
                containerfile.write_text(context.containerfile)
                engine.build(
                    Build(
                        name,
                        containerfile,
                        code,
                        chosen.build_arguments,
                        chosen.platform,
                        rebuild,
                        context.base_image,
                        self._access(context.base_image, registry),
                    )
                )
        if registry is None:
            return BuiltImage(name, engine.id(name) or "", is_pushed=False, is_new=is_new)
        digest = engine.push(name, Access(registry.credentials(), registry.is_plain))
        return BuiltImage(name, digest, is_pushed=True, is_new=is_new)

    def recipe(self, plan: ImagePlan, registry: ContainerRegistry | None) -> Recipe:
        context = self._context(plan)
        name = _name(plan, registry, context.digest())
        return Recipe(name, context.containerfile, context.requirements, context.files)

    def check_connection(self) -> None:
        """Check that an engine is installed and, for Docker, that its daemon responds."""
        self._engine()

    def _access(self, image: str, registry: ContainerRegistry | None) -> "Access | None":
        """The access to the registry of the base image, if it is the stack's registry."""
        from stackfold.infrastructure.flavors.containers.engines import Access

        if registry is None or not image or host_of(image) != host_of(registry.uri):
            return None
        return Access(registry.credentials(), registry.is_plain)

    def _context(self, plan: ImagePlan) -> "ImageContext":
        from stackfold.infrastructure.flavors.containers.image_context import ImageContext

        return ImageContext(plan, self.configuration, self.home)

    def _engine(self) -> "Engine":
        from stackfold.infrastructure.flavors.containers.engines import ENGINES, installed

        chosen = self.configuration
        name: str | None = chosen.engine or next(installed(), None)
        if name is None:
            raise Unavailable(
                _TITLE, "there is no docker, podman or buildah that works here: install one"
            )
        if not shutil.which(name):
            raise Unavailable(
                _TITLE,
                f"there is no {name} here: install it, or leave the choice of an engine open",
            )
        return ENGINES[name](chosen.engine_options, chosen.build_options, chosen.timeout)


def _name(plan: ImagePlan, registry: ContainerRegistry | None, digest: str) -> str:
    where = LOCAL if registry is None else registry.uri
    return f"{repository(where, plan.pipeline)}:{digest[:_TAG]}"
