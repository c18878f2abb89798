"""Lineage: the steps that an artifact was made by, and those that it was used by."""

from collections.abc import Iterable, Iterator

from stackfold.application.artifacts.artifact_views import LineageStep
from stackfold.infrastructure.database.protocol import Database

_AT_ONCE = 500
"""The largest number of ids in a statement."""

_Step = tuple[str, str]
"""(id of a run, name of a step)"""


class Lineages:
    """Follows artifacts by the ids that runs recorded, not by digests: see decision 0014.

    Two steps may produce the same bytes, such as the number 1, independently of each other. An
    artifact from the cache has one id in all runs that share it.
    """

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read models, read in one state.
        """
        self._database = database

    def upstream(self, id: str) -> list[LineageStep]:
        """The step that produced an artifact, the steps that produced its inputs, and so on."""
        return self._walk(id, "out", "in")

    def downstream(self, id: str) -> list[LineageStep]:
        """The steps that used an artifact, the steps that used their outputs, and so on."""
        return self._walk(id, "in", "out")

    def _walk(self, id: str, nearer: str, further: str) -> list[LineageStep]:
        seen: dict[_Step, int] = {}
        known, level, depth = {id}, [id], 0
        while level:
            depth += 1
            steps = dict.fromkeys(self._steps(level, nearer))
            fresh = [step for step in steps if step not in seen]
            seen |= dict.fromkeys(fresh, depth)
            level = [id for id in dict.fromkeys(self._artifacts(fresh, further)) if id not in known]
            known.update(level)
        return [self._lineage_step(*step, depth) for step, depth in seen.items()]

    def _steps(self, artifacts: Iterable[str], direction: str) -> Iterator[_Step]:
        """The steps that used artifacts ("in"), or the step that produced each ("out")."""
        ids = [*artifacts]
        for first in range(0, len(ids), _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            rows = self._database.read(
                "SELECT f.artifact, f.run, f.step FROM flows AS f "
                "JOIN artifacts AS a ON a.id = f.artifact JOIN runs AS r ON r.id = f.run "
                f"WHERE f.direction = ? AND f.artifact IN ({', '.join('?' for _ in some)}) "
                "ORDER BY CASE WHEN a.run = f.run AND a.step = f.step THEN 0 ELSE 1 END, "
                "r.position, f.step",
                [direction, *some],
            )
            made = set()
            for artifact, run, step in rows:
                if direction == "in" or artifact not in made:
                    made.add(artifact)
                    yield run, step

    def _artifacts(self, steps: Iterable[_Step], direction: str) -> Iterator[str]:
        for run, step in steps:
            rows = self._database.read(
                "SELECT artifact FROM flows WHERE run = ? AND step = ? AND direction = ? "
                "ORDER BY ordinal",
                [run, step, direction],
            )
            yield from (artifact for (artifact,) in rows)

    def _lineage_step(self, run: str, step: str, depth: int) -> LineageStep:
        ((name, pipeline, stack, revision, by, started),) = self._database.read(
            "SELECT r.name, r.pipeline, r.stack, r.stack_revision, r.by, s.started FROM runs AS r "
            "JOIN steps AS s ON s.run = r.id WHERE r.id = ? AND s.name = ?",
            [run, step],
        )
        flows = self._database.read(
            "SELECT f.direction, f.name, "
            "a.pipeline || '/' || a.step || '/' || a.name || '@' || a.version "
            "FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact "
            "WHERE f.run = ? AND f.step = ? ORDER BY f.ordinal, f.name",
            [run, step],
        )
        return LineageStep(
            depth=depth,
            run=name,
            step=step,
            pipeline=pipeline,
            stack=stack,
            stack_revision=revision,
            started=started,
            by=by,
            inputs={name: artifact for way, name, artifact in flows if way == "in"},
            outputs=[artifact for way, _, artifact in flows if way == "out"],
        )
