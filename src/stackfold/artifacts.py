"""Functions that save values and files as artifacts, outside of any run."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stackfold.application.artifacts.artifact_views import NamedArtifact
from stackfold.infrastructure.current_workspace import current_workspace
from stackfold.infrastructure.workspace import Workspace

__all__ = ["register_artifact", "save_artifact"]


def save_artifact(
    value: Any,
    name: str,
    *,
    label: str | None = None,
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
    materializer: type | str = "",
    why: str = "",
) -> NamedArtifact:
    """Save a value as a new version of an artifact, outside of any run.

    The workspace is that of the innermost `with` block, otherwise that of `Workspace.open()`. In a
    step, it is that of the run, on every orchestrator; the step is not recorded as its maker, as by
    `StepContext.save_artifact`.

    Args:
        value: The value, which is stored as an output of a step would be.
        name: The name of the artifact.
        label: A text that names the version, as in "dataset@spring"; None for none.
        tags: Tags of the version.
        metadata: Metadata of the version: name → JSON value.
        materializer: What writes the value: a class with the decorator `materializer`, or the name
            of a materializer; by default that of its type.
        why: The reason.

    Returns:
        The version.

    Raises:
        StackfoldError: As `Workspace.artifacts.save`.
    """
    with _workspace() as workspace:
        return workspace.artifacts.save(
            value,
            name,
            label=label,
            tags=tags,
            metadata=metadata,
            materializer=materializer,
            why=why,
        )


def register_artifact(
    source: str | Path,
    name: str,
    *,
    label: str | None = None,
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
    copy: bool = True,
    why: str = "",
) -> NamedArtifact:
    """Record a file, a folder or an object in the store as a new version of an artifact.

    The workspace is that of the innermost `with` block, otherwise that of `Workspace.open()`. In a
    step, it is that of the run, on every orchestrator; the step is not recorded as its maker, as by
    `StepContext.save_artifact`.

    Args:
        source: The path of a file or a folder, which is copied, or the address of an object in the
            artifact store, such as "s3://bucket/prefix/rows.csv", which stays where it is.
        name: The name of the artifact.
        label: A text that names the version, as in "dataset@spring"; None for none.
        tags: Tags of the version.
        metadata: Metadata of the version: name → JSON value.
        copy: Whether a file is copied; else it stays where it is.
        why: The reason.

    Returns:
        The version.

    Raises:
        StackfoldError: As `Workspace.artifacts.register`.
    """
    with _workspace() as workspace:
        return workspace.artifacts.register(
            source, name, label=label, tags=tags, metadata=metadata, copy=copy, why=why
        )


@contextmanager
def _workspace() -> Iterator[Workspace]:
    current = current_workspace(Workspace._is_default)
    if current is not None:
        yield current
        return
    with Workspace.open() as opened:
        yield opened
