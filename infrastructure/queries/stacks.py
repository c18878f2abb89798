"""Queries for stacks, components, flavors and activations, in plain SQL."""

from collections.abc import Callable, Sequence
from typing import Any

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.cells import mapping, mappings
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.queries import (
    ComponentRevision,
    StoredComponent,
    StoredFlavor,
    StoredStack,
)
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import Ambiguous, NotFound, NotInStack
from stackfold.domain.stacks.component_type import ComponentType, in_order
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.artifact_uses import uses_of_artifact
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lookup import find, find_row, marks, table_of, valid_at
from stackfold.infrastructure.queries.scope import EVERYWHERE, Scope

_STACK_COLUMNS = {
    "id": "t.id",
    "name": "t.name",
    "revision": "t.revision",
    "description": "t.description",
    "created": "t.created",
    "updated": "t.updated",
    "by": "t.by",
}
_COMPONENT_COLUMNS = {
    "id": "t.id",
    "name": "t.name",
    "type": "t.type",
    "flavor": "t.flavor",
    "revision": "t.revision",
    "created": "t.created",
    "updated": "t.updated",
    "by": "t.by",
}
_STACK = (
    "SELECT t.id, t.name, t.revision, t.description, t.labels, t.components, t.created, "
    "t.updated, t.by"
)
_COMPONENT = (
    "SELECT t.id, t.name, t.type, t.flavor, t.revision, t.configuration, t.labels, t.created, "
    "t.updated, t.by"
)

_NAMED = {
    "model": "SELECT 1 FROM models WHERE until IS NULL AND name = ?",
    "artifact": "SELECT 1 FROM artifact_versions AS o JOIN flows AS f ON f.artifact = o.artifact "
    "WHERE o.name = ? AND f.direction IN ('out', 'saved', 'given') LIMIT 1",
}


