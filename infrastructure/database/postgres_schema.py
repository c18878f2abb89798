"""The schema, functions and triggers of a log in PostgreSQL."""

SCHEMA_NAME = "stackfold"

CHANNEL = "stackfold"
"""The channel that is notified when events are committed."""

CLAIMS = 0x5354464C
"""The first half of the key of the advisory locks that claim runs; the second is derived from
the id of the run."""

HAS_ACCESS = (
    f"SELECT coalesce(bool_and(has_schema_privilege(oid, 'USAGE')), true) FROM pg_namespace "
    f"WHERE nspname = '{SCHEMA_NAME}'"
)
"""Selects whether the user has rights to the schema; true if there is no schema."""

REJECT_CHANGES = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the log is append-only'; END $$
"""
ANNOUNCE = f"""
CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('{CHANNEL}', ''); RETURN NULL; END $$
"""
_CLAIM = """
CREATE FUNCTION claim_of(run text) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(replace(run, '-', ''), 1, 8))::bit(32)::integer $$
"""
_CLAIMED = f"""
CREATE FUNCTION run_is_claimed(run text) RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = {CLAIMS}
    AND objid::bigint = claim_of(run)::bigint & 4294967295
) $$
"""

BEFORE_TABLES = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA_NAME}",
    "CREATE TABLE version (form INTEGER NOT NULL)",
    REJECT_CHANGES,
    ANNOUNCE,
    _CLAIM,
    _CLAIMED,
)

APPEND_ONLY = (
    "CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
    "FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
    "CREATE TRIGGER events_are_announced AFTER INSERT ON events "
    "FOR EACH STATEMENT EXECUTE FUNCTION announce()",
)
