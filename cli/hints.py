"""What to type after an error: errors carry data, and only the command line knows its commands."""

from collections.abc import Callable
from typing import Any

from stackfold.domain.errors import (
    ArtifactDamaged,
    CannotUndo,
    ComponentDeleted,
    ComponentsDiffer,
    DeploymentStopped,
    FlavorClassNotFound,
    FromAnotherStack,
    ImportNameTaken,
    MissingSecret,
    NeedsConfirmation,
    NotFound,
    NotInstalled,
    PolicyFailed,
    PolicyUnavailable,
    ReactionDiverged,
    ReadModelDamaged,
    ReasonRequired,
    RunFailed,
    UntrustedProject,
    UntrustedStore,
)


def with_hint(error: BaseException) -> str:
    """The message of an error, and in parentheses the command or option that helps, if any."""
    hint = hint_for(error)
    return f"{error} ({hint})" if hint else str(error)


def hint_for(error: BaseException | None) -> str:
    """The command or option that helps against an error; empty if there is none."""
    for kind in type(error).__mro__:
        if kind in HINTS:
            return HINTS[kind](error)
    return ""


def _restoring(error: ComponentDeleted) -> str:
    command = f"`stackfold {error.command} restore {error.name}`"
    return f"{command}, or --with-components" if error.with_components else command


def _creating(error: MissingSecret) -> str:
    return ", ".join(f"`stackfold secret create {name} --{key}=-`" for name, key in error.keys)


def _disabling(error: PolicyFailed | PolicyUnavailable) -> str:
    return f"`stackfold policy disable {error.policy} -m TEXT`"


def _finding(error: NotFound) -> str:
    commands = {
        "policy": "`stackfold policy list`",
        "project": "`stackfold init`",
        "reaction": "`stackfold reactions list`",
        "run": "`stackfold run list`",
        "secret": "`stackfold secret list`",
    }
    return commands.get(error.kind, "") if type(error) is NotFound and not error.hint else ""


HINTS: dict[type, Callable[[Any], str]] = {
    ArtifactDamaged: lambda error: "--no-cache" if error.again else "",
    CannotUndo: lambda error: (
        f"`stackfold {error.kind} delete {error.name}`, or `stackfold stack revert`"
    ),
    ComponentDeleted: _restoring,
    ComponentsDiffer: lambda error: "--on-conflict reuse, or --on-conflict rename",
    DeploymentStopped: lambda error: f"`stackfold deployment start {error.deployment}`",
    FlavorClassNotFound: lambda error: (
        f"`stackfold {error.command} flavor register {error.source}`"
    ),
    FromAnotherStack: lambda error: f"--from-stack {error.made_on[0] if error.made_on else 'NAME'}",
    ImportNameTaken: lambda error: "--on-conflict rename",
    MissingSecret: _creating,
    NeedsConfirmation: lambda error: "--yes",
    NotFound: _finding,
    NotInstalled: lambda error: f"`stackfold integration install {error.integration}`",
    PolicyFailed: _disabling,
    PolicyUnavailable: _disabling,
    ReactionDiverged: lambda error: f"`stackfold reactions reset {error.reaction} --yes`",
    ReadModelDamaged: lambda error: "`stackfold log rebuild`",
    ReasonRequired: lambda error: "-m TEXT",
    RunFailed: lambda error: hint_for(error.__cause__),
    UntrustedProject: lambda error: f"`stackfold trust {error.folder}`",
    UntrustedStore: lambda error: f"`stackfold trust {error.folder}`",
}
"""Class of errors → what helps against one of them: commands in backticks, and options."""
