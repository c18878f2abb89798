"""Writes docs/errors.md from the classes in `stackfold.errors`: run `make reference`."""

import inspect
import re
import sys
from collections.abc import Iterator

from stackfold.domain import errors
from stackfold.domain.errors import (
    Busy,
    Conflict,
    Damaged,
    Failed,
    Forbidden,
    Invalid,
    NotFound,
    NothingToChange,
    StackfoldError,
    StackfoldWarning,
    Unavailable,
)

KINDS: tuple[type[StackfoldError], ...] = (
    NotFound,
    Conflict,
    Invalid,
    Forbidden,
    Unavailable,
    Busy,
    Failed,
    Damaged,
)

_INTRODUCTION = """\
# Errors

Every error that Stackfold raises on purpose is a class of `stackfold.errors`, derived from one of \
eight kinds and from `StackfoldError`. Catch the kind; catch a class below it where only that one \
can be handled:

```python
from stackfold import Workspace
from stackfold.errors import Conflict, NotFound

with Workspace.open() as workspace:
    try:
        workspace.stacks.delete("prod")
    except NotFound as error:
        print(error.kind, error.reference)
    except Conflict as error:
        print(error.message)
```

The text of an error is one line: what is wrong, then what to do. Everything in it is an attribute \
too. Errors can be pickled and copied. Why they are arranged like this: \
[0036](decisions/0036-eight-kinds-of-errors.md).

The command line prints the text on stderr, with the command or option that helps in parentheses, \
and exits with 1. `NothingToChange` is no failure: its text goes to stdout and the exit code is 0. \
Wrong usage exits with 2, Ctrl-C with 130. Warnings are printed as notes and change no exit code.
"""


def error_reference() -> str:
    """The whole document."""
    sections = [_section(kind, exit_code=1) for kind in KINDS]
    unchanged = _section(NothingToChange, exit_code=0)
    warnings = _section(StackfoldWarning, exit_code=None)
    return "\n".join([_INTRODUCTION, *sections, unchanged, warnings])


def _section(kind: type[BaseException], exit_code: int | None) -> str:
    code = "" if exit_code is None else f" Exit code {exit_code}."
    lines = [
        f"## {kind.__name__}\n",
        f"{_summary(kind)}{code}\n",
    ]
    if data := _data(kind):
        lines += [*(f"- {each}" for each in data), ""]
    rows = [f"| `{each.__name__}` | {_summary(each)} | {'<br>'.join(_data(each))} |"
            for each in _below(kind)]  # fmt: skip
    if rows:
        lines += ["| class | raised when | data |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


def _below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for name in errors.__all__:
        each = getattr(errors, name)
        if issubclass(each, kind) and each is not kind:
            yield each


def _summary(kind: type[BaseException]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]


def _data(kind: type[BaseException]) -> list[str]:
    """The attributes that the docstring of a class lists, but the message that all have."""
    _, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.*)", listed, re.MULTILINE)
    return [f"`{name}`: {text}" for name, text in found if name != "message"]


if __name__ == "__main__":
    sys.stdout.write(error_reference())
