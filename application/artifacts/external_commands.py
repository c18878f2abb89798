"""Commands on artifacts that no run made: save a value, register a file, delete a version."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackfold.application.artifacts.artifact_views import NamedArtifact
from stackfold.application.eventsourcing.unit_of_work import outside_changes

if TYPE_CHECKING:
    from stackfold.application.artifacts.external_artifacts import Copied, ExternalArtifacts


class ExternalCommands:
    """Commands on artifacts that no run made; `Artifacts` adds those on all."""

    _external: "Callable[[], ExternalArtifacts]"
    """Creates, on first use, the service that records them."""

    @outside_changes
    def save(
        self,
        value: Any,
        name: str,
        *,
        label: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        materializer: type | str = "",
        stack: str | None = None,
        why: str = "",
    ) -> NamedArtifact:
        """Save a value as a new version of an artifact, outside of any run.

        Args:
            value: The value, which is stored as an output of a step would be.
            name: The name of the artifact.
            label: A text that names the version, as in "dataset@spring"; None for none.
            tags: Tags of the version.
            metadata: Metadata of the version: name → JSON value.
            materializer: What writes the value: a class with the decorator `materializer`, or the
                name of a materializer; by default that of its type.
            stack: The stack whose artifact store keeps it; None for the active one.
            why: The reason.

        Returns:
            The version.

        Raises:
            InvalidName: The name or the label breaks the rule for names.
            InvalidTag: A tag is invalid.
            Invalid: The materializer is none, or the value or the metadata cannot be stored.
            NotFound: The stack does not exist.
            ArtifactStoreUnavailable: The store cannot be written to.
        """
        from stackfold.application.artifacts.new_version import NewVersion

        version = NewVersion.of(name, label, tags, metadata, why)
        return self._external().save(value, version, stack, materializer)

    @outside_changes
    def register(
        self,
        source: str | Path,
        name: str,
        *,
        label: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        stack: str | None = None,
        copy: bool = True,
        why: str = "",
        copied: "Copied | None" = None,
    ) -> NamedArtifact:
        """Record what exists as a new version of an artifact: a file, a folder or an object.

        A file is copied to the artifact store, part by part, and is loaded as bytes. A folder is
        copied too, and is loaded as a `Directory`. An object in the artifact store, and a file with
        `copy=False`, stay where they are: they are read once for their digest, which is verified
        whenever they are loaded.

        Args:
            source: The path of a file or a folder, or the address of an object in the artifact
                store, such as "s3://bucket/prefix/rows.csv".
            name: The name of the artifact.
            label: A text that names the version, as in "dataset@spring"; None for none.
            tags: Tags of the version.
            metadata: Metadata of the version: name → JSON value.
            stack: The stack whose artifact store keeps it; None for the active one.
            copy: Whether a file is copied; else it stays where it is.
            why: The reason.
            copied: Called with the numbers of read bytes and of all bytes, while a file is read.

        Returns:
            The version.

        Raises:
            InvalidFile: It does not exist, cannot be read, is a link, a device or a pipe, or is
                outside the artifact store.
            ArtifactDamaged: The artifact store has no object at the address.
            InvalidFolder: It contains what cannot be stored.
            InvalidName: The name or the label breaks the rule for names.
            InvalidTag: A tag is invalid.
            Invalid: The metadata cannot be recorded.
            NotFound: The stack does not exist.
            ArtifactStoreUnavailable: The store cannot be written to.
        """
        from stackfold.application.artifacts.new_version import NewVersion

        version = NewVersion.of(name, label, tags, metadata, why)
        return self._external().register(str(source), version, stack, copied, copy)

    @outside_changes
    def copy(
        self, reference: str, to: str, *, name: str | None = None, why: str = ""
    ) -> NamedArtifact:
        """Copy a version to another artifact store, as a new version with equal bytes.

        A step that takes it instead is found in the cache, as its digest is the same.

        Args:
            reference: The version, such as "dataset@4"; without one, the latest.
            to: The artifact store, by name, id or unique prefix.
            name: The name of the copy; None for that of the artifact.
            why: The reason.

        Returns:
            The new version.

        Raises:
            NotFound: The artifact or the store does not exist.
            Ambiguous: A reference means several.
            Invalid: The artifact has no name of its own, and none is given.
            ArtifactDamaged: Its bytes are missing or were changed.
            ArtifactStoreUnavailable: A store cannot be reached.
        """
        return self._external().copy(reference, to, name, why)

    def delete(self, reference: str, why: str = "") -> NamedArtifact:
        """Delete a version that no run made; `undo` restores it until its bytes are pruned.

        Args:
            reference: The version, such as "dataset@4"; without one, the latest.
            why: The reason.

        Returns:
            The version.

        Raises:
            NotFound: The artifact does not exist.
            Ambiguous: The reference means several artifacts.
            ArtifactInUse: A run took it, a deployment serves it or can be rolled back to it, or an
                alias stands for it.
            Conflict: A run made it: it is deleted with its run.
        """
        return self._external().delete(reference, why)
