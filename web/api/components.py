"""Operations: component types, components and flavors."""

from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import Listing
from stackfold.application.stacks.views import ComponentView, FlavorDescription, FlavorView
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.web.api.listings import listing
from stackfold.web.api.operations import Call, Limit, Operations, Page, PageNumber, Past

COMPONENTS = Operations("components")


class ComponentTypeView(NamedTuple):
    """A component type."""

    name: str
    description: str
    """What its components do."""
    several_per_stack: bool
    """Whether a stack may contain several components of it."""
    package: str | None
    """The package that declares it; None for those of Stackfold and of the program."""


@COMPONENTS.get("/component-types")
def list_component_types(call: Call) -> list[ComponentTypeView]:
    """List the component types that can be used, and then those that only the log mentions."""
    return [
        ComponentTypeView(str(type), type.description, type.several_per_stack, type.package)
        for type in call.workspace.components.types()
    ]


@COMPONENTS.get("/components")
def list_components(
    call: Call,
    *,
    type: str | None = None,
    name: str | None = None,
    flavor: str | None = None,
    label: tuple[str, ...] = (),
    sort: str = "type",
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[ComponentView]:
    """List components.

    Args:
        type: Only those of this component type.
        name: Only those of this name.
        flavor: Only those of this flavor.
        label: Only those with this label, as `key=value`; with all, if several are given.
        sort: The field to sort by, after `-` for descending order.
    """
    return call.page(
        as_of,
        page,
        limit,
        lambda at, number, size: call.workspace.components.list(
            _type(type), listing(sort, number, size, labels=label, name=name, flavor=flavor), at
        ),
    )


@COMPONENTS.get("/components/{type}/{component}")
def get_component(call: Call, *, type: str, component: str, as_of: Past = None) -> ComponentView:
    """Get a component.

    Args:
        type: The component type.
        component: The name, the id, or a unique prefix of either.
    """
    return call.workspace.components.get(ComponentType(type), component, as_of)


@COMPONENTS.get("/components/{type}/{component}/history")
def get_component_history(
    call: Call, *, type: str, component: str, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get the changes of a component, newest first.

    Args:
        type: The component type.
        component: The name or id; it may have been deleted.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    found = call.workspace.components.history(ComponentType(type), component, limit, as_of=as_of)
    return [*found]


@COMPONENTS.get("/flavors")
def list_flavors(call: Call, *, type: str | None = None) -> list[FlavorView]:
    """List the flavors that the server can use, by type.

    Args:
        type: Only those of this component type.
    """
    return [*call.workspace.flavors.list(_type(type), Listing(sort_by="type"))]


@COMPONENTS.get("/flavors/{type}/{flavor}")
def get_flavor(call: Call, *, type: str, flavor: str) -> FlavorDescription:
    """Get a flavor with what it requires and the JSON Schema of its configuration.

    Imports its class, as `flavor describe` does: of an installed package, or of a module that the
    server's home trusts because the flavor was registered there.

    Args:
        type: The component type.
        flavor: The name of the flavor.
    """
    return call.workspace.flavors.describe(ComponentType(type), flavor)


def _type(name: str | None) -> ComponentType | None:
    return None if name is None else ComponentType(name)
