"""What images are made of, and what they are known by."""

from typing import NamedTuple


class Recipe(NamedTuple):
    """What an image would be made of."""

    name: str
    """Its whole name. The tag is a digest of all that it is made of."""
    containerfile: str
    requirements: str
    """pip requirements, one a line."""
    files: tuple[str, ...]
    """What of the code goes into it, by path."""


class BuiltImage(NamedTuple):
    """An image that can be used."""

    name: str
    """Its whole name, with a tag."""
    digest: str
    """By which its registry knows it, or the engine if it was not pushed: "sha256:…"."""
    is_pushed: bool
    is_new: bool
    """Whether it was built just now; it was there already if not."""

    @property
    def reference(self) -> str:
        """What nobody can change any more: the name with the digest in the place of the tag."""
        if not self.is_pushed:
            return self.name
        return f"{self.name.rpartition(':')[0]}@{self.digest}"
