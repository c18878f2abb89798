"""What can be asked of the read models; answered by plain SQL in `infrastructure`."""

from typing import NamedTuple, Protocol

from stackfold.application.views import ComponentView, Listing, StackView
from stackfold.domain.component_type import ComponentType


class Reference(NamedTuple):
    """What a name, an id or a unique prefix stands for."""

    id: str
    name: str


class StoredFlavor(NamedTuple):
    """A flavor that a user registered."""

    id: str
    name: str
    type: str
    source: str
    summary: str
    schema: str
    """JSON schema of its configuration, as text."""


class Queries(Protocol):
    """The questions; `as_of` is a position in the log, None for now."""

    def stacks(self, listing: Listing = ..., as_of: int | None = None) -> list[StackView]:
        """The living stacks."""

    def stack(self, reference: str, as_of: int | None = None) -> StackView:
        """The stack of that name, id or unique prefix.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """

    def active_stack(self, as_of: int | None = None) -> StackView:
        """The stack that is active here."""

    def components(
        self, type: ComponentType, listing: Listing = ..., as_of: int | None = None
    ) -> list[ComponentView]:
        """The living components of a type."""

    def component(
        self, type: ComponentType, reference: str, as_of: int | None = None
    ) -> ComponentView:
        """The component of that type and name, id or unique prefix.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """

    def find_stack(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a stack; raises as `stack` does."""

    def find_component(
        self, type: ComponentType, reference: str, as_of: int | None = None
    ) -> Reference:
        """The id and name of a component; raises as `component` does."""

    def stack_components(self, id: str, as_of: int | None = None) -> list[ComponentView]:
        """The components that a stack holds, by type, the default one of each type first."""

    def stacks_with(self, component: str) -> list[str]:
        """The names of the living stacks that hold the component with that id."""

    def scopes_with(self, stack: str) -> list[str]:
        """The scopes in which the stack with that id is active."""

    def living(self, table: str, ids: list[str]) -> set[str]:
        """Which of the ids belong to something living."""

    def activation(self, scope: str) -> str | None:
        """The id of a scope's activation, or None if it has made no choice yet."""

    def flavors(self, type: ComponentType | None = None) -> list[StoredFlavor]:
        """The living flavors that users registered."""

    def components_of_flavor(self, type: ComponentType, flavor: str) -> list[str]:
        """The names of the living components of a flavor."""
