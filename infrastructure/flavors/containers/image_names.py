"""The names of images; see https://distribution.github.io/distribution/spec/api/."""

import re

LOCAL = "localhost"
"""The registry in the name of an image that is not pushed."""

_HUB = "docker.io"
_REGISTRY = re.compile(r"localhost|.*[.:].*")


def host_of(name: str) -> str:
    """Return the host in an image's name or a registry's address: "registry.example.com:5000"."""
    first = name.partition("/")[0]
    return first if _REGISTRY.fullmatch(first) else _HUB


def path_and_tag(image: str) -> tuple[str, str]:
    """Split an image's full name into its name in the registry and its tag."""
    host = host_of(image)
    name, _, tag = image.removeprefix(f"{host}/").rpartition(":")
    return (f"library/{name}" if host == _HUB and "/" not in name else name), tag


def repository(registry: str, pipeline: str) -> str:
    """Return the name of the images of a pipeline in a registry, without a tag."""
    return f"{registry}/{re.sub(r'[^a-z0-9]+', '-', pipeline.lower()).strip('-') or 'pipeline'}"


def without_port(host: str) -> str:
    """Return a host without its port and brackets."""
    bracketed = re.match(r"\[([^\]]*)\]", host)
    return bracketed[1] if bracketed else host.partition(":")[0]
