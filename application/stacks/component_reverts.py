"""Component reverts: the commands that restore past states of components."""

from collections.abc import Sequence

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.views import HistoryEntry
from stackfold.application.stacks.services import StackServices
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName


@checked
class ComponentReverts:
    """Commands that restore past states of components; `Components` adds the others."""

    _services: StackServices

    def revert(
        self,
        type: TypeOrName,
        reference: str,
        to: int | None = None,
        *,
        as_of: AsOf = None,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore an earlier state of a component, as a new revision.

        Args:
            type: The component type.
            reference: The component.
            to: The revision to restore; None for the one before the latest.
            as_of: A point in the past, instead of a revision.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Returns:
            The changes.

        Raises:
            StaleRevision: It has another revision than the expected one.
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist then.
            IncompatibleConfiguration: The flavor no longer accepts the earlier configuration.
            NameTaken: Another component has the name that it had then.
            NothingToChange: It has that state already.
        """
        return self._services.reverts.revert_component(
            self._known(type),
            reference,
            to,
            as_of,
            dry_run,
            why,
            expected_revision,
        )

    def restore(
        self,
        type: TypeOrName,
        reference: str,
        *,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore a deleted component, and return the changes.

        Args:
            type: The component type.
            reference: The id of the deleted component, or the last one of that name.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            NotFound: There never was such a component.
            StaleRevision: It has another revision than the expected one.
            NotDeleted: It exists.
            IncompatibleConfiguration: The flavor no longer accepts its configuration.
            NameTaken: Another component has its name.
        """
        return self._services.reverts.restore_component(
            self._known(type), reference, dry_run, why, expected_revision
        )

    def _known(self, type: TypeOrName) -> ComponentType:
        return self._services.component_types.known(type)
