"""The table with the checkpoint of each projection, beside the tables of the projections."""

from stackfold.application.eventsourcing.custom_projection import Execute
from stackfold.infrastructure.eventstore.hash_chain import Checkpoint, parse_head
from stackfold.infrastructure.projections.stores import ProjectionStore

TABLE = "stackfold_checkpoints"
_CREATE = f"CREATE TABLE IF NOT EXISTS {TABLE} (projection TEXT PRIMARY KEY, head TEXT NOT NULL)"


def checkpoint_of(execute: Execute, name: str, store: ProjectionStore) -> Checkpoint | None:
    """The checkpoint of a projection, whose table is created if it is missing.

    Args:
        execute: Executes statements in a transaction.
        name: The projection.
        store: The store of the transaction.

    Returns:
        The checkpoint; None if the projection has none yet.
    """
    if not execute(store.find_table, (TABLE,)):
        execute(store.lock_tables, ())
        execute(_CREATE, ())
        return None
    rows = execute(f"SELECT head FROM {TABLE} WHERE projection = ?", (name,))
    return parse_head(rows[0][0]) if rows else None


def save_checkpoint(execute: Execute, name: str, checkpoint: Checkpoint) -> None:
    """Record how far a projection was applied, in the transaction that applies it."""
    execute(
        f"INSERT INTO {TABLE} VALUES (?, ?) ON CONFLICT (projection) DO UPDATE "
        "SET head = excluded.head",
        (name, str(checkpoint)),
    )
