"""Functions that run a query and print the result; one per read command.

Both the typer commands and the fast path call them, so they do not need typer.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from stackfold.application.listing.listing import Listing
from stackfold.application.stacks.views import ComponentView, FlavorView, StackView
from stackfold.cli.history_rows import show_history
from stackfold.cli.render import Format, Shape, echo, note, show_one, show_rows
from stackfold.cli.table import one_line
from stackfold.cli.times import took
from stackfold.domain.stacks.component_type import ComponentType, in_order
from stackfold.infrastructure.workspace import Workspace

PAGE = 20
FIRST_PAGE = Listing(size=PAGE)
LATEST_PIPELINES = Listing(sort_by="started", descending=True, size=PAGE)
LATEST_ARTIFACTS = Listing(sort_by="position", descending=True, size=PAGE)

_USUAL = tuple(type.value for type in ComponentType if type.required)
_STACK_TABLE = ("active", "name", "revision", *_USUAL)
_COMPONENT = Shape(
    ComponentView._fields,
    ("name", "flavor", "revision", "configuration", "stacks", "updated", "by"),
    ("name", "flavor", "revision"),
)
_ANY_COMPONENT = Shape(
    ComponentView._fields, ("type", *_COMPONENT.table), ("type", *_COMPONENT.vital)
)
_FLAVOR = Shape(FlavorView._fields, ("name", "integration", "installed", "summary"))
_ANY_FLAVOR = Shape(FlavorView._fields, ("type", *_FLAVOR.table), ("type", "name"))

Columns = Sequence[str] | None


# -- stacks


def stacks(
    output: str = Format.TABLE,
    listing: Listing = FIRST_PAGE,
    columns: Columns = None,
    as_of: str | None = None,
) -> None:
    """Print stacks, at present or at a past point."""
    with Workspace.open() as workspace:
        position = _position(workspace, as_of)

        def ask(part: Listing) -> Sequence[StackView]:
            return workspace.stacks.list(part, position)

        views = ask(listing)
        more = more_rows(ask, listing, len(views))
    # A table has a column for each type that one of its stacks has a component of.
    types = in_order((*ComponentType, *(type for view in views for type in view.components)))
    others = tuple(t for t in types if t not in _USUAL and any(t in v.components for v in views))
    shape = Shape(StackView._fields, (*_STACK_TABLE, *others), _STACK_TABLE[:3], tuple(types))
    show_rows([_stack_record(view, types) for view in views], shape, output, columns)
    note_rest(listing, len(views), more, "stack")


def stack(
    reference: str | None = None, output: str = Format.TABLE, as_of: str | None = None
) -> None:
    """Print one stack, by default the active one."""
    with Workspace.open() as workspace:
        view = workspace.stacks.get(reference, as_of)
    show_one(view._asdict(), StackView._fields, output)


def active_stack(output: str = Format.TABLE, as_of: str | None = None) -> None:
    """Print the name of the active stack; as JSON or YAML, the whole record."""
    with Workspace.open() as workspace:
        _show_name(workspace.stacks.get(as_of=as_of), output)


def stack_history(
    reference: str | None = None,
    output: str = Format.TABLE,
    limit: int | None = None,
    columns: Columns = None,
) -> None:
    """Print the history of a stack, by default the active one, and of its components."""
    with Workspace.open() as workspace:
        entries = workspace.stacks.history(reference, limit)
    show_history(entries, "stack", output, columns)


def _stack_record(view: StackView, types: Sequence[str]) -> dict[str, Any]:
    each_type = {type: view.components.get(type, []) for type in types}
    return {**view._asdict(), **each_type}


# -- components


def components(
    type: ComponentType | None,
    output: str = Format.TABLE,
    listing: Listing = FIRST_PAGE,
    columns: Columns = None,
    as_of: str | None = None,
) -> None:
    """Print components of a type or of all types, at present or at a past point."""
    with Workspace.open() as workspace:
        position = _position(workspace, as_of)

        def ask(part: Listing) -> Sequence[ComponentView]:
            return workspace.components.list(type, part, position)

        views = ask(listing)
        more = more_rows(ask, listing, len(views))
    shape = _COMPONENT if type else _ANY_COMPONENT
    show_rows([view._asdict() for view in views], shape, output, columns)
    note_rest(listing, len(views), more, type.noun if type else "component")


def component(
    type: ComponentType,
    reference: str | None = None,
    output: str = Format.TABLE,
    as_of: str | None = None,
) -> None:
    """Print one component, by default the active stack's."""
    with Workspace.open() as workspace:
        view = workspace.components.get(type, reference, as_of)
    show_one(view._asdict(), ComponentView._fields, output)


