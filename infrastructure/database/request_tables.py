"""The table of recorded requests: which batches of which deployment are in artifact stores."""

NAME = "recorded_requests"

CREATE = (
    f"CREATE TABLE IF NOT EXISTS {NAME} (deployment TEXT NOT NULL, name TEXT NOT NULL, "
    "uri TEXT NOT NULL, digest TEXT NOT NULL, size BIGINT NOT NULL, first BIGINT NOT NULL, "
    "last BIGINT NOT NULL, requests BIGINT NOT NULL, expires BIGINT NOT NULL, store TEXT NOT NULL, "
    "PRIMARY KEY (deployment, name))"
)
"""Times are milliseconds since 1970."""

FIND = {
    True: "SELECT 1 FROM pg_tables WHERE tablename = ? AND schemaname = current_schema()",
    False: "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
}
"""Whether the log is shared → a SELECT that yields a row if there is a table of a name."""
