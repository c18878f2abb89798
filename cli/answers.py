"""The answers to questions about stacks, components and flavors.

The commands of typer and the front door both print them from here; nothing here needs typer.
"""

from collections.abc import Callable, Sequence
from typing import Any

from stackfold.application.views import ComponentView, FlavorView, Listing, StackView
from stackfold.cli.render import Format, Shape, note, say, show_one, show_rows
from stackfold.domain.component_type import ComponentType
from stackfold.domain.errors import NotInStack
from stackfold.infrastructure.workspace import Workspace

PAGE = 20
FIRST_PAGE = Listing(size=PAGE)
LATEST_RUNS = Listing(sort_by="started", descending=True, size=PAGE)

_TYPES = tuple(type.value for type in ComponentType)
_USUAL = tuple(type.value for type in ComponentType if type.required)
_STACK_TABLE = ("active", "name", "revision", *_USUAL)
_COMPONENT = Shape(
    ComponentView._fields,
    ("name", "flavor", "revision", "configuration", "stacks", "updated", "by"),
    ("name", "flavor", "revision"),
)
_FLAVOR = Shape(FlavorView._fields, ("name", "integration", "installed", "summary"))

Columns = Sequence[str] | None


# -- stacks


def stacks(
    output: str = Format.TABLE, listing: Listing = FIRST_PAGE, columns: Columns = None
) -> None:
    """Print stacks."""
    with Workspace.open() as workspace:
        views = workspace.queries.stacks(listing)
        more = _more(workspace.queries.stacks, listing, len(views))
    # A table has a column for each type that one of its stacks has a component of.
    others = tuple(t for t in _TYPES if t not in _USUAL and any(t in v.components for v in views))
    shape = Shape(StackView._fields, (*_STACK_TABLE, *others), _STACK_TABLE[:3], _TYPES)
    show_rows([_stack_record(view) for view in views], shape, output, columns)
    _say_what_else(listing, len(views), more, "stack")


def stack(reference: str | None = None, output: str = Format.TABLE) -> None:
    """Print one stack, by default the active one."""
    with Workspace.open() as workspace:
        show_one(_stack(workspace, reference)._asdict(), StackView._fields, output)


def active_stack(output: str = Format.TABLE) -> None:
    """Print the name of the active stack, or for a program all of it."""
    with Workspace.open() as workspace:
        _show_name(_stack(workspace, None), output)


def _stack(workspace: Workspace, reference: str | None) -> StackView:
    queries = workspace.queries
    return queries.active_stack() if reference is None else queries.stack(reference)


def _stack_record(view: StackView) -> dict[str, Any]:
    each_type = {type: view.components.get(type, []) for type in _TYPES}
    return {**view._asdict(), **each_type}


# -- components


def components(
    type: ComponentType,
    output: str = Format.TABLE,
    listing: Listing = FIRST_PAGE,
    columns: Columns = None,
) -> None:
    """Print components of a type."""
    with Workspace.open() as workspace:

        def ask(part: Listing) -> Sequence[ComponentView]:
            return workspace.queries.components(type, part)

        views = ask(listing)
        more = _more(ask, listing, len(views))
    show_rows([view._asdict() for view in views], _COMPONENT, output, columns)
    _say_what_else(listing, len(views), more, type.noun)


def component(
    type: ComponentType, reference: str | None = None, output: str = Format.TABLE
) -> None:
    """Print one component, by default the active stack's."""
    with Workspace.open() as workspace:
        view = _component(workspace, type, reference)
        show_one(view._asdict(), ComponentView._fields, output)


def active_component(type: ComponentType, output: str = Format.TABLE) -> None:
    """Print the name of the active stack's component, or for a program all of it."""
    with Workspace.open() as workspace:
        _show_name(_component(workspace, type, None), output)


def _component(workspace: Workspace, type: ComponentType, reference: str | None) -> ComponentView:
    if reference is None:
        # As `Components.get` does, which would load what is needed for writing.
        active = workspace.queries.active_stack()
        if type not in active.components:
            raise NotInStack(active.name, type.noun)
        reference = active.components[type][0]
    return workspace.queries.component(type, reference)


# -- flavors


def flavors(
    type: ComponentType,
    output: str = Format.TABLE,
    listing: Listing = FIRST_PAGE,
    columns: Columns = None,
) -> None:
    """Print the flavors of a type."""
    with Workspace.open() as workspace:
        views = workspace.catalogue.views(type, listing)
        more = _more(lambda part: workspace.catalogue.views(type, part), listing, len(views))
    show_rows([view._asdict() for view in views], _FLAVOR, output, columns)
    _say_what_else(listing, len(views), more, f"{type.noun} flavor")


# -- runs


def runs(
    output: str = Format.TABLE, listing: Listing = LATEST_RUNS, columns: Columns = None
) -> None:
    """Print runs, the latest first."""
    from stackfold.application.run_views import RunView

    with Workspace.open() as workspace:
        views = workspace.run_queries.runs(listing)
        more = _more(workspace.run_queries.runs, listing, len(views))
    table = ("name", "pipeline", "status", "stack", "stack_revision", "started", "ended")
    shape = Shape(RunView._fields, table, table[:5])
    show_rows([view._asdict() for view in views], shape, output, columns)
    _say_what_else(listing, len(views), more, "run")


# -- the workspace


def status(output: str = Format.TABLE) -> None:
    """Print where things are, and which stack is active by whose choice."""
    from importlib.metadata import version as installed

    with Workspace.open() as workspace:
        record = {"version": installed("stackfold"), **workspace.status()._asdict()}
    problem, store = record.pop("problem"), record.pop("store")
    if store:
        record["store"] = store
    show_one(record, tuple(record), output)
    if problem:
        note(str(problem))


def version(output: str = Format.TABLE) -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    if output == Format.TABLE:
        say(installed("stackfold"))
    else:
        show_one({"version": installed("stackfold")}, ("version",), output)


# -- how it is done


def _show_name(view: StackView | ComponentView, output: str) -> None:
    if output == Format.TABLE:
        say(view.name)
    else:
        show_one(view._asdict(), view._fields, output)


def _more(ask: Callable[[Listing], Sequence[object]], listing: Listing, shown: int) -> bool:
    """Whether there is a row after the page."""
    if listing.size is None or shown < listing.size:
        return False
    return bool(ask(listing._replace(page=listing.page * listing.size + 1, size=1)))


def _say_what_else(listing: Listing, shown: int, more: bool, noun: str) -> None:
    if more:
        note(f"there are more: --page {listing.page + 1} shows the next, --size more at once")
    elif not shown:
        narrowed = listing.where or listing.labels or listing.page > 1
        note(f"no {noun} {'here' if narrowed else 'yet'}")
