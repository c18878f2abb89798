"""The component types of a workspace; a part of its services."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.system.entry_points import mentioned

if TYPE_CHECKING:
    cached_property = property

    from stackfold.application.stacks.component_types import ComponentTypes
    from stackfold.domain.stacks.component_type import ComponentType
else:
    from functools import cached_property


class TypeServices:
    """Finds the component types that a workspace can use."""

    database: Database
    declared_component_types: "Sequence[ComponentType]" = ()
    """Those that the program declares."""

    @cached_property
    def component_types(self) -> "ComponentTypes":
        """Finds component types by their names."""
        from stackfold.application.stacks.component_types import ComponentTypes
        from stackfold.infrastructure.queries.component_types import recorded_types
        from stackfold.infrastructure.system.component_type_packages import PACKAGES

        recorded = recorded_types(self.database)
        return ComponentTypes(self.declared_component_types, PACKAGES, recorded)

    def declare_component_types(self, declared: "Sequence[ComponentType]") -> None:
        """Add the component types that the program declares.

        Raises:
            InvalidComponentType: A declaration is incomplete, or two differ.
        """
        if declared:
            self.declared_component_types = declared
            _ = self.component_types


def installed_component_types() -> "Sequence[ComponentType]":
    """The component types that installed packages declare; broken declarations are omitted."""
    if not mentioned("stackfold.component_types"):  # without loading what finds them
        return ()
    from stackfold.infrastructure.system.component_type_packages import installed_types

    return installed_types().types
