"""Parts of the SQL for artifacts `t`, their own names `o` and what was noted of them later."""

from stackfold.application.artifacts.artifact_views import NamedArtifact

PATH = "t.pipeline || '/' || t.step || '/' || t.name"
NAME = f"coalesce(o.name, {PATH})"
FROM = (
    "FROM artifacts AS t LEFT JOIN artifact_versions AS o ON o.artifact = t.id "
    "LEFT JOIN artifact_notes AS note ON note.artifact = t.id AND note.until IS NULL"
)
COLUMNS = {
    **{field: f"t.{field}" for field in (*NamedArtifact._fields, "position", "pipeline", "step")},
    "name": NAME,
    "version": "coalesce(o.version, t.version)",
    "label": "coalesce(o.label, '')",
    "tags": "coalesce(note.tags, t.tags)",
    "output": "t.name",
    # An expression, so that the index by pipeline is not used, which has another order.
    "pipeline": "t.pipeline || ''",
}
VIEW = {**COLUMNS, "output": f"CASE WHEN t.pipeline = '' THEN '' ELSE {PATH} END"}
SELECT = f"SELECT {', '.join(VIEW[field] for field in NamedArtifact._fields)} {FROM}"
MADE = "direction IN ('out', 'saved', 'given')"
EXISTS = f"EXISTS (SELECT 1 FROM flows WHERE artifact = t.id AND {MADE})"
"""An artifact exists as long as a step of an existing run returned or saved it.

One that no run made flows out of its own record.
"""
RETURNED = "EXISTS (SELECT 1 FROM flows WHERE artifact = t.id AND direction = 'out')"

NAMES = "SELECT DISTINCT pipeline, step, name FROM artifacts"
NEWEST_UP_TO = (
    "SELECT l.id FROM artifacts AS l WHERE l.pipeline = n.pipeline AND l.step = n.step "
    "AND l.name = n.name AND EXISTS "
    f"(SELECT 1 FROM flows WHERE artifact = l.id AND {MADE}) "
    "{upto}ORDER BY l.version DESC LIMIT 1"
)
"""The latest version of the output in `n`, in one seek, whatever the number of versions."""
NEWEST_OWN = (
    "SELECT (SELECT l.artifact FROM artifact_versions AS l WHERE l.name = n.name AND EXISTS "
    f"(SELECT 1 FROM flows WHERE artifact = l.artifact AND {MADE}) "
    "{upto}ORDER BY l.version DESC LIMIT 1) "
    "FROM (SELECT DISTINCT name FROM artifact_versions) AS n"
)
"""The latest version of each own name."""
