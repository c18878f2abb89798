"""Stack reader: one method per query on stacks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.expectations import stale
from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.services import StackServices
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import NotFound, Violation

if TYPE_CHECKING:
    from stackfold.application.stacks.stack_document import Document


@checked
class StackReader:
    """Queries on stacks; `Stacks` adds the commands.

    A `reference` is a name, an id or a unique prefix of either; None is the active stack.
    """

    def __init__(self, queries: StackQueries, services: StackServices) -> None:
        """Create the service.

        Args:
            queries: Reads current and past read models.
            services: Creates what commands need, on first use.
        """
        self._queries = queries
        self._services = services

    def list(self, listing: Listing = ALL, as_of: AsOf = None) -> Sequence[StackView]:
        """List stacks.

        Args:
            listing: Filters, order and page.
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.

        Raises:
            InvalidListing: Stacks have no such column.
        """
        return self._queries.stacks(listing, self._queries.position(as_of))

    def get(self, reference: str | None = None, as_of: AsOf = None) -> StackView:
        """Return one stack.

        Args:
            reference: The stack; None for the active one.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No stack matches.
            Ambiguous: The reference is a prefix of several.
        """
        position = self._queries.position(as_of)
        if reference is None:
            return self._queries.active_stack(position)
        return self._queries.stack(reference, position)

    def components(
        self, reference: str | None = None, as_of: AsOf = None
    ) -> Sequence[ComponentView]:
        """Return the components of a stack, by type, the default one of each type first.

        Args:
            reference: The stack; None for the active one.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No stack matches.
            Ambiguous: The reference is a prefix of several.
        """
        position = self._queries.position(as_of)
        return self._queries.stack_components(self.get(reference, position).id, position)

    def history(
        self, reference: str | None = None, limit: int | None = None, *, as_of: AsOf = None
    ) -> Sequence[HistoryEntry]:
        """Return the changes of a stack, and of its components while it contained them.

        Args:
            reference: The stack; it may have been deleted.
            limit: The most entries to return.
            as_of: Only changes up to this point in the past; None for all.

        Returns:
            The entries, newest first.

        Raises:
            NotFound: There never was such a stack.
        """
        id = self._find_deleted_too(reference).id
        return self._services.history.of_stack(id, limit, self._queries.position(as_of))

    def diff(
        self,
        before: str | None = None,
        after: str | None = None,
        *,
        revisions: tuple[int, int | None] | None = None,
        as_of: tuple[AsOf, AsOf] = (None, None),
    ) -> Sequence[Change]:
        """Compare composition and configuration, including defaults, field by field.

        With a stack alone, compares the states before and after its last change.

        Args:
            before: A stack; None for the active one.
            after: Another stack; None for the same.
            revisions: Two revisions of the stack; None as the second one is the latest.
            as_of: The points in the past at which the first and the second are compared.

        Raises:
            NotFound: There never was such a stack.
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist then.
        """
        one = self._find_deleted_too(before)
        other = self._find_deleted_too(after) if after else None
        return self._services.diffs.of_stacks(one, other, revisions, as_of)

    def check(self, reference: str | None = None, connect: bool = False) -> Sequence[Violation]:
        """Return what keeps a stack from working on this machine, each with its fix.

        Args:
            reference: The stack.
            connect: Whether to contact what its components connect to.

        Raises:
            NotFound: No stack matches.
        """
        return self._services.rules.of_stack(self.get(reference), connect)

    def export(self, reference: str | None = None) -> "Document":
        """Return a stack with its components as plain values; see `ImportExport.export`."""
        return self._services.import_export.export(self.get(reference))

    def requirements(self, reference: str | None = None) -> Sequence[str]:
        """Return the pip requirements of a stack's components.

        Args:
            reference: The stack; None for the active one.

        Raises:
            NotFound: No stack matches.
            InvalidFlavor: A custom flavor cannot be loaded.
        """
        return self._services.import_export.requirements(self.get(reference))

    def _find_deleted_too(self, reference: str | None) -> Reference:
        if reference is None:
            active = self._queries.active_stack()
            return Reference(active.id, active.name)
        try:
            return self._queries.find_stack(reference)
        except NotFound:
            return self._services.history.find("stack", reference)

    def _expect_active_since(self, position: int | None) -> None:
        """Check that no other stack was activated after a position.

        Raises:
            StalePosition: Another one was.
        """
        since = self._queries.activated_since()
        if position is not None and since > position:
            (entry,) = self._services.history.at([since])
            raise stale(entry, position)
