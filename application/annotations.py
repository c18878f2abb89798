"""What somebody says about a run, while it runs or later."""

from collections.abc import Iterable, Mapping
from typing import Any

from stackfold.application.ledger import Ledger
from stackfold.domain.errors import Unrecordable
from stackfold.domain.name import valid_name
from stackfold.domain.recordable import unrecordable
from stackfold.domain.run import Run


def tag(ledger: Ledger, run: str, add: Iterable[str], remove: Iterable[str], why: str) -> None:
    """Add tags to the run with that id, and remove others; raises as `Runs.tag`."""
    tags = {valid_name("tag", tag): True for tag in add} | dict.fromkeys(remove, False)
    ledger.change(Run, run, lambda run: run.annotate(tags, {}), why)


def log_metadata(ledger: Ledger, run: str, metadata: Mapping[str, Any], why: str) -> None:
    """Add to what is known of the run with that id; raises as `Runs.log_metadata`."""
    known = dict(metadata)
    problem = unrecordable(known)
    if problem:
        raise Unrecordable(Run.Annotated.TOPIC, f"the metadata is or holds {problem}")
    ledger.change(Run, run, lambda run: run.annotate({}, known), why)
