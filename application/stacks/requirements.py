"""What pip must install for a stack's components to work."""

import re
from collections.abc import Iterable

from stackfold.application.stacks.flavors import Flavors
from stackfold.domain.stacks.component_type import ComponentType

_EXTRA = re.compile(r"stackfold\[([\w-]+)\]")


def requirements_of(
    flavors: Flavors, members: Iterable[tuple[ComponentType, str]], more: Iterable[str] = ()
) -> list[str]:
    """The pip requirements of components, those of our extras as one, which comes first.

    Args:
        flavors: What knows those of a flavor.
        members: The type and the flavor of each component.
        more: Others, of the same form.

    Raises:
        UnknownFlavor: There is none of that name.
        InvalidFlavor: A flavor of the user's own cannot be loaded.
    """
    extras: set[str] = set()
    others: set[str] = set()
    wanted = [each for type, flavor in members for each in flavors.requirements(type, flavor)]
    for requirement in (*wanted, *more):
        if found := _EXTRA.fullmatch(requirement):
            extras.add(found[1])
        else:
            others.add(requirement)
    ours = [f"stackfold[{','.join(sorted(extras))}]"] if extras else ["stackfold"]
    return [*ours, *sorted(others)]
