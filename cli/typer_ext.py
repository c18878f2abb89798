"""Extensions of typer: lazy groups, rejection of repeated options, free-form attributes."""

import inspect
import re
from collections import Counter
from collections.abc import Callable
from enum import EnumMeta
from itertools import islice
from typing import Any, NamedTuple, TypeVar, get_args

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from stackfold.cli.aliases import HELP_OPTIONS, aliases_of
from stackfold.cli.help_sections import sections

F = TypeVar("F", bound=Callable[..., None])
ATTRIBUTES = "stackfold.attributes"
_SHORT_FORMS = re.compile(r"('--[\w-]+')( / '[\w-]+')+")
"""The names of an option in an error; the first is its full name."""


class WrongUsage(typer.TyperException):
    """Wrong usage of a command; exit code 2."""

    exit_code = 2

    def __init__(self, message: str, context: Any = None) -> None:
        """Create the error.

        Args:
            message: What is wrong.
            context: The click context, which names the command whose help to read; None if unknown.
        """
        super().__init__(message)
        self.ctx = context


class Command(TyperCommand):
    """A command that rejects a repeated option instead of silently using the last one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
            for parameter, times in Counter(order).items():
                if times > 1 and not parameter.multiple and _takes_value(parameter):
                    name = max(parameter.opts, key=len)
                    raise WrongUsage(f"{name} is given {times} times: give it once", ctx)
        return super().parse_args(ctx, args)


class ConfiguringCommand(Command):
    """A command whose unknown long options are attributes: `--key=value` or `--key value`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options = {
            name: _takes_value(parameter)
            for parameter in self.get_params(ctx)
            for name in (*parameter.opts, *parameter.secondary_opts)
        }
        own: list[str] = []
        attributes: dict[str, str] = {}
        words = iter(args)
        for word in words:
            name, equals, value = word.partition("=")
            if word == "--":
                own += [word, *words]
            elif not word.startswith("--") or name in options:
                own.append(word)
                if options.get(word):
                    own += islice(words, 1)
            else:
                given = [value] if equals else list(islice(words, 1))
                if not ctx.resilient_parsing:
                    _take(attributes, name, given, ctx)
        ctx.meta[ATTRIBUTES] = attributes
        return super().parse_args(ctx, own)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[--ATTRIBUTE=VALUE]..."]


def _take(attributes: dict[str, str], name: str, given: list[str], ctx: Any) -> None:
    key = name[2:].replace("-", "_")
    if not key.isidentifier():
        raise WrongUsage(f"no such option: {name}", ctx)
    if not given or given[0].startswith("--"):
        raise WrongUsage(f"the attribute {name} needs a value: write {name}=value", ctx)
    if key in attributes:
        raise WrongUsage(f"{name} is given twice: give it once", ctx)
    attributes[key] = given[0]


def _takes_value(parameter: Any) -> bool:
    return parameter.param_type_name == "option" and not parameter.is_flag


class Entry(NamedTuple):
    """A command or group: its help in a list of commands, and the function that builds it."""

    help: str
    load: Callable[[], Any]


