"""Stack reverts: the commands that restore past states of stacks."""

from collections.abc import Sequence

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.views import HistoryEntry
from stackfold.application.stacks.stack_reader import StackReader


@checked
class StackReverts(StackReader):
    """Commands that restore past states of stacks; `Stacks` adds the others.

    A `reference` is a name, an id or a unique prefix of either.
    """

    def revert(
        self,
        reference: str,
        to: int | None = None,
        *,
        as_of: AsOf = None,
        with_components: bool = False,
        confirmed: bool = False,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore an earlier state of a stack, as a new revision.

        Args:
            reference: The stack.
            to: The revision to restore; None for the one before the latest.
            as_of: A point in the past, instead of a revision.
            with_components: Whether to revert its components as well.
            confirmed: Whether components may change that other stacks contain.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Returns:
            The changes.

        Raises:
            StaleRevision: It has another revision than the expected one.
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist then.
            ComponentDeleted: A component that it contained then was deleted.
            NeedsConfirmation: Other stacks would change.
            NameTaken: Another stack has the name that it had then.
            NothingToChange: It has that state already.
        """
        return self._services.reverts.revert_stack(
            self._queries.find_stack(reference),
            to,
            as_of,
            with_components,
            confirmed,
            dry_run,
            why,
            expected_revision,
        )

    def restore(
        self,
        reference: str,
        *,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore a deleted stack, and return the changes.

        Args:
            reference: The id of the deleted stack, or the last one of that name.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: There never was such a stack.
            StaleRevision: It has another revision than the expected one.
            NotDeleted: It exists.
            ComponentDeleted: A component that it contained was deleted.
            NameTaken: Another stack has its name.
        """
        found = self._services.history.find("stack", reference, deleted=True)
        return self._services.reverts.restore_stack(found, dry_run, why, expected_revision)
