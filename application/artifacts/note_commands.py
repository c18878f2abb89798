"""Commands on the tags and metadata of artifacts that were made already."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackfold.application.artifacts.annotating import Annotating
    from stackfold.application.artifacts.artifact_diffs import ArtifactDiff, ArtifactDiffs
    from stackfold.application.artifacts.artifact_views import NamedArtifact


class NoteCommands:
    """Commands on what is noted of artifacts; `Artifacts` adds those on all."""

    _annotating: "Callable[[], Annotating]"
    """Creates, on first use, the service that records notes."""
    _diffs: "Callable[[], ArtifactDiffs]"
    """Creates, on first use, the service that compares artifacts."""

    def diff(self, before: str, after: str) -> "ArtifactDiff":
        """Compare two artifacts: tags and metadata, origin, and content as far as it is small.

        The content of tables and JSON is compared by what `preview` shows. Nothing is unpickled.

        Args:
            before: An artifact, such as "dataset@3".
            after: Another one, such as "dataset@4".

        Raises:
            NotFound: An artifact does not exist.
            Ambiguous: A reference means several artifacts.
        """
        return self._diffs().diff(before, after)

    def annotate(
        self,
        reference: str,
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        without: Iterable[str] = (),
        why: str = "",
    ) -> "NamedArtifact":
        """Change the tags and metadata of a version of an artifact.

        The record of its run stays; `undo` takes the change back.

        Args:
            reference: The version, such as "dataset@4"; without one, the latest.
            add: Tags to add, such as "reviewed" or "team:vision".
            remove: Tags to remove, if it has them.
            metadata: Name → JSON value, to add or replace.
            without: Names of metadata to remove, if it has them.
            why: The reason.

        Returns:
            The version, with all its tags.

        Raises:
            NotFound: The artifact does not exist.
            Ambiguous: The reference means several artifacts.
            InvalidTag: A tag is invalid.
            Unrecordable: JSON cannot represent a value.
            TooLarge: It would have too many tags, or a value is too large.
            NothingToChange: Its tags and metadata would stay the same.
        """
        added = [add] if isinstance(add, str) else add
        removed = [remove] if isinstance(remove, str) else remove
        return self._annotating().annotate(reference, added, removed, metadata or {}, without, why)