class LazyGroup(TyperGroup):
    """A group that builds each command on first use; until then it knows only its help."""

    def __init__(self, name: str, help: str, entries: dict[str, Entry], default: str = "") -> None:
        """Create the group.

        Args:
            name: The word that selects the group.
            help: One sentence.
            entries: Name → command or group.
            default: The name of the command that runs if none is named.
        """
        stubs: dict[str, Any] = {
            each: TyperCommand(each, help=entry.help) for each, entry in entries.items()
        }
        self.aliases = aliases_of(name, stubs)
        also = ", ".join(f"{alias} ({command})" for alias, command in self.aliases.items())
        super().__init__(
            name=name,
            help=help,
            epilog=f"Aliases: {also}." if also else None,
            commands=stubs,
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings={"help_option_names": HELP_OPTIONS},
        )
        self.entries, self.default = entries, default

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_option = bool(args) and args[0].startswith("-") and args[0] not in ctx.help_option_names
        if self.default and (is_option or not (args or ctx.resilient_parsing)):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by purpose, each with its whole help."""
        for title, names in sections(str(self.name), [*self.entries]):
            with formatter.section(title):
                formatter.write_dl([(name, self.entries[name].help) for name in names])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        if self.default and incomplete.startswith("-"):
            found: list[Any] = self.load(self.default).shell_complete(ctx, incomplete)
            return found
        return super().shell_complete(ctx, incomplete)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        args = [self.aliases.get(args[0], args[0]), *args[1:]]
        name, stub, rest = super().resolve_command(ctx, args)
        return name, stub and self.load(str(name)), rest

    def load(self, name: str) -> Any:
        """Build the command `name`."""
        return self.entries[name].load()


class Noun:
    """Collects the commands of one noun."""

    def __init__(self, name: str, help: str, default: str = "") -> None:
        """Create an empty group; `default` is the command that runs if none is named."""
        self.name, self.help, self.default = name, help, default
        self.entries: dict[str, Entry] = {}

    def command(self, name: str, cls: type[Command] = Command, help: str = "") -> Callable[[F], F]:
        """Decorate a function to make it a command; its docstring is the default help."""

        def declare(function: F) -> F:
            whole = help or inspect.getdoc(function) or ""
            summary = whole.partition("\n\n")[0]
            self.entries[name] = Entry(summary, lambda: _made(function, name, cls, whole))
            return function

        return declare

    def include(self, noun: "Noun") -> None:
        """Add the commands of another noun as a subgroup."""
        self.entries[noun.name] = Entry(noun.help, noun.group)

    def group(self) -> LazyGroup:
        """Build the group for typer."""
        return LazyGroup(self.name, self.help, self.entries, self.default)


def _made(function: Callable[..., None], name: str, cls: type[Command], help: str) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, cls=cls, help=help)(function)
    return get_command(app)


def options_of(function: Callable[..., None]) -> list[Any]:
    """Build the options that the parameters of a function declare."""
    options: list[Any] = _made(function, "options", Command, "").params
    return options


def usage_problem(misuse: Exception) -> str:
    """Format a usage error as one line; several lines are the help of a group."""
    text = str(getattr(misuse, "format_message", misuse.__str__)())
    context = getattr(misuse, "ctx", None)
    if "\n" in text or context is None:
        return text
    text = _SHORT_FORMS.sub(r"\1", text[0].lower() + text[1:].rstrip("."))
    if expected := _expected(misuse):
        text = f"{text.partition(': ')[0]}: {expected}"
    return f"{text}{'' if text.endswith('?') else ';'} see '{context.command_path} --help'"


def _expected(misuse: Any) -> str:
    """Say which values an option with an invalid one takes; empty if its error says that best.

    Versions of typer word this differently.
    """
    parameter, function = getattr(misuse, "param", None), misuse.ctx.command.callback
    hint = getattr(function, "__annotations__", {}).get(getattr(parameter, "name", None))
    kinds = {*get_args(get_args(hint)[0])} or {*get_args(hint)[:1]} if hint else set()
    if int in kinds:
        least, most = get_args(hint)[1].min, get_args(hint)[1].max
        if least is not None and most is not None:
            return f"give a whole number from {least} to {most}"
        return "give a whole number" + (f" of at least {least}" if least is not None else "")
    choices = [str(each) for kind in kinds if isinstance(kind, EnumMeta) for each in _members(kind)]
    return f"give one of {', '.join(choices)}" if choices else ""


def _members(kind: EnumMeta) -> list[Any]:
    return [*kind.__members__.values()]


def attributes_of(context: typer.Context) -> dict[str, str]:
    """Attribute → text, as given to a ConfiguringCommand."""
    attributes: dict[str, str] = context.meta.get(ATTRIBUTES, {})
    return attributes
