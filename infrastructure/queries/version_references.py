"""References to versions of models, such as "fraud@production", where artifacts are named."""

from stackfold.application.eventsourcing.cells import cell
from stackfold.domain.errors import NotFound
from stackfold.domain.models.alias import LATEST
from stackfold.infrastructure.database.protocol import Database

COMPLETED = ("completed", "archived")
"""The statuses of versions whose run has completed."""

MAIN = "model"
"""The tag of the artifact that a version stands for, if it has several."""


def run_of_version(database: Database, model: str, which: str) -> str | None:
    """The id of the run that made a version of a model; None if there is no such model.

    Args:
        database: Holds the read models.
        model: The name of the model.
        which: A number, an alias or "latest".

    Raises:
        NotFound: The model has no such completed version.
    """
    models = database.read(
        "SELECT id, aliases FROM models WHERE until IS NULL AND name = ?", [model]
    )
    if not models:
        return None
    ((id, aliases),) = models
    targets = cell(aliases)
    digits = which.removeprefix("v")
    condition, values = "number = ?", [-1]
    if which == LATEST:
        condition, values = "number > ?", [0]
    elif digits.isdecimal() and len(digits) < 19:
        values = [int(digits)]
    elif which in targets:
        values = [targets[which]["number"]]
    rows = database.read(
        f"SELECT run FROM model_versions WHERE until IS NULL AND model = ? AND {condition} "
        "AND status IN (?, ?) ORDER BY number DESC LIMIT 1",
        [id, *values, *COMPLETED],
    )
    if not rows:
        known = ", ".join([LATEST, *targets])
        raise NotFound("model version", f"{model}@{which}", f"give a number or one of {known}")
    return str(rows[0][0])
