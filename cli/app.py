"""The commands, by noun; a noun's module is imported when one of its commands is called."""

from functools import partial
from importlib import import_module
from typing import Any

from typer.core import TyperOption
from typer.main import get_install_completion_arguments

from stackfold.cli import show
from stackfold.cli.nouns import summary
from stackfold.cli.typer_ext import Entry, LazyGroup
from stackfold.domain.stacks.component_type import ComponentType

HELP = "Register, look up and switch MLOps stacks, and run pipelines on them."


def command() -> Any:
    """The whole command line, for typer to run."""
    group = LazyGroup("stackfold", HELP, _entries())
    group.params.append(
        TyperOption(
            param_decls=["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version and exit.",
        )
    )
    group.params.extend(get_install_completion_arguments())
    return group


def _print_version(context: Any, parameter: Any, given: bool) -> None:
    if given and not context.resilient_parsing:
        show.version()
        context.exit()


def _entries() -> dict[str, Entry]:
    entries = {
        "init": Entry("Give a folder an active stack of its own.", partial(_leaf, "init")),
        "trust": Entry("Trust a project that is not yours.", partial(_leaf, "trust")),
        "status": Entry("Show where things are and what is active.", partial(_leaf, "status")),
        "undo": Entry("Take back the last change.", partial(_leaf, "undo")),
        "version": Entry("Print the version.", partial(_leaf, "version")),
        "stack": Entry("Compose, look up, change and activate stacks.", partial(_noun, "stack")),
    }
    for type in ComponentType:
        entries[type.command] = Entry(summary(type), partial(_components, type))
    entries["secret"] = Entry("Keep secrets outside the log.", partial(_noun, "secret"))
    entries["integration"] = Entry(
        "Look up what flavors need, and install it.", partial(_noun, "integration")
    )
    entries["log"] = Entry("Look at everything that happened.", partial(_noun, "log"))
    entries["pipeline"] = Entry("Run pipelines.", partial(_noun, "pipeline"))
    entries["run"] = Entry("Look up, compare and repeat runs.", partial(_noun, "run"))
    entries["artifact"] = Entry("Look up what runs produced.", partial(_noun, "artifact"))
    entries["deployment"] = Entry(
        "Serve models, and ask for predictions.", partial(_noun, "deployment")
    )
    return entries


def _leaf(name: str) -> Any:
    from stackfold.cli.project import project

    return project.group().load(name)


def _noun(name: str) -> Any:
    return getattr(import_module(f"stackfold.cli.{name}"), name).group()


def _components(type: ComponentType) -> Any:
    from stackfold.cli.component import component

    return component(type).group()
