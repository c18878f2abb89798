"""Writes values to artifact stores, and reads them back."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.artifacts.folders import StoredFolder, open_folder, store_folder
from stackfold.application.artifacts.materializer import Materializer, Versions, WriteFolder
from stackfold.application.artifacts.materializers import Materializers, differing
from stackfold.application.artifacts.stored_previews import stored_preview
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.secrets.redaction import redacted_value
from stackfold.domain.errors import ArtifactDamaged, StackfoldError, UnknownClass, VersionsDiffer
from stackfold.domain.errors.wording import text_of
from stackfold.domain.exact_json.class_finder import class_finder, type_name
from stackfold.domain.pipelines.graph import StepFunction
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.metadata import recordable_part


def write(
    name: str, value: Any, store: ArtifactStore, materializers: Materializers, chosen: str = ""
) -> Artifact:
    """Write a value to a store.

    Args:
        name: The output's name.
        value: The value.
        store: The artifact store.
        materializers: One of them writes the value.
        chosen: The name of the one that writes it; empty to choose it by the type of the value.

    Raises:
        NotFound: There is no materializer with the chosen name.
        TypeError: The chosen one does not accept the value.
        ArtifactStoreUnavailable: The store cannot be written to.
        PickleForbidden: Only a pickle could hold it, and pickles are refused.
        Exception: What a class of the user's raises while it is pickled.
    """
    materializer, write_value = materializers.prepare(value, chosen)
    files = manifest = None
    if isinstance(write_value, WriteFolder):
        folder, versions = _written_folder(write_value, store, materializers)
        (uri, digest, manifest), files, size = folder
    else:
        with store.create() as file:
            versions = write_value(file)
        uri, digest, size = file.stored
    return Artifact(
        id=uuid4(),
        name=name,
        type=type_name(type(value)),
        materializer=materializer.name,
        uri=uri,
        digest=digest,
        size=size,
        files=files,
        manifest=manifest,
        versions=dict(versions or {}),
        preview=stored_preview(materializer, value, store),
        metadata=_metadata(materializer, value),
    )


def _written_folder(
    write_value: WriteFolder, store: ArtifactStore, materializers: Materializers
) -> tuple[StoredFolder, Versions | None]:
    if write_value.source is not None:
        return store_folder(store, write_value.source), None
    fill = write_value.fill
    temporary = materializers.new_folder()
    try:
        folder = Path(temporary.name)
        versions = fill(folder) if fill else None
        return store_folder(store, folder), versions
    finally:
        temporary.cleanup()


def _metadata(materializer: Materializer, value: Any) -> dict[str, Any]:
    """Return the facts that a materializer extracts; a failure is logged as a warning."""
    problems: list[str]
    try:
        found, problems = recordable_part(materializer.metadata(value))
    except Exception as error:  # raised by a class of the user's
        found, problems = {}, [f"could not be extracted: {type(error).__name__}: {text_of(error)}"]
    for problem in problems:
        line = " ".join(f"metadata of a {type_name(type(value))} {problem}".split())
        logging.getLogger("stackfold.metadata").warning("%s", line)
    return redacted_value(found) if found else {}


def read(
    artifact: Artifact,
    store: ArtifactStore,
    materializers: Materializers,
    step: StepFunction | None = None,
    hint: Any = Any,
) -> Any:
    """Return the value of an artifact.

    Warns by `VersionsDiffer` if it was written with other library versions.

    Args:
        artifact: The recorded artifact.
        store: The store that contains it.
        materializers: One of them reads it.
        step: The step whose input it is, if any.
        hint: The type hint of that input.

    Raises:
        ArtifactDamaged: It is missing or damaged, or a library is missing.
        PickleForbidden: It is a pickle, and pickles are refused.
        UnknownClass: Its class is not imported in this program.
    """
    find_class = class_finder(hint, step.function if step else None)
    reader = materializers.named(artifact.materializer, artifact.uri, artifact.type)
    if artifact.manifest is not None:
        folder = open_folder(store, artifact.uri, artifact.digest, artifact.manifest)
        with _reading(artifact, reader):
            return reader.read_folder(folder, artifact.type, find_class, materializers.new_folder)
    with store.open(artifact.uri, artifact.digest) as file, _reading(artifact, reader):
        return reader.read(file, artifact.type, find_class)


@contextmanager
def _reading(artifact: Artifact, reader: Materializer) -> Iterator[None]:
    """Warn of other versions of libraries; raise ArtifactDamaged for what a reader raises."""
    others = differing(reader, artifact.versions, artifact.uri) if artifact.versions else {}
    if others:
        what = f"the {artifact.type} at {artifact.uri}"
        warnings.warn(VersionsDiffer(what, others), stacklevel=4)
    try:
        yield
    except StackfoldError:
        raise
    except BaseException as error:
        if is_interruption(error) or isinstance(error, SystemExit):
            raise
        problem = f"cannot be read: {type(error).__name__}: {text_of(error)}"
        raise ArtifactDamaged(artifact.uri, problem, again=True) from error


def show(artifact: Artifact, store: ArtifactStore, materializers: Materializers) -> Any:
    """Return the value of an artifact as JSON, for programs without its class.

    Raises:
        ArtifactDamaged: It is missing or damaged.
        UnknownClass: It is not stored as JSON.
    """
    reader = materializers.named(artifact.materializer, artifact.uri, artifact.type)
    if artifact.manifest is not None:
        raise UnknownClass(artifact.type)
    with store.open(artifact.uri, artifact.digest) as file:
        try:
            return reader.show(file, artifact.type)
        except StackfoldError:
            raise
        except Exception as error:
            problem = f"cannot be read: {type(error).__name__}: {error}"
            raise ArtifactDamaged(artifact.uri, problem) from error


def artifact_of(view: ArtifactView) -> Artifact:
    """Return the recorded artifact that a view shows."""
    return Artifact.model_validate({field: getattr(view, field) for field in Artifact.model_fields})
