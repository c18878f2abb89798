"""The console script: runs a command, and turns whatever happens into an exit code.

0 is done, 1 is refused with one line on stderr, 2 is wrong usage.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from stackfold.application.notices import heard_by
from stackfold.cli.gc_tuning import look_rarely
from stackfold.cli.render import warnings_as_notes
from stackfold.domain.errors import NothingToChange, StackfoldError

PROGRAM = "stackfold"


def main() -> None:
    """Run the command that the process was started with, and end the process."""
    look_rarely()
    _replace_closed_streams()
    # A terminal that cannot show a character shows its code instead.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def _replace_closed_streams() -> None:
    """Give the standard streams that were closed to the null device.

    Else the next file that is opened, such as the log, would get the number of one of them, and
    whatever a library or a child process prints would be written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing that a user can cause is raised."""
    try:
        with warnings_as_notes():
            code = _run(arguments)
        sys.stdout.flush()
    except NothingToChange as unchanged:
        from stackfold.cli.table import one_line

        sys.stdout.write(f"{one_line(str(unchanged))}\n")
        return 0
    except StackfoldError as refusal:
        return _refuse(str(refusal))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has what it wanted. Python would flush, and complain, once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _refuse(": ".join(filter(None, [error.filename, error.strerror or str(error)])))
    except RecursionError:
        return _refuse("what was given is nested too deeply: flatten it")
    except Exception as error:
        if os.environ.get("STACKFOLD_DEBUG"):
            raise
        return _refuse(
            f"unexpected {type(error).__name__}: {error}; this is a fault in Stackfold: run it "
            "again with STACKFOLD_DEBUG=1 and report what it prints"
        )
    return code


def _run(arguments: Sequence[str]) -> int:
    from stackfold.cli.fast_path import try_fast_path

    if try_fast_path(arguments):
        return 0
    if not all(map(_is_text, arguments)):
        return _refuse("the command line holds bytes that are no UTF-8 text", 2)
    from typer import TyperException

    from stackfold.cli.app import command

    try:
        with heard_by(cache(_note)):  # each notice once, however often it is told
            result = command()(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except TyperException as misuse:
        return _wrong_usage(misuse)
    return result if isinstance(result, int) else 0


def _wrong_usage(misuse: Exception) -> int:
    from stackfold.cli.typer_ext import usage_problem

    problem = usage_problem(misuse)
    if "\n" in problem:
        # A group without a command: what was asked for is its help.
        sys.stderr.write(problem + "\n")
        return 2
    return _refuse(problem, 2)


def _note(text: str) -> None:
    from stackfold.cli.render import note

    note(text)


def _is_text(argument: str) -> bool:
    return argument.isascii() or not any("\ud800" <= each <= "\udfff" for each in argument)


def _refuse(text: str, code: int = 1) -> int:
    from stackfold.cli.table import one_line

    with suppress(OSError):  # nobody reads it any more
        sys.stderr.write(f"error: {one_line(text)}\n")
    return code
