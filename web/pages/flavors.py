"""The flavors, and the page of one with its documented attributes."""

from itertools import groupby
from typing import NamedTuple

from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.stacks.flavor_attributes import FlavorAttribute, attributes
from stackfold.application.stacks.flavor_catalogue import PackageProblem
from stackfold.application.stacks.views import ComponentView, FlavorDescription, FlavorView
from stackfold.domain.errors import StackfoldError, UnknownFlavor
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.web.pages.visit import Frame, Visit

MOST_FLAVORS = 200
MOST_COMPONENTS = 60
MOST_PROBLEMS = 10


class FlavorGroup(NamedTuple):
    """The flavors of a type."""

    type: str
    flavors: tuple[FlavorView, ...]


class Flavors(NamedTuple):
    """The content of the page of all flavors."""

    frame: Frame
    groups: tuple[FlavorGroup, ...]
    more: int
    """How many are not shown."""
    problems: tuple[PackageProblem, ...]
    """Why flavors of installed packages cannot be used."""


class Flavor(NamedTuple):
    """The content of the page of a flavor."""

    frame: Frame
    type: str
    flavor: FlavorView
    described: FlavorDescription | None
    """None if its class cannot be imported here."""
    attributes: tuple[FlavorAttribute, ...]
    problem: str
    """Why its attributes cannot be shown; empty if they can."""
    components: tuple[ComponentView, ...]
    """The components of this flavor, by name."""
    more_components: bool


def flavors(visit: Visit) -> Flavors:
    """Read the page of all flavors."""
    found = visit.workspace.flavors.list(None, Listing(sort_by="type"))
    by_type = groupby(found[:MOST_FLAVORS], key=lambda each: each.type)
    return Flavors(
        frame=visit.frame("Flavors", "stackfold flavor list", "stackfold integration list"),
        groups=tuple(FlavorGroup(type, tuple(members)) for type, members in by_type),
        more=max(0, len(found) - MOST_FLAVORS),
        problems=tuple(visit.workspace.flavors.problems()[:MOST_PROBLEMS]),
    )


def flavor(visit: Visit) -> Flavor:
    """Read the page of a flavor.

    Raises:
        UnknownComponentType: There is no such type.
        UnknownFlavor: The type has no such flavor.
    """
    type, name = ComponentType(visit.names["type"]), visit.names["flavor"]
    service = visit.workspace.flavors
    only = Listing(where=(Condition("name", "equals", name),))
    listed = service.list(type, only)
    if not listed:
        raise UnknownFlavor(f"{type.noun} flavor", name, [each.name for each in service.list(type)])
    try:
        # As on the command line, it imports a class of an installed package, or one that a user
        # registered in this home; no other.
        described, problem = service.describe(type, name), ""
    except StackfoldError as error:
        described, problem = None, str(error)
    of_it = Listing(where=(Condition("flavor", "equals", name),), size=MOST_COMPONENTS + 1)
    components = visit.workspace.components.list(type, of_it, visit.until)
    return Flavor(
        frame=visit.frame(
            f"{type.noun} flavor {name}",
            f"stackfold {type.command} flavor describe {name}",
            f"stackfold {type.command} list --flavor {name}",
        ),
        type=type,
        flavor=listed[0],
        described=described,
        attributes=tuple(attributes(described.schema)) if described else (),
        problem=problem,
        components=tuple(components[:MOST_COMPONENTS]),
        more_components=len(components) > MOST_COMPONENTS,
    )
