"""Lineage: the steps that an artifact was made by, and those that it was used by."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from stackfold.application.artifacts.artifact_views import LineageStep
from stackfold.infrastructure.database.protocol import Database

_AT_ONCE = 250
"""The largest number of ids in a statement."""

_TAKEN, _MADE = ("in", "used"), ("out", "saved")
"""The directions of what a step took, and of what it made."""

_Step = tuple[str, str]
"""(id of a run, name of a step)"""
_Steps = Callable[[Sequence[str]], Iterator[_Step]]
Item = TypeVar("Item")


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

    def upstream(self, id: str, most: int | None = None) -> list[LineageStep]:
        """The step that produced an artifact, the steps that produced its inputs, and so on.

        Args:
            id: The artifact.
            most: The most steps to return, nearest first; None for all.
        """
        return self._walk(id, self._makers, _TAKEN, most)

    def downstream(self, id: str, most: int | None = None) -> list[LineageStep]:
        """The steps that used an artifact, the steps that used their outputs, and so on.

        Args:
            id: The artifact.
            most: The most steps to return, nearest first; None for all.
        """
        return self._walk(id, self._users, _MADE, most)

    def _walk(
        self, id: str, nearer: _Steps, further: tuple[str, ...], most: int | None
    ) -> list[LineageStep]:
        seen: dict[_Step, int] = {}
        known, level, depth = {id}, [id], 0
        while level and (most is None or len(seen) < most):
            depth += 1
            fresh = [step for step in dict.fromkeys(nearer(level)) if step not in seen]
            if most is not None:
                fresh = fresh[: most - len(seen)]
            seen |= dict.fromkeys(fresh, depth)
            level = [id for id in self._artifacts(fresh, further) if id not in known]
            known.update(level)
        return self._lineage_steps(seen)

    def _makers(self, artifacts: Sequence[str]) -> Iterator[_Step]:
        """The step that produced each artifact; if its run was deleted, one that reused it."""
        missing = dict.fromkeys(artifacts)
        # First by the maker alone: thousands of runs may share an artifact from the cache.
        for only in (" AND f.run = a.run AND f.step = a.step", ""):
            for some in _batches(missing):
                rows = self._database.read(
                    "SELECT f.artifact, f.run, f.step FROM artifacts AS a "
                    "JOIN flows AS f ON f.artifact = a.id "
                    f"AND f.direction IN ('out', 'saved'){only} "
                    f"JOIN runs AS r ON r.id = f.run WHERE a.id IN ({_marks(some)}) "
                    "ORDER BY r.position, f.step",
                    some,
                )
                for artifact, run, step in rows:
                    if artifact in missing:
                        del missing[artifact]
                        yield run, step

    def _users(self, artifacts: Sequence[str]) -> Iterator[_Step]:
        """The steps that used artifacts."""
        for some in _batches(artifacts):
            yield from self._database.read(
                "SELECT f.run, f.step FROM flows AS f JOIN runs AS r ON r.id = f.run "
                f"WHERE f.direction IN ('in', 'used') AND f.artifact IN ({_marks(some)}) "
                "ORDER BY r.position, f.step",
                some,
            )

    def _artifacts(self, steps: Sequence[_Step], directions: tuple[str, ...]) -> list[str]:
        """What steps took or made, in their order."""
        flows = self._flows(steps)
        found = (each for step in steps for each in flows.get(step, ()) if each[0] in directions)
        return [*dict.fromkeys(artifact for _, _, artifact, _ in found)]

    def _flows(self, steps: Iterable[_Step]) -> dict[_Step, list[tuple[str, str, str, str]]]:
        """Step → (direction, name, id, reference) of each of its inputs and outputs."""
        flows: dict[_Step, list[tuple[str, str, str, str]]] = {}
        for some in _batches(steps):
            rows = self._database.read(
                "SELECT f.run, f.step, f.direction, f.name, f.artifact, "
                "coalesce(o.name || '@' || o.version, "
                "a.pipeline || '/' || a.step || '/' || a.name || '@' || a.version) "
                "FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact "
                "LEFT JOIN artifact_versions AS o ON o.artifact = a.id "
                f"WHERE (f.run, f.step) IN (VALUES {_pairs(some)}) ORDER BY f.ordinal, f.name",
                [value for step in some for value in step],
            )
            for run, step, *flow in rows:
                flows.setdefault((run, step), []).append(tuple(flow))
        return flows

    def _lineage_steps(self, depths: Mapping[_Step, int]) -> list[LineageStep]:
        flows = self._flows(depths)
        facts: dict[_Step, list[Any]] = {}
        for some in _batches(depths):
            rows = self._database.read(
                f"WITH w(run, step) AS (VALUES {_pairs(some)}) "
                "SELECT r.id, w.step, r.name, r.pipeline, r.stack, r.stack_revision, r.by, "
                "s.started FROM w JOIN runs AS r ON r.id = w.run "
                # A step that is running has no row yet, but may have saved artifacts.
                "LEFT JOIN steps AS s ON s.run = w.run AND s.name = w.step",
                [value for step in some for value in step],
            )
            facts |= {(run, step): rest for run, step, *rest in rows}
        found = []
        for step, depth in depths.items():
            name, pipeline, stack, revision, by, started = facts[step]
            of_step = flows.get(step, [])
            found.append(
                LineageStep(
                    depth=depth,
                    run=name,
                    step=step[1],
                    pipeline=pipeline,
                    stack=stack,
                    stack_revision=revision,
                    started=started,
                    by=by,
                    inputs={name: artifact for way, name, _, artifact in of_step if way in _TAKEN},
                    outputs=[artifact for way, _, _, artifact in of_step if way in _MADE],
                )
            )
        return found


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Divide items into lists that are short enough for the values of one statement."""
    all_items = [*items]
    for first in range(0, len(all_items), _AT_ONCE):
        yield all_items[first : first + _AT_ONCE]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" for _ in values)


def _pairs(steps: Sequence[_Step]) -> str:
    return ", ".join("(?, ?)" for _ in steps)