class SqlQueries:
    """Implements the queries of `application.stacks.queries`."""

    def __init__(self, database: Database, scope: Callable[[], Scope] = lambda: EVERYWHERE) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
            scope: Returns what determines the active stack.
        """
        self._database = database
        self._scope = scope

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        return position_of(self._database, as_of)

    @one_state
    def stacks(self, listing: Listing = ALL, as_of: int | None = None) -> list[StackView]:
        """The existing stacks that match a listing."""
        source, parameters = valid_at("stacks", as_of)
        wanted = listing_clauses(listing, _STACK_COLUMNS)
        rows = self._database.read(
            f"{_STACK} {source}{wanted.where}{wanted.tail}", [*parameters, *wanted.parameters]
        )
        return self._stack_views(rows, as_of)

    @one_state
    def stack(self, reference: str, as_of: int | None = None) -> StackView:
        """The stack with a name, id or unique prefix."""
        return self._stack_by_id(self.find_stack(reference, as_of).id, as_of)

    @one_state
    def stack_by_id(self, id: str, as_of: int | None = None) -> StackView:
        """The stack with an id; takes the same time however many stacks exist."""
        return self._stack_by_id(id, as_of)

    @one_state
    def active_stack(self, as_of: int | None = None) -> StackView:
        """The active stack."""
        return self._stack_by_id(self._active(as_of), as_of)

    def previous_stack(self) -> Reference:
        """The stack that was active before the active one.

        Raises:
            NotFound: There was none, or it was deleted.
        """
        scope = self._scope()
        rows = self._database.read(
            "SELECT stack FROM activations WHERE scope = ? ORDER BY since DESC LIMIT 2",
            [scope.own],
        )
        if len(rows) == 1 and scope.user:
            # Before the first activation of a user, the stack of the outer scopes was active.
            rows.append((self._chosen(scope.all[1:], None),))
        if len(rows) < 2:
            raise NotFound("stack", "-", "no stack was active before this one")
        return self.find_stack(rows[1][0])

    def find_stack(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a stack."""
        return find(self._database, "stacks", "stack", "", (), reference, as_of)

    def stacks_with(self, component: str) -> list[str]:
        """The names of the existing stacks that contain a component."""
        rows = self._database.read(
            "SELECT name FROM stacks WHERE until IS NULL AND instr(components, ?) > 0 "
            "ORDER BY name",
            (component,),
        )
        return [name for (name,) in rows]

    @one_state
    def components(
        self, type: ComponentType | None, listing: Listing = ALL, as_of: int | None = None
    ) -> list[ComponentView]:
        """The existing components that match a listing: of a type, or of all types."""
        source, parameters = valid_at("components", as_of)
        wanted = listing_clauses(listing, _COMPONENT_COLUMNS, "t.name, t.id")
        of_type, types = ("", []) if type is None else (" AND t.type = ?", [str(type)])
        rows = self._database.read(
            f"{_COMPONENT} {source}{of_type}{wanted.where}{wanted.tail}",
            [*parameters, *types, *wanted.parameters],
        )
        return self._component_views(rows, as_of)

    @one_state
    def every_component(self) -> list[ComponentView]:
        """The existing components of all types."""
        source, parameters = valid_at("components", None)
        rows = self._database.read(f"{_COMPONENT} {source} ORDER BY t.type, t.name", parameters)
        return self._component_views(rows, None)

    @one_state
    def component(
        self, type: ComponentType, reference: str, as_of: int | None = None
    ) -> ComponentView:
        """The component of a type with a name, id or unique prefix."""
        return self._component_by_id(self.find_component(type, reference, as_of).id, as_of)

    @one_state
    def component_by_id(self, id: str) -> ComponentView:
        """The component with an id; takes the same time however many components exist."""
        return self._component_by_id(id, None)

    def find_component(
        self, type: ComponentType, reference: str, as_of: int | None = None
    ) -> StoredComponent:
        """The component of that type and name, id or unique prefix, as it is configured."""
        type = ComponentType(type)
        columns = ", t.flavor, t.configuration, t.revision"
        condition, values = " AND t.type = ?", (type.value,)
        id, name, flavor, configuration, revision = find_row(
            self._database, "components", type.noun, condition, values, reference, as_of, columns
        )
        return StoredComponent(id, type.value, name, flavor, mapping(configuration), revision)

    def active_component(self, type: ComponentType, as_of: int | None = None) -> ComponentView:
        """The component of a type in the active stack; of several, the default one."""
        active = self.active_stack(as_of)
        if type not in active.components:
            raise NotInStack(active.name, ComponentType(type).noun)
        return self.component(type, active.components[type][0], as_of)

    @one_state
    def stack_components(self, id: str, as_of: int | None = None) -> list[ComponentView]:
        """The components of a stack, by type, the default one of each type first."""
        rows = self._by_id("stacks", "SELECT t.components", [id], as_of)
        composition = mapping(rows[0][0]) if rows else {}
        ids = [each for group in composition.values() for each in group]
        views = self._component_views(self._by_id("components", _COMPONENT, ids, as_of), as_of)
        by_id = {view.id: view for view in views}
        return [by_id[each] for each in ids if each in by_id]

    def stored_components(self, ids: Sequence[str]) -> list[StoredComponent]:
        """The existing components with these ids, in the same order."""
        select = "SELECT t.id, t.type, t.name, t.flavor, t.configuration, t.revision"
        rows = self._by_id("components", select, [*ids], None)
        found = {
            id: StoredComponent(id, type, name, flavor, mapping(configuration), revision)
            for id, type, name, flavor, configuration, revision in rows
        }
        return [found[id] for id in ids if id in found]

    @one_state
    def stored_stack(self, reference: str | None) -> StoredStack:
        """Return a stack and its components; None is the active stack."""
        id = self._active(None) if reference is None else self.find_stack(reference).id
        rows = self._by_id("stacks", "SELECT t.name, t.revision, t.components", [id], None)
        if not rows:
            # Only read models that were tampered with refer to what they do not contain.
            raise NotFound("stack", id, "see `stackfold log verify`")
        ((name, revision, composed),) = rows
        ids = [each for group in mapping(composed).values() for each in group]
        return StoredStack(id, name, revision, self.stored_components(ids))

    def component_revisions(
        self, ids: Sequence[str], position: int
    ) -> dict[str, ComponentRevision]:
        """Component id → its revision at a position, for those that existed then."""
        rows = self._database.read(
            f"WITH wanted (id) AS (VALUES {', '.join(['(?)'] * len(ids))}) "
            "SELECT t.id, t.revision, n.name = t.name AND n.configuration = t.configuration "
            "AND n.labels = t.labels FROM wanted JOIN components AS t ON t.id = wanted.id "
            "AND t.since = (SELECT max(since) FROM components WHERE id = wanted.id AND since <= ?) "
            "LEFT JOIN components AS n ON n.id = t.id AND n.until IS NULL "
            "WHERE t.until IS NULL OR t.until > ?",
            [*ids, position, position],
        )
        return {id: ComponentRevision(number, bool(same)) for id, number, same in rows}

    def components_of_flavor(self, type: ComponentType, flavor: str) -> list[str]:
        """The names of the existing components of a flavor."""
        rows = self._database.read(
            "SELECT name FROM components WHERE until IS NULL AND type = ? AND flavor = ? "
            "ORDER BY name",
            (str(type), flavor),
        )
        return [name for (name,) in rows]

    def flavors(self, type: ComponentType | None = None) -> list[StoredFlavor]:
        """The existing flavors that users registered."""
        wanted = "" if type is None else " AND type = ?"
        rows = self._database.read(
            "SELECT id, name, type, source, summary, schema FROM flavors WHERE until IS NULL"
            f"{wanted} ORDER BY type, name",
            () if type is None else (str(type),),
        )
        return [*map(StoredFlavor._make, rows)]

    def activation(self, scope: str, as_of: int | None = None) -> str | None:
        """The id of the activation of a scope; None if no stack was activated in it."""
        source, parameters = valid_at("activations", as_of)
        rows = self._database.read(f"SELECT t.id {source} AND t.scope = ?", [*parameters, scope])
        return rows[0][0] if rows else None

    def activated_since(self) -> int:
        """The position of the activation that determines the active stack; 0 without one."""
        scopes = self._scope().all
        current = "SELECT scope, since FROM activations WHERE until IS NULL AND scope IN "
        since = dict(self._database.read(f"{current}({marks(scopes)})", scopes))
        return next((int(since[scope]) for scope in scopes if scope in since), 0)

    def scopes_with(self, stack: str) -> list[str]:
        """The scopes in which a stack is active."""
        rows = self._database.read(
            "SELECT scope FROM activations WHERE until IS NULL AND stack = ?", (stack,)
        )
        return [scope for (scope,) in rows]

    def has_name(self, kind: str, name: str) -> bool:
        """Whether there is a "model", or an "artifact" with a name of its own, of that name."""
        return bool(self._database.read(_NAMED[kind], [name]))

    def existing(self, topic: str, ids: list[str]) -> set[str]:
        """Those of the ids that belong to existing aggregates of a topic, such as "stack"."""
        table = table_of(self._database, topic)
        rows = self._database.read(
            f"SELECT id FROM {table} WHERE until IS NULL AND id IN ({marks(ids)})", ids
        )
        return {id for (id,) in rows}

    def uses_of_artifact(self, id: str) -> list[str]:
        """What uses an artifact, such as "deployment 'churn'"; some of many."""
        return uses_of_artifact(self._database, id)

    def _active(self, as_of: int | None) -> str:
        scope = self._scope()
        if scope.override:
            return self.find_stack(scope.override, as_of).id
        return self._chosen(scope.all, as_of)

    def _chosen(self, scopes: Sequence[str], as_of: int | None) -> str:
        source, parameters = valid_at("activations", as_of)
        chosen = dict(
            self._database.read(
                f"SELECT t.scope, t.stack {source} AND t.scope IN ({marks(scopes)})",
                [*parameters, *scopes],
            )
        )
        if not chosen:
            raise NotFound("stack", "active", "none was active yet")
        first, *_ = [chosen[scope] for scope in scopes if scope in chosen]
        return str(first)

    def _stack_by_id(self, id: str, as_of: int | None) -> StackView:
        views = self._stack_views(self._by_id("stacks", _STACK, [id], as_of), as_of)
        if not views:
            # Only read models that were tampered with refer to rows that do not exist.
            raise NotFound("stack", id, "see `stackfold log verify`")
        return views[0]

    def _component_by_id(self, id: str, as_of: int | None) -> ComponentView:
        views = self._component_views(self._by_id("components", _COMPONENT, [id], as_of), as_of)
        if not views:
            # Only read models that were tampered with refer to rows that do not exist.
            raise NotFound("component", id, "see `stackfold log verify`")
        return views[0]

    def _stack_views(self, rows: Sequence[Any], as_of: int | None) -> list[StackView]:
        if not rows:
            return []
        active = self._active_or_none(as_of)
        ids, names, revisions, descriptions, labels, components, *recorded = zip(*rows, strict=True)
        compositions = mappings(components)
        wanted = {id for each in compositions for group in each.values() for id in group}
        found = self._by_id("components", "SELECT t.id, t.name", sorted(wanted), as_of)
        name_of = dict(found)
        columns = (
            ids,
            names,
            revisions,
            [id == active for id in ids],
            descriptions,
            mappings(labels),
            [
                {
                    type: [*map(name_of.get, composition[type], composition[type])]
                    for type in in_order(composition)
                }
                for composition in compositions
            ],
            *recorded,
        )
        return [*map(StackView._make, zip(*columns, strict=True))]

    def _active_or_none(self, as_of: int | None) -> str | None:
        try:
            return self._active(as_of)
        except (NotFound, Ambiguous):
            # A list must work even if STACKFOLD_ACTIVE_STACK names no stack.
            return None

    def _component_views(self, rows: Sequence[Any], as_of: int | None) -> list[ComponentView]:
        if not rows:
            return []
        source, parameters = valid_at("stacks", as_of)
        stacks = self._database.read(
            f"SELECT t.name, t.components {source} ORDER BY t.name", parameters
        )
        holders: dict[str, list[str]] = {}
        compositions = mappings(composition for _, composition in stacks)
        for (stack, _), composition in zip(stacks, compositions, strict=True):
            for group in composition.values():
                for each in group:
                    holders.setdefault(each, []).append(stack)
        ids, names, types, flavors, revisions, configurations, labels, *recorded = zip(
            *rows, strict=True
        )
        columns = (
            ids,
            names,
            types,
            flavors,
            revisions,
            mappings(configurations),
            mappings(labels),
            [holders.get(id, []) for id in ids],
            *recorded,
        )
        return [*map(ComponentView._make, zip(*columns, strict=True))]

    def _by_id(self, table: str, select: str, ids: list[str], as_of: int | None) -> list[Any]:
        if not ids:
            return []
        if as_of is None:
            return self._database.read(
                f"{select} FROM {table} AS t WHERE t.until IS NULL AND t.id IN ({marks(ids)})", ids
            )
        # One seek for each id; otherwise SQLite reads all revisions of each.
        wanted = ", ".join(["(?)"] * len(ids))
        return self._database.read(
            f"WITH wanted (id) AS (VALUES {wanted}) {select} FROM wanted JOIN {table} AS t "
            "ON t.id = wanted.id AND t.since = "
            f"(SELECT max(since) FROM {table} WHERE id = wanted.id AND since <= ?) "
            "WHERE t.until IS NULL OR t.until > ?",
            [*ids, as_of, as_of],
        )
