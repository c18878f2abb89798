"""What the commands on stacks and components need beyond queries."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.history.queries import History
    from stackfold.application.secrets.secrets import StoredSecrets
    from stackfold.application.stacks.activations import Activations
    from stackfold.application.stacks.component_types import ComponentTypes
    from stackfold.application.stacks.diffs import Diffs
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.application.stacks.import_export import ImportExport
    from stackfold.application.stacks.reverts import Reverts
    from stackfold.application.stacks.validation import StackRules


class StackServices(Protocol):
    """Services that are created on first use: importing them takes longer than a query."""

    @property
    def history(self) -> "History":
        """Reads what happened to stacks and components."""
        ...

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def component_types(self) -> "ComponentTypes":
        """Finds component types by their names."""
        ...

    @property
    def flavors(self) -> "Flavors":
        """Checks configurations."""
        ...

    @property
    def stored_secrets(self) -> "StoredSecrets":
        """Resolves references to secrets."""
        ...

    @property
    def activations(self) -> "Activations":
        """Chooses the active stack of the current scope."""
        ...

    @property
    def rules(self) -> "StackRules":
        """Checks whether the components of a stack work together."""
        ...

    @property
    def diffs(self) -> "Diffs":
        """Compares stacks."""
        ...

    @property
    def reverts(self) -> "Reverts":
        """Restores past states."""
        ...

    @property
    def import_export(self) -> "ImportExport":
        """Reads and writes stacks as documents."""
        ...
