"""What can be asked of the read models; answered by plain SQL in `infrastructure`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.listing.listing import Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.stacks.component_type import ComponentType


class StoredComponent(NamedTuple):
    """A component as it is configured, without what it takes more queries to tell."""

    id: str
    type: str
    name: str
    flavor: str
    configuration: Mapping[str, Any]
    revision: int


class StoredStack(NamedTuple):
    """A stack with its components, as a run is pinned to them."""

    id: str
    name: str
    revision: int
    components: Sequence[StoredComponent]
    """By type, the default one of each type first."""


class ComponentRevision(NamedTuple):
    """The revision of a component at a position in the log."""

    number: int
    is_current: bool
    """Whether the component has the same name, configuration and labels now."""


class StoredFlavor(NamedTuple):
    """A flavor that a user registered."""

    id: str
    name: str
    type: str
    source: str
    summary: str
    schema: str
    """JSON schema of its configuration, as text."""


class StackQueries(Protocol):
    """The questions; `as_of` is a position in the log, None for now."""

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now.

        Raises:
            InvalidAsOf: It is written in no known form.
            AsOfOutOfRange: The log had not begun yet, or ends before that position.
            NotFound: There is no such run.
        """
        ...

    def stacks(self, listing: Listing = ..., as_of: int | None = None) -> list[StackView]:
        """The living stacks."""
        ...

    def stack(self, reference: str, as_of: int | None = None) -> StackView:
        """The stack of that name, id or unique prefix.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """
        ...

    def stack_by_id(self, id: str, as_of: int | None = None) -> StackView:
        """The stack with an id, in a time that does not grow with the number of stacks.

        Raises:
            NotFound: There is none.
        """
        ...

    def stored_components(self, ids: Sequence[str]) -> list[StoredComponent]:
        """Those of the components with these ids that are there, in the same order."""
        ...

    def stored_stack(self, reference: str | None) -> StoredStack:
        """Return a stack and its components, both of one state of the log.

        Args:
            reference: The stack, by name, id or unique prefix; None for the active one.

        Raises:
            NotFound: The stack does not exist.
            Ambiguous: The prefix matches several stacks.
        """
        ...

    def active_stack(self, as_of: int | None = None) -> StackView:
        """The stack that is active here."""
        ...

    def components(
        self, type: ComponentType | None, listing: Listing = ..., as_of: int | None = None
    ) -> list[ComponentView]:
        """The existing components of a type; None for all types."""
        ...

    def component(
        self, type: ComponentType, reference: str, as_of: int | None = None
    ) -> ComponentView:
        """The component of that type and name, id or unique prefix.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """
        ...

    def component_by_id(self, id: str) -> ComponentView:
        """The existing component with an id.

        Raises:
            NotFound: There is none.
        """
        ...

    def active_component(self, type: ComponentType, as_of: int | None = None) -> ComponentView:
        """The component of a type that the active stack holds; of several, the default one.

        Raises:
            NotInStack: It holds none.
        """
        ...

    def previous_stack(self) -> Reference:
        """The stack that was active here before the one that is.

        Raises:
            NotFound: There was none, or it was deleted.
        """
        ...

    def find_stack(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a stack; raises as `stack` does."""
        ...

    def find_component(
        self, type: ComponentType, reference: str, as_of: int | None = None
    ) -> StoredComponent:
        """Look up a component as it is configured; raises as `component`."""
        ...

    def component_revisions(
        self, ids: Sequence[str], position: int
    ) -> dict[str, ComponentRevision]:
        """Component id → its revision at a position, for those that existed then."""
        ...

    def stack_components(self, id: str, as_of: int | None = None) -> list[ComponentView]:
        """The components that a stack holds, by type, the default one of each type first."""
        ...

    def stacks_with(self, component: str) -> list[str]:
        """The names of the living stacks that hold the component with that id."""
        ...

    def activated_since(self) -> int:
        """The position of the activation that determines the active stack; 0 without one."""
        ...

    def scopes_with(self, stack: str) -> list[str]:
        """The scopes in which the stack with that id is active."""
        ...

    def has_name(self, kind: str, name: str) -> bool:
        """Whether there is a "model", or an "artifact" with a name of its own, of that name."""
        ...

    def existing(self, topic: str, ids: list[str]) -> set[str]:
        """Those of the ids that belong to existing aggregates of a topic, such as "stack"."""
        ...

    def uses_of_artifact(self, id: str) -> list[str]:
        """What uses the artifact with that id, such as "deployment 'churn'"; some of many."""
        ...

    def activation(self, scope: str, as_of: int | None = None) -> str | None:
        """The id of a scope's activation, or None if it has made no choice yet."""
        ...

    def flavors(self, type: ComponentType | None = None) -> list[StoredFlavor]:
        """The living flavors that users registered."""
        ...

    def components_of_flavor(self, type: ComponentType, flavor: str) -> list[str]:
        """The names of the living components of a flavor."""
        ...
