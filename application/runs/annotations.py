"""Adds tags and metadata to runs and their steps, while they run or later."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from stackfold.application.eventsourcing.repository import Repository
from stackfold.domain.errors import Unrecordable
from stackfold.domain.limits import METADATA, must_fit
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.run import Run
from stackfold.domain.runs.tags import valid_tag


def tag(
    repository: Repository,
    run: str,
    step: str | None,
    add: Iterable[str],
    remove: Iterable[str],
    why: str,
) -> None:
    """Add and remove tags of the run with the id `run`, or of a step; raises as `Runs.tag`."""
    removed = (unicodedata.normalize("NFC", tag) for tag in remove)
    tags = {valid_tag(tag): True for tag in add} | dict.fromkeys(removed, False)
    _annotate(repository, run, step, tags, {}, why)


def log_metadata(
    repository: Repository, run: str, step: str | None, metadata: Mapping[str, Any], why: str
) -> None:
    """Add metadata to the run with the id `run`, or to a step; raises as `Runs.log_metadata`."""
    try:
        known = valid_metadata(metadata)
    except ValueError as error:
        topic = Run.Annotated.TOPIC if step is None else Run.StepAnnotated.TOPIC
        raise Unrecordable(topic, f"the metadata {error}") from None
    for name, value in known.items():
        must_fit(f"metadata {name!r:.80}", value, METADATA)
    _annotate(repository, run, step, {}, known, why)


def _annotate(
    repository: Repository,
    run: str,
    step: str | None,
    tags: dict[str, bool],
    metadata: dict[str, JsonValue],
    why: str,
) -> None:
    def command() -> list[Run]:
        found = repository.load(Run, run)
        if step is None:
            found.annotate(tags, metadata)
        else:
            found.annotate_step(step, tags, metadata)
        return [found]

    # After a lost race it is decided again: what others record of the run stays.
    repository.attempt(command, why)
