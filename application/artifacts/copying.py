"""Copies the objects of a stored artifact from one store to another."""

from typing import BinaryIO

from stackfold.application.artifacts.folders import address_of, read_manifest
from stackfold.application.ports import ArtifactStore, StoredArtifact
from stackfold.domain.runs.artifact import Artifact

_PART = 2**20


def copy_objects(artifact: Artifact, source: ArtifactStore, target: ArtifactStore) -> str:
    """Copy the bytes of an artifact, of a folder all its files; return the new address.

    Args:
        artifact: The artifact.
        source: The store that contains it.
        target: The store that it is copied to.

    Raises:
        ArtifactDamaged: An object is missing or was changed.
        ArtifactStoreUnavailable: A store cannot be reached.
    """
    uri, digest = artifact.uri, artifact.digest
    if artifact.manifest is not None:
        # The list of files last: what it names exists by then.
        for each in read_manifest(source, uri, digest, artifact.manifest).objects:
            with source.open(address_of(each, uri, digest), each) as file:
                _write(file, target)
    with source.open(uri, digest) as file:
        return _write(file, target).uri


def _write(file: BinaryIO, target: ArtifactStore) -> StoredArtifact:
    with target.create() as written:
        while part := file.read(_PART):
            written.write(part)
    return written.stored
