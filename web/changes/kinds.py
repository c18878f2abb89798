"""The changes that the pages can make, and how each is executed."""

import shlex
from collections.abc import Mapping, Sequence

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.domain.errors import NotFound, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.changes.kind import Command, Fields, Kind, given
from stackfold.web.changes.model_kinds import MODEL_KINDS, model_revision
from stackfold.web.pages.numbers import whole_number


def _type(fields: Fields) -> ComponentType:
    return ComponentType(fields["type"])


def _thing(fields: Fields) -> str:
    """What is changed, such as "stack prod"."""
    if "type" in fields:
        return f"{fields['type'].replace('_', ' ')} {given(fields, 'component')}"
    if "model" in fields:
        return f"model {fields['model']}"
    return f"stack {given(fields, 'stack')}"


def _revision(ws: Workspace, fields: Fields) -> int:
    if "model" in fields:
        return model_revision(ws, fields)
    if "type" in fields:
        return ws.components.get(_type(fields), given(fields, "component")).revision
    return ws.stacks.get(given(fields, "stack")).revision


def _last_revision(ws: Workspace, fields: Fields) -> int:
    """The revision of something that was deleted: that of its deletion."""
    if "type" in fields:
        (last,) = ws.components.history(_type(fields), given(fields, "component"), 1)
    elif "model" in fields:
        (last,) = ws.models.history(fields["model"], 1)
    else:
        (last,) = ws.stacks.history(given(fields, "stack"), 1)
    return last.revision


def _head(ws: Workspace, fields: Fields) -> int:
    return ws.log.head().position


def _activate(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    try:
        before = ws.stacks.get().name
    except StackfoldError:  # the active stack may have been deleted elsewhere
        before = None
    stack = ws.stacks.activate(
        given(fields, "stack"), how.why, dry_run=how.dry_run, expected_position=how.expected
    )
    head = ws.log.head().position
    changes = [Change("stack", before, stack.name)]
    entry = HistoryEntry(
        position=head, change=head, when="", by=ws.actor, why="", kind="activation", name="",
        id=stack.id, revision=0, action="activated", changes=changes,
    )  # fmt: skip
    return [entry]


def _revert(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    position = f"#{whole_number('to', given(fields, 'to'))}"
    if "type" in fields:
        return ws.components.revert(
            _type(fields),
            given(fields, "component"),
            as_of=position,
            dry_run=how.dry_run,
            why=how.why,
            expected_revision=how.expected,
        )
    if "model" in fields:
        return ws.models.revert(
            fields["model"],
            as_of=position,
            dry_run=how.dry_run,
            why=how.why,
            expected_revision=how.expected,
        )
    return ws.stacks.revert(
        given(fields, "stack"),
        as_of=position,
        with_components=fields.get("components") == "1",
        confirmed=how.confirmed,
        dry_run=how.dry_run,
        why=how.why,
        expected_revision=how.expected,
    )


def _restore(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    if "type" in fields:
        return ws.components.restore(
            _type(fields),
            given(fields, "component"),
            dry_run=how.dry_run,
            why=how.why,
            expected_revision=how.expected,
        )
    if "model" in fields:
        return ws.models.restore(
            fields["model"], dry_run=how.dry_run, why=how.why, expected_revision=how.expected
        )
    return ws.stacks.restore(
        given(fields, "stack"),
        dry_run=how.dry_run,
        why=how.why,
        expected_revision=how.expected,
    )


def _undo(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    return ws.undo(dry_run=how.dry_run, why=how.why, expected_position=how.expected)


def _to(fields: Fields) -> str:
    return f"Revert {_thing(fields)} to #{given(fields, 'to')}"


def _command(verb: str, fields: Fields, *options: str) -> str:
    """A command on what is changed."""
    noun, name = "stack", fields.get("stack", "")
    if "type" in fields:
        noun, name = fields["type"].replace("_", "-"), fields.get("component", "")
    elif "model" in fields:
        noun, name = "model", fields["model"]
    return " ".join(["stackfold", shlex.quote(noun), verb, shlex.quote(name), *options])


def _revert_command(fields: Fields) -> str:
    options = ["--as-of", shlex.quote(f"#{fields['to']}")]
    if fields.get("components") == "1":
        options.append("--with-components")
    return _command("revert", fields, *options, "--dry-run")


KINDS: Mapping[str, Kind] = {
    "activate": Kind(
        "Activate",
        lambda fields: f"Activate {_thing(fields)}",
        lambda fields: _command("activate", fields),
        _head,
        _activate,
    ),
    "revert": Kind("Revert", _to, _revert_command, _revision, _revert),
    "restore": Kind(
        "Restore",
        lambda fields: f"Restore {_thing(fields)}",
        lambda fields: _command("restore", fields, "--dry-run"),
        _last_revision,
        _restore,
    ),
    "undo": Kind(
        "Undo",
        lambda fields: "Undo the last change",
        lambda fields: "stackfold undo --dry-run",
        _head,
        _undo,
    ),
    **MODEL_KINDS,
}
"""The last part of the path → the kind."""
FIELDS = (
    *("stack", "type", "component", "to", "components", "run"),
    *("model", "version", "alias", "rule", "artifact"),
)
"""The fields of queries that say what is to be changed."""


def kind_of(name: str) -> Kind:
    """The kind of a path.

    Raises:
        NotFound: There is none.
    """
    if name not in KINDS:
        raise NotFound("page", f"/changes/{name}", "see the overview")
    return KINDS[name]
