"""Relative references of runs: `latest`, `failed`, `good` or a pipeline, and `~N` for earlier ones.

The name or id of a run comes first, then the name of a pipeline, then a word, then a prefix.
"""

from stackfold.domain.errors import NotFound
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.text import encodable

WORDS = {
    "latest": "true",
    "failed": "status = 'failed'",
    "good": "status = 'completed'",
}
"""Word → the condition for the runs that it means the latest of."""

NO_RUN_YET = {
    "latest": "nothing has run yet",
    "failed": "no run has failed",
    "good": "no run has completed yet",
}
"""Word → why it means no run."""

_MOST_DIGITS = 18


def relative_run(database: Database, reference: str, pipeline: str | None = None) -> str | None:
    """The id of the run that a relative reference means; None if the reference is none.

    It is none if a run has this name or id, or if neither a pipeline nor a word is called so.

    Args:
        database: Holds the read models.
        reference: What was given for a run.
        pipeline: Only runs of this pipeline; None for all.

    Raises:
        NotFound: There are not so many runs.
    """
    reference = encodable(reference)
    if database.read("SELECT 1 FROM runs WHERE id = ? OR name = ? LIMIT 1", (reference, reference)):
        return None
    which, back = _parsed(reference)
    values: tuple[str, ...] = ()
    if database.read("SELECT 1 FROM runs WHERE pipeline = ? LIMIT 1", (which,)):
        condition, values = "pipeline = ?", (which,)
    elif which in WORDS:
        condition = WORDS[which]
    else:
        return None
    if pipeline is not None:
        condition, values = f"pipeline = ? AND {condition}", (pipeline, *values)
    rows = database.read(
        f"SELECT id FROM runs WHERE {condition} ORDER BY position DESC LIMIT 1 OFFSET ?",
        (*values, back),
    )
    if rows:
        return str(rows[0][0])
    if back:
        ((count,),) = database.read(f"SELECT count(*) FROM runs WHERE {condition}", values)
        raise NotFound("run", reference, f"{which!r} has {count} to count back from")
    return None


def _parsed(reference: str) -> tuple[str, int]:
    """What the latest run is wanted of, and how many runs before it."""
    which, _, number = reference.rpartition("~")
    if which and number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS:
        return which, int(number)
    return reference, 0
