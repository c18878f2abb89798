"""Artifacts, the stores that hold them, and the values that are written there."""

from collections.abc import Sequence

from stackfold.domain.errors.bases import (
    Conflict,
    Damaged,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
)


class ArtifactStoreUnavailable(Unavailable):
    """The artifact store cannot be read or written: it is missing, read-only or full.

    Attributes:
        location: Its folder or address.
        problem: What is wrong with it.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location = location
        super().__init__(f"the artifact store at {location}", problem)


class InvalidFolder(Invalid):
    """A folder cannot be stored as an artifact, or a stored one cannot be used as asked.

    Attributes:
        folder: The folder, or the artifact.
        problem: What is wrong with it, as a predicate.
    """

    def __init__(self, folder: str, problem: str) -> None:
        self.folder, self.problem = folder, problem
        super().__init__(f"the folder {folder} {problem}")


class ArtifactInUse(Conflict):
    """An artifact is used, so it cannot be deleted.

    Attributes:
        artifact: Its reference or name.
        uses: What uses it, such as "alias 'approved'"; some of many.
    """

    def __init__(self, artifact: str, uses: Sequence[str]) -> None:
        self.artifact, self.uses = artifact, tuple(uses)
        super().__init__(
            f"artifact {artifact!r} is used by {', '.join(uses)}: delete or move these first"
        )


class CannotConvert(Invalid):
    """A stored artifact cannot be converted to a format.

    Attributes:
        materializer: The name of the materializer that wrote it.
        format: The format.
        problem: Why, or what to do.
    """

    def __init__(self, materializer: str, format: str, problem: str) -> None:
        self.materializer, self.format, self.problem = materializer, format, problem
        super().__init__(f"an artifact of {materializer!r} cannot be made {format}: {problem}")


class UnknownClass(NotFound):
    """A stored value is of a class that the program has not imported; data never imports one.

    Attributes:
        kind: "class".
        reference: The class, as "module.Class".
    """

    def __init__(self, reference: str) -> None:
        message = (
            f"the stored value is a {reference}, which this program has not imported: import it, "
            "or annotate the input that takes it"
        )
        super().__init__("class", reference, message=message)


class ArtifactDamaged(Damaged):
    """The artifact store does not hold what was recorded.

    Attributes:
        uri: The artifact's address.
        problem: What is wrong with it, as a predicate.
        again: Whether executing the step that made it again would restore it.
    """

    def __init__(self, uri: str, problem: str, again: bool = False) -> None:
        self.uri, self.problem, self.again = uri, problem, again
        fix = "run the pipeline that made it again without the cache"
        super().__init__(f"the artifact at {uri} {problem}" + (f"; {fix}" if again else ""))


class OutsideStore(Forbidden):
    """An address is outside the artifact store.

    Attributes:
        uri: The address.
        root: The store's folder or address.
    """

    def __init__(self, uri: str, root: str) -> None:
        self.uri, self.root = uri, root
        super().__init__(f"{uri} is outside the artifact store {root}")


class PickleForbidden(Forbidden):
    """A value would have to be pickled or unpickled in a store with `no_pickle`.

    Attributes:
        what: The value or the artifact.
        written: Whether it was to be written; else it was to be read.
    """

    def __init__(self, what: str, written: bool) -> None:
        self.what, self.written = what, written
        how = "can only be stored as a pickle" if written else "is a pickle"
        super().__init__(f"{what} {how}, and this store allows no pickles (no_pickle)")


class InvalidMaterializer(Invalid):
    """A class or an entry point cannot be a materializer.

    Attributes:
        name: The class or the entry point.
        problem: What is wrong with it.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        super().__init__(f"{name} cannot be a materializer: {problem}")
