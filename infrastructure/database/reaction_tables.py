"""The tables with the state of reactions: no read models, since no event says what was handled.

They are created by the first reaction that is run. A rebuild leaves them as they are, and no export
or fork contains them.
"""

NAMES = ("reactions", "reaction_failures")

CREATE = (
    "CREATE TABLE IF NOT EXISTS reactions (name TEXT PRIMARY KEY, head TEXT NOT NULL, "
    "topics TEXT NOT NULL, updated INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS reaction_failures (reaction TEXT NOT NULL, "
    "position INTEGER NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, "
    "due INTEGER NOT NULL, error TEXT NOT NULL, PRIMARY KEY (reaction, position))",
)
"""Times are milliseconds since 1970."""
