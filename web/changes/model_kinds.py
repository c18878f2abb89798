"""The changes of models and of aliases of artifacts that the pages can make."""

from collections.abc import Callable, Mapping, Sequence

from stackfold.application.history.views import HistoryEntry
from stackfold.domain.errors import NotFound, PromotionRefused
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.changes.kind import Command, Fields, Kind, Refused, given, written
from stackfold.web.pages.numbers import whole_number


class _Rehearsed(Exception):
    """Ends the transaction of a dry run, which records nothing."""


def recorded_by(
    ws: Workspace, how: Command, command: Callable[[], object]
) -> Sequence[HistoryEntry]:
    """Execute a command; returns what it recorded, or would record.

    A dry run executes it, too, and takes everything back: what it shows is what would happen.
    """
    entries: list[HistoryEntry] = []
    refused: Refused | None = None
    try:
        with ws.change(why=how.why):
            before = ws.log.head().position
            try:
                command()
            except Refused as error:
                refused = error  # what the gate found is recorded
            entries += ws.log.entries(since=f"#{before + 1}", detail="all", newest_first=False)
            if how.dry_run:
                raise _Rehearsed
    except _Rehearsed:
        pass
    if refused:
        raise refused
    return entries


def model_revision(ws: Workspace, fields: Fields) -> int:
    """The revision of the model."""
    return ws.models.get(given(fields, "model")).revision


def _promote(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    def command() -> None:
        try:
            ws.models.promote(
                given(fields, "model"),
                given(fields, "version"),
                given(fields, "alias"),
                force=how.confirmed,
                why=how.why,
                expected_revision=how.expected,
            )
        except PromotionRefused as error:
            raise Refused(f"the gate refuses it: {error.problem}") from error

    return recorded_by(ws, how, command)


def _roll_back(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    to = whole_number("to", fields["to"]) if fields.get("to") else None
    return recorded_by(
        ws,
        how,
        lambda: ws.models.rollback(
            given(fields, "model"),
            given(fields, "alias"),
            to,
            why=how.why,
            expected_revision=how.expected,
        ),
    )


def _clear(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    return recorded_by(
        ws,
        how,
        lambda: ws.models.remove_alias(
            given(fields, "model"),
            given(fields, "alias"),
            why=how.why,
            expected_revision=how.expected,
        ),
    )


def _set_gate(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    return recorded_by(
        ws,
        how,
        lambda: ws.models.set_gate(
            given(fields, "model"),
            fields.get("rule"),
            given(fields, "alias"),
            why=how.why,
            expected_revision=how.expected,
        ),
    )


def _name_revision(ws: Workspace, fields: Fields) -> int:
    """The revision of the name of an artifact, which begins with its first alias."""
    try:
        last = ws.artifacts.history(given(fields, "artifact"), 1)
    except NotFound:
        return 0
    return last[0].revision


def _set_alias(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    reference = f"{given(fields, 'artifact')}@{given(fields, 'version')}"
    alias = given(fields, "alias")
    # The outcome, which is compared with what was shown, contains the revision.
    return recorded_by(ws, how, lambda: ws.artifacts.alias(reference, alias, how.why))


def _remove_alias(ws: Workspace, fields: Fields, how: Command) -> Sequence[HistoryEntry]:
    reference = f"{given(fields, 'artifact')}@{given(fields, 'alias')}"
    return recorded_by(ws, how, lambda: ws.artifacts.remove_alias(reference, how.why))


def _gate_command(fields: Fields) -> str:
    rule = [fields["rule"]] if fields.get("rule") else ["--remove"]
    return written("model", "gate", fields["model"], *rule, "--to", fields["alias"])


MODEL_KINDS: Mapping[str, Kind] = {
    "promote": Kind(
        "Promote",
        lambda fields: (
            f"Promote {given(fields, 'model')}@{given(fields, 'version')} "
            f"to {given(fields, 'alias')}"
        ),
        lambda fields: written(
            "model", "promote", fields["model"], fields["version"], "--to", fields["alias"]
        ),
        model_revision,
        _promote,
    ),
    "rollback": Kind(
        "Roll back",
        lambda fields: f"Roll back {given(fields, 'model')} from {given(fields, 'alias')}",
        lambda fields: written("model", "rollback", fields["model"], "--from", fields["alias"]),
        model_revision,
        _roll_back,
    ),
    "clear": Kind(
        "Remove",
        lambda fields: f"Remove alias {given(fields, 'alias')} of model {given(fields, 'model')}",
        lambda fields: written("model", "clear", fields["model"], fields["alias"]),
        model_revision,
        _clear,
    ),
    "gate": Kind(
        "Set",
        lambda fields: (
            f"{'Set' if fields.get('rule') else 'Remove'} the gate of {given(fields, 'model')} "
            f"to {given(fields, 'alias')}"
        ),
        _gate_command,
        model_revision,
        _set_gate,
    ),
    "alias": Kind(
        "Set",
        lambda fields: (
            f"{given(fields, 'artifact')}@{given(fields, 'alias')} is version "
            f"{given(fields, 'version')}"
        ),
        lambda fields: written(
            "artifact", "alias", f"{fields['artifact']}@{fields['version']}", fields["alias"]
        ),
        _name_revision,
        _set_alias,
    ),
    "unalias": Kind(
        "Remove",
        lambda fields: f"Remove alias {given(fields, 'artifact')}@{given(fields, 'alias')}",
        lambda fields: written(
            "artifact", "alias", f"{fields['artifact']}@{fields['alias']}", "--remove"
        ),
        _name_revision,
        _remove_alias,
    ),
}
"""The last part of the path → the kind."""
