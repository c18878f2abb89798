"""The command groups, one per noun; a group's module is imported when it is used."""

from functools import partial
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.main import get_install_completion_arguments

from stackfold.cli import show
from stackfold.cli.installed_types import installed_types, recorded_type
from stackfold.cli.nouns import summary
from stackfold.cli.typer_ext import Entry, LazyGroup, options_of
from stackfold.domain.stacks.component_type import ComponentType

HELP = "Register, inspect and switch MLOps stacks, and run pipelines on them."


class _Root(LazyGroup):
    """The root group; it also has commands for component types that only the log mentions."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args[:1] == ["help"]:  # `help run list` is `run list --help`
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.entries and (type := recorded_type(cmd_name)):
            self.entries[cmd_name] = Entry(summary(type), partial(_components, type))
            self.commands[cmd_name] = self.load(cmd_name)
        return super().get_command(ctx, cmd_name)


def command() -> Any:
    """Build the root command group."""
    group = _Root("stackfold", HELP, _entries())
    group.params.extend(options_of(_root))
    group.params.extend(get_install_completion_arguments())
    return group


def _print_version(context: typer.Context, given: bool) -> None:
    if given and not context.resilient_parsing:
        show.version()
        context.exit()


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None: ...


def _entries() -> dict[str, Entry]:
    entries = {
        "init": Entry("Make a folder a project with its own active stack.", partial(_leaf, "init")),
        "trust": Entry("Trust a project that another user owns.", partial(_leaf, "trust")),
        "untrust": Entry("Revoke the trust of a project.", partial(_leaf, "untrust")),
        "status": Entry("Show the home, the log and the active stack.", partial(_leaf, "status")),
        "whoami": Entry("Show who makes changes, and where.", partial(_leaf, "whoami")),
        "doctor": Entry(
            "Check that everything works, and say what to do.", partial(_leaf, "doctor")
        ),
        "undo": Entry("Undo the last change.", partial(_leaf, "undo")),
        "ui": Entry("Show stacks, runs and the log in the browser.", partial(_alone, "ui")),
        "report": Entry("Write a run or a stack as one HTML file.", partial(_alone, "report")),
        "version": Entry("Print the version.", partial(_leaf, "version")),
        "stack": Entry("Compose, inspect, change and activate stacks.", partial(_noun, "stack")),
    }
    for type in (*ComponentType, *installed_types()):
        entries[type.command] = Entry(summary(type), partial(_components, type))
    entries["component"] = Entry(
        "List the components of all types.", partial(_of_all_types, "component")
    )
    entries["flavor"] = Entry(
        "List the flavors of all component types.", partial(_of_all_types, "flavor")
    )
    entries["secret"] = Entry(
        "Manage secrets, which are stored outside the log.", partial(_noun, "secret")
    )
    entries["integration"] = Entry(
        "List and install the packages that flavors require.", partial(_noun, "integration")
    )
    entries["log"] = Entry("Show, verify, copy and rebuild the event log.", partial(_noun, "log"))
    entries["policy"] = Entry(
        "Enable, disable and inspect policies, which can reject changes.", partial(_noun, "policy")
    )
    entries["pipeline"] = Entry(
        "List and run pipelines, and build their images.", partial(_noun, "pipeline")
    )
    entries["schedule"] = Entry("Start runs at times, or after events.", partial(_noun, "schedule"))
    entries["run"] = Entry("Inspect, compare, resume and rerun runs.", partial(_noun, "run"))
    entries["artifact"] = Entry(
        "Save, inspect, export, load, trace and prune artifacts.", partial(_noun, "artifact")
    )
    entries["model"] = Entry(
        "Promote versions of models, roll back, and see what was promoted when.",
        partial(_noun, "model"),
    )
    entries["deployment"] = Entry(
        "Serve models and request predictions.", partial(_noun, "deployment")
    )
    entries["reactions"] = Entry(
        "Hand events to functions and webhooks.", partial(_noun, "reactions")
    )
    return entries


def _leaf(name: str) -> Any:
    from stackfold.cli.project import project

    return project.group().load(name)


def _alone(name: str) -> Any:
    return getattr(import_module(f"stackfold.cli.{name}"), name).group().load(name)


def _noun(name: str) -> Any:
    return getattr(import_module(f"stackfold.cli.{name}"), name).group()


def _of_all_types(name: str) -> Any:
    return getattr(import_module("stackfold.cli.all_types"), name).group()


def _components(type: ComponentType) -> Any:
    from stackfold.cli.component import component

    return component(type).group()
