"""Views of container images: what they are built from, and how to refer to them."""

from typing import NamedTuple


class Recipe(NamedTuple):
    """What an image would be built from."""

    name: str
    """Its full name. The tag is a digest of everything it is built from."""
    containerfile: str
    requirements: str
    """pip requirements, one per line."""
    files: tuple[str, ...]
    """Paths of the code files that are copied into it."""


class BuiltImage(NamedTuple):
    """An image that was built or already existed."""

    name: str
    """Its full name, with a tag."""
    digest: str
    """Its digest in the registry, or in the engine if it was not pushed: "sha256:…"."""
    is_pushed: bool
    is_new: bool
    """Whether this call built it; False if it existed already."""

    @property
    def reference(self) -> str:
        """An immutable reference: the name with the digest instead of the tag."""
        if not self.is_pushed:
            return self.name
        return f"{self.name.rpartition(':')[0]}@{self.digest}"