def active_component(
    type: ComponentType, output: str = Format.TABLE, as_of: str | None = None
) -> None:
    """Print the name of the active stack's component; as JSON or YAML, the whole record."""
    with Workspace.open() as workspace:
        _show_name(workspace.components.get(type, as_of=as_of), output)


def component_history(
    type: ComponentType,
    reference: str | None = None,
    output: str = Format.TABLE,
    limit: int | None = None,
    columns: Columns = None,
) -> None:
    """Print the history of a component, by default the active stack's."""
    with Workspace.open() as workspace:
        entries = workspace.components.history(type, reference, limit)
    show_history(entries, type.value, output, columns)


# -- flavors


def flavors(
    type: ComponentType | None,
    output: str = Format.TABLE,
    listing: Listing = FIRST_PAGE,
    columns: Columns = None,
) -> None:
    """Print the flavors of a type, or of all types."""
    with Workspace.open() as workspace:
        views = workspace.flavors.list(type, listing)
        more = more_rows(partial(workspace.flavors.list, type), listing, len(views))
        problems = workspace.flavors.problems()
    shape = _FLAVOR if type else _ANY_FLAVOR
    show_rows([view._asdict() for view in views], shape, output, columns)
    note_rest(listing, len(views), more, f"{type.noun} flavor" if type else "flavor")
    for each in problems:
        note(str(each))


# -- pipelines


def pipelines(
    output: str = Format.TABLE, listing: Listing = LATEST_PIPELINES, columns: Columns = None
) -> None:
    """Print the pipelines that have run, the one that ran last first."""
    from stackfold.application.runs.run_views import PipelineView

    with Workspace.open() as workspace:
        views = workspace.pipelines.list(listing)
        more = more_rows(workspace.pipelines.list, listing, len(views))
    columns_of_table = ("name", "runs", "last_run", "status", "stack", "started", "duration", "by")
    shape = Shape(PipelineView._fields, columns_of_table, ("name", "status"))
    records = [view._asdict() for view in views]
    show_rows([{**each, "duration": took(each)} for each in records], shape, output, columns)
    note_rest(listing, len(views), more, "pipeline run")


# -- artifacts


def artifacts(
    output: str = Format.TABLE,
    listing: Listing = LATEST_ARTIFACTS,
    columns: Columns = None,
    only_latest: bool = False,
) -> None:
    """Print artifacts, the latest first."""
    from stackfold.application.artifacts.artifact_views import NamedArtifact

    with Workspace.open() as workspace:

        def ask(part: Listing) -> Sequence[NamedArtifact]:
            return workspace.artifacts.list(part, only_latest)

        views = ask(listing)
        more = more_rows(ask, listing, len(views))
    shape = Shape(
        NamedArtifact._fields, ("name", "version", "type", "size", "created"), ("name", "version")
    )
    show_rows([view._asdict() for view in views], shape, output, columns)
    note_rest(listing, len(views), more, "artifact")


# -- deployments


def deployments(
    output: str = Format.TABLE,
    listing: Listing = FIRST_PAGE,
    columns: Columns = None,
    as_of: str | None = None,
) -> None:
    """Print deployments: with their live status, or as recorded at a past point."""
    from stackfold.application.deployments.deployment_views import DeploymentView

    with Workspace.open() as workspace:
        position = _position(workspace, as_of)

        def ask(part: Listing) -> Sequence[DeploymentView]:
            return workspace.deployments.list(part, position)

        views = ask(listing)
        more = more_rows(ask, listing, len(views))
    table = ("name", "status", "model", "stack", "stack_revision", "deployer", "url")
    shape = Shape(DeploymentView._fields, table, table[:3])
    records = [view._asdict() for view in views]
    if output == Format.TABLE:
        records = [{**each, "model": _served(each)} for each in records]
    show_rows(records, shape, output, columns)
    for view in views:
        if view.behind:
            note(f"{view.name!r} is behind: {view.behind}")
    note_rest(listing, len(views), more, "deployment")


def _served(record: Mapping[str, Any]) -> str:
    """What a deployment serves, in a table."""
    traffic: Mapping[str, int] = record["traffic"]
    return _shares(traffic) if len(traffic) > 1 else next(iter(traffic))


def _shares(traffic: Mapping[str, int]) -> str:
    return ", ".join(f"{title} {share}%" for title, share in traffic.items())


