"""Checks what a workspace needs, and says what to do about each problem."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stackfold.domain.errors import StackfoldError
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.system.home import LOG_FILE, find_project, home_folder

if TYPE_CHECKING:
    from stackfold.infrastructure.workspace import Workspace

OK, WARNING, PROBLEM = "ok", "warning", "problem"
RECENT = 2000
"""The number of events whose hashes are verified."""


class Finding(NamedTuple):
    """What one check found."""

    check: str
    status: str
    """"ok", "warning" (works, but should be changed) or "problem" (something does not work)."""
    found: str
    """One line; of a warning or a problem, with what to do."""
    error: StackfoldError | None = None
    """The error that a command would fail with, if there is one."""


def diagnose(open: "Callable[[], Workspace]") -> Iterator[Finding]:
    """Check one thing after another; checks that need the log are omitted if it does not open.

    Args:
        open: Opens the workspace.
    """
    yield _version()
    yield from _attempt("home", _home)
    yield from _attempt("project", _project)
    try:
        workspace = open()
    except StackfoldError as error:
        yield Finding("log", PROBLEM, str(error), error)
        return
    with workspace:
        for check, find in _OF_THE_LOG:
            yield from _attempt(check, find, workspace)


def _attempt(
    check: str, find: Callable[..., Iterator[tuple[str, str]]], *arguments: "Workspace"
) -> Iterator[Finding]:
    """The findings of a check; its error is one of them."""
    try:
        for status, found in find(*arguments):
            yield Finding(check, status, found)
    except StackfoldError as error:
        yield Finding(check, PROBLEM, str(error), error)
    except OSError as error:
        yield Finding(check, PROBLEM, f"{error.filename}: {error.strerror}")


# -- without the log


def _version() -> Finding:
    from importlib.metadata import version
    from platform import python_version

    return Finding("version", OK, f"stackfold {version('stackfold')} on Python {python_version()}")


def _home() -> Iterator[tuple[str, str]]:
    home = home_folder()
    if not os.path.exists(home):
        yield OK, f"{home} does not exist yet: the first change creates it"
        return
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        yield PROBLEM, f"{home} cannot be written: change its owner, or set STACKFOLD_HOME"
        return
    exposed = [each for each in (home, home / LOG_FILE) if _is_exposed(each)]
    if exposed:
        yield WARNING, f"other users can enter {home}: `chmod -R go-rwx {home}` unless you share it"
    else:
        yield OK, f"{home} can be written, and is private"


def _is_exposed(path: Path) -> bool:
    if os.name != "posix" or not os.path.exists(path):
        return False
    return bool(os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _project() -> Iterator[tuple[str, str]]:
    project = find_project(home=home_folder())
    if project is None:
        yield OK, "the current folder is in no project"
    else:
        log = f", with the log at {project.store}" if project.store else ""
        yield OK, f"{project.folder} is trusted{log}"


# -- with the log


def _log(workspace: "Workspace") -> Iterator[tuple[str, str]]:
    location = workspace.identity().log
    yield OK, f"{location} has {workspace.log.head().position} events, schema version {SCHEMA}"


def _hashes(workspace: "Workspace") -> Iterator[tuple[str, str]]:
    found = workspace.log.verify_end(RECENT)
    if found.problem:
        yield PROBLEM, f"#{found.position} {found.problem}: see `stackfold log verify`"
    else:
        last = f"the last {found.events}" if found.events == RECENT else f"all {found.events}"
        yield OK, f"{last} events are unchanged; `stackfold log verify` verifies everything"


def _clock(workspace: "Workspace") -> Iterator[tuple[str, str]]:
    ahead = workspace.log.ahead()
    yield (PROBLEM, str(ahead)) if ahead else (OK, "the last event is not ahead of the clock")


def _active_stack(workspace: "Workspace") -> Iterator[tuple[str, str]]:
    status = workspace.status()
    if status.problem:
        yield PROBLEM, status.problem
        return
    violations = workspace.stacks.check()
    for each in violations:
        yield PROBLEM, f"{status.active_stack!r}: {each.problem}: {each.fix}"
    if not violations:
        yield OK, f"{status.active_stack!r} is valid, chosen by {status.chosen_by}"


def _flavors(workspace: "Workspace") -> Iterator[tuple[str, str]]:
    found = workspace.flavors.list()
    problems = workspace.flavors.problems()
    for each in problems:
        yield WARNING, str(each)
    used = dict.fromkeys((each.type, each.flavor) for each in workspace.components.list())
    failed = 0
    for type, flavor in used:
        try:
            workspace.flavors.implementation(ComponentType(type), flavor)
        except StackfoldError as error:
            failed += 1
            yield PROBLEM, str(error)
    if not problems and not failed:
        yield OK, f"{len(found)} flavors, {len(used)} of them in use and importable"


def _packages(workspace: "Workspace") -> Iterator[tuple[str, str]]:
    lacking: dict[str, list[str]] = {}
    for each in workspace.components.list():
        missing = workspace.flavors.missing(ComponentType(each.type), each.flavor)
        if missing:
            name = f"{each.type.replace('_', ' ')} {each.name!r}"
            lacking.setdefault(missing.integration, []).append(name)
    for integration, names in lacking.items():
        more = f" and {len(names) - 3} more" if names[3:] else ""
        remedy = f"`stackfold integration install {integration}`"
        yield WARNING, f"{', '.join(names[:3])}{more} cannot be used here: {remedy}"
    if not lacking:
        extras = [each.name for each in workspace.integrations.list() if each.installed]
        yield OK, f"everything in use is installed; extras here: {', '.join(extras) or 'none'}"


_OF_THE_LOG: tuple[tuple[str, Callable[["Workspace"], Iterator[tuple[str, str]]]], ...] = (
    ("log", _log),
    ("hashes", _hashes),
    ("clock", _clock),
    ("active stack", _active_stack),
    ("flavors", _flavors),
    ("packages", _packages),
)
