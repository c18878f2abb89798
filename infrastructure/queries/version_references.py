"""References to versions of models, such as "fraud@production", and the runs of a version."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from stackfold.application.eventsourcing.cells import cell
from stackfold.domain.errors import NotFound
from stackfold.domain.models.alias import LATEST
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import marks, valid_at
from stackfold.infrastructure.queries.run_rows import parts

COMPLETED = ("completed", "archived")
"""The statuses of versions whose run has completed."""
_ANY = (*COMPLETED, "open")
_NUMBER = re.compile(r"v?(\d{1,18})")


class FoundVersion(NamedTuple):
    """A version of a model."""

    id: str
    number: int
    run: str
    """The id of the run that made it."""
    promoted: bool
    """Whether it was named by an alias."""


class VersionRun(NamedTuple):
    """A run that made or continued a version."""

    id: str
    name: str
    pipeline: str
    completed: bool


def find_version(
    database: Database,
    model: str,
    which: str,
    as_of: int | None = None,
    statuses: Sequence[str] = COMPLETED,
) -> FoundVersion | None:
    """A version of the model with a name; None if there is no such model.

    Args:
        database: Holds the read models.
        model: The name of the model.
        which: A number, "latest", an alias, or the name of a version, in this order.
        as_of: A position; None for now.
        statuses: The statuses that the version may have; "latest" has always completed.

    Raises:
        NotFound: The model has no such version.
    """
    source, parameters = valid_at("models", as_of)
    models = database.read(f"SELECT t.id, t.aliases {source} AND t.name = ?", [*parameters, model])
    if not models:
        return None
    ((id, aliases),) = models
    targets = cell(aliases)
    digits = _NUMBER.fullmatch(which)
    condition: str = "t.label = ?"
    value: str | int = which
    if which == LATEST:
        condition, value, statuses = "t.number > ?", 0, COMPLETED
    elif digits:
        condition, value = "t.number = ?", int(digits[1])
    elif which in targets:
        condition, value = "t.number = ?", targets[which]["number"]
    source, parameters = valid_at("model_versions", as_of)
    rows = database.read(
        f"SELECT t.id, t.number, t.run {source} AND t.model = ? AND {condition} "
        f"AND t.status IN ({marks(statuses)}) ORDER BY t.number DESC LIMIT 1",
        [*parameters, id, value, *statuses],
    )
    if not rows or not which:
        known = ", ".join([LATEST, *targets])
        raise NotFound("model version", f"{model}@{which}", f"give a number or one of {known}")
    promoted = any(target["number"] == rows[0][1] for target in targets.values())
    return FoundVersion._make([*rows[0], promoted])


def existing_version(database: Database, model: str, which: str) -> FoundVersion:
    """A version that may be open; raises as `find_version`, and if there is no such model."""
    found = find_version(database, model, which, statuses=_ANY)
    if found is None:
        raise NotFound("model", model, "the first run of a pipeline with it registers it")
    return found


def runs_of_versions(
    database: Database, versions: Sequence[str], as_of: int | None = None
) -> dict[str, list[VersionRun]]:
    """The runs that made or continued each of some versions, in the order in which they started.

    Args:
        database: Holds the read models.
        versions: The ids of the versions.
        as_of: A position; None for now.
    """
    found: dict[str, list[VersionRun]] = {id: [] for id in versions}
    ended, upto, then = "", "", []
    if as_of is not None:
        ended = " AND ended <= (SELECT recorded_at FROM events WHERE position = ?)"
        upto = " AND position <= ? AND NOT EXISTS (SELECT 1 FROM events AS e WHERE "
        upto += "e.originator_id = runs.id AND e.topic = 'run.model_linked' AND e.position > ?)"
        then = [as_of]
    for part in parts(versions):
        rows = database.read(
            "SELECT model_version, id, name, pipeline, CASE WHEN status = 'completed'"
            f"{ended} THEN 1 ELSE 0 END FROM runs WHERE model_version IN ({marks(part)})"
            f"{upto} ORDER BY position",
            [*then, *part, *then, *then],
        )
        for version, *run, completed in rows:
            found[version].append(VersionRun._make([*run, bool(completed)]))
    return found
