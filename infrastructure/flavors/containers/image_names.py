"""The names of images, as https://distribution.github.io/distribution/spec/api/ has them."""

import re

LOCAL = "localhost"
"""In the place of a registry, for an image that is not pushed."""

_HUB = "docker.io"
_REGISTRY = re.compile(r"localhost|.*[.:].*")


def host_of(name: str) -> str:
    """The registry in an image's name, or in a registry's address: "registry.example.com:5000"."""
    first = name.partition("/")[0]
    return first if _REGISTRY.fullmatch(first) else _HUB


def path_and_tag(image: str) -> tuple[str, str]:
    """The name in its registry, and the tag, of an image's whole name."""
    host = host_of(image)
    name, _, tag = image.removeprefix(f"{host}/").rpartition(":")
    return (f"library/{name}" if host == _HUB and "/" not in name else name), tag


def repository(registry: str, pipeline: str) -> str:
    """Where the images of a pipeline are, in the registry at an address."""
    return f"{registry}/{re.sub(r'[^a-z0-9]+', '-', pipeline.lower()).strip('-') or 'pipeline'}"


def without_port(host: str) -> str:
    """A registry's host alone."""
    bracketed = re.match(r"\[([^\]]*)\]", host)
    return bracketed[1] if bracketed else host.partition(":")[0]