def deployment(reference: str, output: str = Format.TABLE, as_of: str | None = None) -> None:
    """Print all fields of one deployment."""
    with Workspace.open() as workspace:
        view = workspace.deployments.describe(reference, as_of)
    record = view._asdict()
    if output == Format.TABLE:
        shares = {name: _shares(record[name]) for name in ("traffic", "update")}
        record = {**record, **shares}
    show_one(record, view._fields, output)


def deployment_history(
    reference: str,
    output: str = Format.TABLE,
    limit: int | None = None,
    columns: Columns = None,
) -> None:
    """Print the history of a deployment."""
    with Workspace.open() as workspace:
        entries = workspace.deployments.history(reference, limit)
    show_history(entries, "deployment", output, columns)


# -- the workspace


def status(output: str = Format.TABLE, as_of: str | None = None) -> None:
    """Print the home, the log, the project, and the active stack with the setting that chose it."""
    from importlib.metadata import version as installed

    with Workspace.open() as workspace:
        record = {"version": installed("stackfold"), **workspace.status(as_of)._asdict()}
    problem, store = record.pop("problem"), record.pop("store")
    if store:
        record["store"] = store
    show_one(record, tuple(record), output)
    if problem:
        note(str(problem))


def whoami(output: str = Format.TABLE) -> None:
    """Print the author of changes with the setting that names it, the active stack and the log."""
    with Workspace.open() as workspace:
        actor, status = workspace.identity(), workspace.status()
    shown = {
        "actor": actor.actor,
        "origin": actor.origin,
        "active_stack": status.active_stack,
        "chosen_by": status.chosen_by,
        "home": status.home,
        "log": actor.log,
    }
    show_one(shown, tuple(shown), output)
    if status.problem:
        note(status.problem)


def doctor(output: str = Format.TABLE) -> bool:
    """Print what each check of the workspace found; return whether there is no problem."""
    from stackfold.cli.colour import FINDING, coloured
    from stackfold.cli.hints import hint_for

    rows = []
    for each in Workspace.diagnose():
        hint = hint_for(each.error)
        found = f"{each.found} ({hint})" if hint else each.found
        rows.append({"check": each.check, "status": each.status, "found": found})
        if output == Format.TABLE:
            status = coloured(each.status.ljust(9), FINDING[each.status])
            sys.stdout.write(f"{status}{each.check:<14}{one_line(found)}\n")
    if output != Format.TABLE:
        fields = ("check", "status", "found")
        show_rows(rows, Shape(fields, fields), output)
    return all(row["status"] != "problem" for row in rows)


def log_head(output: str = Format.TABLE) -> None:
    """Print the last position and its hash; as text, in the form that `log verify --head` takes."""
    with Workspace.open() as workspace:
        head = workspace.log.head()
    if output == Format.TABLE:
        echo(str(head))
    else:
        show_one({**head._asdict(), "hash": head.hash.hex()}, head._fields, output)


def version(output: str = Format.TABLE) -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    if output == Format.TABLE:
        echo(installed("stackfold"))
    else:
        show_one({"version": installed("stackfold")}, ("version",), output)


# -- helpers


def _position(workspace: Workspace, as_of: str | None) -> int | None:
    """The position of a past point: resolved once, for all pages of a list."""
    return None if as_of is None else workspace.log.position(as_of)


def _show_name(view: StackView | ComponentView, output: str) -> None:
    if output == Format.TABLE:
        echo(view.name)
    else:
        show_one(view._asdict(), view._fields, output)


def more_rows(ask: Callable[[Listing], Sequence[object]], listing: Listing, shown: int) -> bool:
    """Tell whether there is a row after this page."""
    if listing.size is None or shown < listing.size:
        return False
    return bool(ask(listing._replace(page=listing.page * listing.size + 1, size=1)))


def note_rest(listing: Listing, shown: int, more: bool, noun: str, filtered: bool = False) -> None:
    """Note that there are more rows than this page has, or none at all.

    Args:
        listing: The page.
        shown: The number of its rows.
        more: Whether there is a row after it.
        noun: What the rows are, such as "run".
        filtered: Whether rows are filtered by more than the listing.
    """
    if more:
        note(f"more rows exist: show them with --page {listing.page + 1} or a larger --size")
    elif not shown:
        part = (listing.where, listing.labels, listing.tags, listing.since, listing.until)
        narrowed = filtered or any(part) or listing.page > 1
        note(f"no {noun} {'matches' if narrowed else 'yet'}")
