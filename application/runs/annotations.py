"""Adds tags and metadata to runs, while they run or later."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from stackfold.application.eventsourcing.repository import Repository
from stackfold.domain.errors import Unrecordable
from stackfold.domain.limits import METADATA, must_fit
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.run import Run
from stackfold.domain.runs.tags import valid_tag


def tag(
    repository: Repository, run: str, add: Iterable[str], remove: Iterable[str], why: str
) -> None:
    """Add and remove tags of the run with the id `run`; raises as `Runs.tag`."""
    removed = (unicodedata.normalize("NFC", tag) for tag in remove)
    tags = {valid_tag(tag): True for tag in add} | dict.fromkeys(removed, False)
    repository.change(Run, run, lambda run: run.annotate(tags, {}), why)


def log_metadata(repository: Repository, run: str, metadata: Mapping[str, Any], why: str) -> None:
    """Add metadata to the run with the id `run`; raises as `Runs.log_metadata`."""
    try:
        known = valid_metadata(metadata)
    except ValueError as error:
        raise Unrecordable(Run.Annotated.TOPIC, f"the metadata {error}") from None
    for name, value in known.items():
        must_fit(f"metadata {name!r:.80}", value, METADATA)
    repository.change(Run, run, lambda run: run.annotate({}, known), why)
