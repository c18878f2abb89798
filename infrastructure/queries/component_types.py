"""The component types that the log mentions."""

import json

from stackfold.application.stacks.component_types import RecordedTypes
from stackfold.infrastructure.database.protocol import Database


def recorded_types(database: Database) -> RecordedTypes:
    """The component types that the log mentions, also those that nothing declares here."""

    def names() -> list[str]:
        rows = database.read(
            "SELECT type FROM components UNION SELECT type FROM flavors ORDER BY type"
        )
        return [name for (name,) in rows]

    def package(name: str) -> str | None:
        for table in ("components", "flavors"):
            rows = database.read(
                f"SELECT e.state FROM {table} AS t JOIN events AS e ON e.position = t.since "
                "WHERE t.type = ? ORDER BY t.since DESC",
                (name,),
            )
            for (state,) in rows:
                recorded = json.loads(bytes(state)).get("package")
                if isinstance(recorded, str):
                    return recorded
        return None

    return RecordedTypes(names, package)
