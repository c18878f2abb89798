"""Runs the most common read commands without loading typer.

Loading typer takes several times as long as the command itself. Only the exact forms that
`commands()` lists are run here, with `--output` at the end or without; everything else is left to
typer, which knows the whole grammar. Tests compare both ways.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from stackfold.cli import run_list, show
from stackfold.cli.render import Format
from stackfold.domain.stacks.component_type import ComponentType

Command = Callable[..., None]


def try_fast_path(arguments: Sequence[str]) -> bool:
    """Run a command if its form is listed here; otherwise do nothing and return False."""
    words, output = _without_output(arguments)
    command = _find(words)
    if command is None or output not in Format.__members__.values():
        return False
    command(output=output)
    return True


def _without_output(arguments: Sequence[str]) -> tuple[Sequence[str], str]:
    match arguments:
        case [*words, "--output" | "-o", value]:
            return words, value
        case [*words, last] if last.startswith("--output="):
            return words, last.removeprefix("--output=")
    return arguments, Format.TABLE


def _find(words: Sequence[str]) -> Command | None:
    if any(word.startswith("-") or not word for word in words):
        return None
    if (command := dict(commands()).get(tuple(words))) is not None:
        return command
    if len(words) < 2 or words[-2] not in {"describe", "history"}:
        return None
    command = dict((*commands(), *_NAME_REQUIRED)).get(tuple(words[:-1]))
    return command and partial(command, reference=words[-1])


_NAME_REQUIRED: tuple[tuple[tuple[str, ...], Command], ...] = (
    (("deployment", "describe"), show.deployment),
    (("deployment", "history"), show.deployment_history),
)


def commands() -> Iterator[tuple[tuple[str, ...], Command]]:
    """The words of each command, and its function; a name may follow `describe` and `history`."""
    yield ("status",), show.status
    yield ("version",), show.version
    yield ("run", "list"), run_list.runs
    yield ("stack", "list"), show.stacks
    yield ("stack", "get"), show.active_stack
    yield ("stack", "describe"), show.stack
    yield ("stack", "history"), show.stack_history
    yield ("log", "head"), show.log_head
    yield ("artifact", "list"), show.artifacts
    yield ("deployment", "list"), show.deployments
    for type in ComponentType:
        yield (type.command, "list"), partial(show.components, type)
        yield (type.command, "get"), partial(show.active_component, type)
        yield (type.command, "describe"), partial(show.component, type)
        yield (type.command, "history"), partial(show.component_history, type)
        yield (type.command, "flavor", "list"), partial(show.flavors, type)
