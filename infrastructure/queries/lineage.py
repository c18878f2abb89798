"""Walking from an artifact to those that it was made of, and to those that were made of it."""

from collections.abc import Iterable, Iterator

from stackfold.application.artifacts.artifact_views import LineageStep
from stackfold.infrastructure.database.protocol import Database

_AT_ONCE = 500
"""How many ids one statement names."""

_Step = tuple[str, str]
"""A run's id, and a step of it."""


class Lineages:
    """Lineage goes by the ids that runs recorded, not by digests.

    That two steps have made the same bytes, such as the number 1, does not mean that one was made
    of the other's. An artifact from the cache has one id in all the runs that share it.
    """

    def __init__(self, database: Database) -> None:
        """Ask `database`, in one state of it."""
        self._database = database

    def upstream(self, id: str) -> list[LineageStep]:
        """The step that made an artifact, those that made what that took, and so on."""
        return self._walk(id, "out", "in")

    def downstream(self, id: str) -> list[LineageStep]:
        """The steps that took an artifact, those that took what they made, and so on."""
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
        return [self._told(*step, depth) for step, depth in seen.items()]

    def _steps(self, artifacts: Iterable[str], direction: str) -> Iterator[_Step]:
        """The steps into which artifacts flowed, or for each the one out of which it came."""
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
                "ORDER BY place",
                [run, step, direction],
            )
            yield from (artifact for (artifact,) in rows)

    def _told(self, run: str, step: str, depth: int) -> LineageStep:
        ((name, pipeline, stack, revision, by, started),) = self._database.read(
            "SELECT r.name, r.pipeline, r.stack, r.stack_revision, r.by, s.started FROM runs AS r "
            "JOIN steps AS s ON s.run = r.id WHERE r.id = ? AND s.name = ?",
            [run, step],
        )
        flows = self._database.read(
            "SELECT f.direction, f.name, "
            "a.pipeline || '/' || a.step || '/' || a.name || '@' || a.version "
            "FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact "
            "WHERE f.run = ? AND f.step = ? ORDER BY f.place, f.name",
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
