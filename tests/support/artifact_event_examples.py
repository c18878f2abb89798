"""One example of every event on aliases and notes of artifacts."""

from typing import Any
from uuid import UUID

from stackfold.domain.artifacts.artifact_name import AliasTarget, ArtifactName
from stackfold.domain.artifacts.artifact_note import ArtifactNote
from stackfold.testing import event

A = UUID(int=10)
ALIAS_TARGET = AliasTarget(artifact=A, version=3)
ARTIFACT_FACTS: list[Any] = [
    event(ArtifactName.Registered, name="größe", aliases={"approved": ALIAS_TARGET}),
    event(ArtifactName.AliasSet, alias="数据", target=ALIAS_TARGET),
    event(ArtifactName.AliasRemoved, alias="数据"),
    event(ArtifactName.Deleted),
    event(ArtifactName.Reverted, name="größe", aliases={"approved": ALIAS_TARGET}),
    event(
        ArtifactNote.Registered,
        artifact=A,
        name="dataset@4",
        tags=("team:vision",),
        metadata={"rows": 3},
    ),
    event(ArtifactNote.Changed, tags=("reviewed",), metadata={"rows": 4}),
    event(
        ArtifactNote.Reverted,
        artifact=A,
        name="dataset@4",
        tags=("team:vision",),
        metadata={"rows": 3},
    ),
    event(ArtifactNote.Deleted),
]
