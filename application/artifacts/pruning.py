"""Pruning: deletes artifacts that no run or deployment refers to."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, cast

from stackfold.application.artifacts.artifact_views import ArtifactQueries, RecordedStore
from stackfold.application.artifacts.folders import address_of, read_manifest
from stackfold.application.ports import ArtifactStore
from stackfold.application.stacks.flavors import Flavors
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.errors import NotFound, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType

_TYPE = ComponentType.ARTIFACT_STORE


class PrunedStore(NamedTuple):
    """What was deleted from one artifact store."""

    store: str
    """Its current and former names, separated by commas."""
    flavor: str
    removed: list[str]
    """The addresses of deleted artifacts, or of those a dry run would delete."""
    size: int
    """Number of bytes freed, including partial files of killed writers."""
    referenced: int
    """Number of artifacts that are referred to."""
    young: int
    """Number of unreferenced artifacts that were written within the grace time."""
    problem: str = ""
    """Why the store was skipped; empty if it was not."""


class Pruning:
    """Deletes unreferenced artifacts."""

    def __init__(self, queries: ArtifactQueries, flavors: Flavors, home: str) -> None:
        """Create the service.

        Args:
            queries: Reads artifact stores and references to artifacts.
            flavors: Builds artifact stores.
            home: The prefix of all addresses in this home.
        """
        self._queries = queries
        self._flavors = flavors
        self._home = home

    def prune(self, names: Sequence[str], dry_run: bool, before: datetime) -> list[PrunedStore]:
        """Prune the named stores, or all in this home; see `Artifacts.prune`."""
        stores = self._queries.stores()
        known = {name for store in stores for name in store.names}
        for name in names:
            if name not in known:
                raise NotFound("artifact store", name, f"there is {', '.join(sorted(known))}")
        return [
            self._pruned(store, bool(names), dry_run, before)
            for store in self._distinct(stores)
            if not names or set(names) & set(store.names)
        ]

    def _distinct(self, stores: Sequence[RecordedStore]) -> list[RecordedStore]:
        """Return the stores with resolved configuration, merging those with equal ones."""
        merged: dict[str, RecordedStore] = {}
        for store in stores:
            with suppress(StackfoldError):  # building it raises the same error
                entry = self._flavors.entry(_TYPE, store.flavor)
                resolved = self._flavors.resolved(entry, store.configuration)
                store = store._replace(configuration=resolved)  # noqa: PLW2901
            key = f"{store.flavor} {canonical_json(store.configuration)}"
            names = [*merged[key].names, *store.names] if key in merged else store.names
            merged[key] = store._replace(names=[*dict.fromkeys(names)])
        return [*merged.values()]

    def _pruned(
        self, used: RecordedStore, by_name: bool, dry_run: bool, before: datetime
    ) -> PrunedStore:
        nothing = PrunedStore(", ".join(used.names), used.flavor, [], 0, 0, 0)
        try:
            store = cast(ArtifactStore, self._flavors.build(_TYPE, used.flavor, used.configuration))
            return self._removed(store, nothing, by_name, dry_run, before)
        except StackfoldError as error:
            return nothing._replace(problem=str(error))

    def _files_of_folders(self, store: ArtifactStore, listed: set[str]) -> set[str]:
        """Return the addresses of the files of all folders whose manifest a store lists.

        Raises:
            ArtifactDamaged: A manifest was changed, so that nothing may be deleted.
        """
        found = set()
        for folder in self._queries.folders():
            uri = store.current_uri(folder.uri)
            if uri in listed:
                manifest = read_manifest(store, uri, folder.digest, folder.size)
                found |= {address_of(each, uri, folder.digest) for each in manifest.objects}
        return found

    def _removed(
        self,
        store: ArtifactStore,
        result: PrunedStore,
        by_name: bool,
        dry_run: bool,
        before: datetime,
    ) -> PrunedStore:
        # List first, then read references: artifacts recorded in between count as referenced.
        listed = [*store.list_artifacts()]
        if not by_name and not all(each.uri.startswith(self._home) for each in listed):
            problem = "lies outside this home, so other homes may refer to it: give its name"
            return result._replace(problem=problem)
        referenced = {store.current_uri(uri) for uri in self._queries.referenced()}
        referenced |= self._files_of_folders(store, {each.uri for each in listed})
        orphans = [each for each in listed if each.uri not in referenced]
        old = [each for each in orphans if each.written < before]
        removed = [each for each in old if dry_run or store.delete(each.uri, before)]
        swept = 0 if dry_run else store.sweep(before)
        return result._replace(
            removed=[each.uri for each in removed],
            size=sum(each.size for each in removed) + swept,
            referenced=len(listed) - len(orphans),
            young=len(orphans) - len(old),
        )
