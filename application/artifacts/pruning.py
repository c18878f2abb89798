"""Pruning: removing from artifact stores what no run or deployment refers to any more."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, cast

from stackfold.application.artifacts.artifact_views import ArtifactQueries, RecordedStore
from stackfold.application.ports import ArtifactStore
from stackfold.application.stacks.flavors import Flavors
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.errors import NotFound, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType

_TYPE = ComponentType.ARTIFACT_STORE


class PrunedStore(NamedTuple):
    """What became of one artifact store."""

    store: str
    """What it is or was called; several names for one place are separated by commas."""
    flavor: str
    removed: list[str]
    """The addresses of what was removed, or would be."""
    size: int
    """How many bytes those were, with what killed writers had left behind."""
    kept: int
    """How many artifacts are still referred to."""
    young: int
    """How many are not, but may be about to be."""
    problem: str = ""
    """Why it was left alone; empty if it was not."""


class Pruning:
    """Removes what nobody refers to."""

    def __init__(self, queries: ArtifactQueries, flavors: Flavors, home: str) -> None:
        """Prune the stores that `queries` know, built by `flavors`.

        Args:
            queries: What tells the stores, and what is referred to.
            flavors: What builds stores.
            home: The address that everything in this home begins with.
        """
        self._queries = queries
        self._flavors = flavors
        self._home = home

    def prune(self, names: Sequence[str], dry_run: bool, before: datetime) -> list[PrunedStore]:
        """Prune some stores, or all that are this home's own; see `Artifacts.prune`."""
        stores = self._queries.stores()
        known = {name for store in stores for name in store.names}
        for name in names:
            if name not in known:
                raise NotFound("artifact store", name, f"there is {', '.join(sorted(known))}")
        return [
            self._pruned(place, bool(names), dry_run, before)
            for place in self._places(stores)
            if not names or set(names) & set(place.names)
        ]

    def _places(self, stores: Sequence[RecordedStore]) -> list[RecordedStore]:
        """The stores with every default filled in, each place once."""
        places: dict[str, RecordedStore] = {}
        for store in stores:
            with suppress(StackfoldError):  # which building it will tell
                entry = self._flavors.entry(_TYPE, store.flavor)
                resolved = self._flavors.resolved(entry, store.configuration)
                store = store._replace(configuration=resolved)  # noqa: PLW2901
            key = f"{store.flavor} {canonical_json(store.configuration)}"
            names = [*places[key].names, *store.names] if key in places else store.names
            places[key] = store._replace(names=[*dict.fromkeys(names)])
        return [*places.values()]

    def _pruned(
        self, used: RecordedStore, by_name: bool, dry_run: bool, before: datetime
    ) -> PrunedStore:
        nothing = PrunedStore(", ".join(used.names), used.flavor, [], 0, 0, 0)
        try:
            store = cast(ArtifactStore, self._flavors.build(_TYPE, used.flavor, used.configuration))
            return self._removed(store, nothing, by_name, dry_run, before)
        except StackfoldError as error:
            return nothing._replace(problem=str(error))

    def _removed(
        self,
        store: ArtifactStore,
        told: PrunedStore,
        by_name: bool,
        dry_run: bool,
        before: datetime,
    ) -> PrunedStore:
        # What is there first, and then what is referred to: what is recorded in between counts.
        there = [*store.list_artifacts()]
        if not by_name and not all(each.uri.startswith(self._home) for each in there):
            problem = "lies outside this home, so that others may refer to it: give its name"
            return told._replace(problem=problem)
        referenced = {store.current_uri(uri) for uri in self._queries.referenced()}
        orphans = [each for each in there if each.uri not in referenced]
        old = [each for each in orphans if each.written < before]
        removed = [each for each in old if dry_run or store.delete(each.uri, before)]
        swept = 0 if dry_run else store.sweep(before)
        return told._replace(
            removed=[each.uri for each in removed],
            size=sum(each.size for each in removed) + swept,
            kept=len(there) - len(orphans),
            young=len(orphans) - len(old),
        )
