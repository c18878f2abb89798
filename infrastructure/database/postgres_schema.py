"""The schema, functions and triggers of a log in PostgreSQL."""

import hashlib

DEFAULT = "stackfold"
"""The name of the schema if the address gives none."""

_WRITE_LOCK = int.from_bytes(b"stackfol", "big")
_CLAIMS = 0x5354464C

REJECT_CHANGES = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$
"""
_CLAIM = """
CREATE FUNCTION claim_of(run text) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(replace(run, '-', ''), 1, 8))::bit(32)::integer $$
"""

LIVE_STEPS = (
    "CREATE UNLOGGED TABLE IF NOT EXISTS live_steps (run TEXT NOT NULL, step TEXT NOT NULL, "
    "started TEXT NOT NULL, before BIGINT NOT NULL, output TEXT NOT NULL, "
    "shown TIMESTAMPTZ NOT NULL, PRIMARY KEY (run, step))"
)
"""The table of the steps that are running now, which is neither log nor read model."""

APPEND_ONLY = (
    "CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
    "FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
    "CREATE TRIGGER events_are_announced AFTER INSERT ON events "
    "FOR EACH STATEMENT EXECUTE FUNCTION announce()",
)


class LogSchema:
    """The schema of a log, and the names and locks of that log, which no other log shares."""

    def __init__(self, name: str, own: str | None = None) -> None:
        """Derive the names.

        Args:
            name: The name of the schema: lower-case letters, digits and underscores.
            own: The schema for tables of programs; None for those of the role's search path.
        """
        self.name = name
        self.quoted = f'"{name}"'
        self.own = own
        default = name == DEFAULT
        digest = hashlib.sha256(name.encode()).digest()
        self.channel = DEFAULT if default else f"{DEFAULT}_{name}"
        """The channel that is notified when events are committed."""
        self.write_lock = _WRITE_LOCK if default else int.from_bytes(digest[:8], signed=True)
        """The write lock. An advisory lock needs no rights to the tables and does not block
        readers."""
        self.claims = _CLAIMS if default else int.from_bytes(digest[8:12]) >> 1
        """The first half of the key of the advisory locks that claim runs; the second is derived
        from the id of the run."""
        self.has_access = (
            "SELECT coalesce(bool_and(has_schema_privilege(oid, 'USAGE')), true) "
            f"FROM pg_namespace WHERE nspname = '{name}'"
        )
        """Selects whether the user has rights to the schema; true if there is no schema."""
        self.announce = f"""
CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('{self.channel}', ''); RETURN NULL; END $$
"""
        claimed = f"""
CREATE FUNCTION run_is_claimed(run text) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = {self.claims}
    AND objid::bigint = claim_of(run)::bigint & 4294967295
) $$
"""
        self.before_tables = (
            "CREATE TABLE version (form INTEGER NOT NULL)",
            REJECT_CHANGES,
            self.announce,
            _CLAIM,
            claimed,
            LIVE_STEPS,
        )

    @property
    def own_search_path(self) -> str:
        """A statement that makes tables of programs found until the transaction ends."""
        if self.own:
            return f'SET LOCAL search_path TO "{self.own}"'
        return (
            "SELECT set_config('search_path', reset_val, true) FROM pg_settings "
            "WHERE name = 'search_path'"
        )
