"""The console script: runs a command and maps its outcome to an exit code.

0 is success, 1 an error reported as one line on stderr, 2 wrong usage.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from stackfold.application.notices import notices_to
from stackfold.cli.gc_tuning import collect_rarely
from stackfold.cli.render import warnings_as_notes
from stackfold.domain.errors import NothingToChange, StackfoldError

PROGRAM = "stackfold"


def main() -> None:
    """Run the command in `sys.argv`, and exit the process."""
    collect_rarely()
    _replace_closed_streams()
    # Print the escape of a character that the terminal cannot encode.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def _replace_closed_streams() -> None:
    """Open the null device in place of closed standard streams.

    Otherwise the next file to be opened, such as the log, would get the descriptor of one of them,
    and the output of a library or a child process would be written into it.
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
    """Run one command and return its exit code; errors are printed, not raised."""
    try:
        with warnings_as_notes():
            code = _run(arguments)
        sys.stdout.flush()
    except NothingToChange as unchanged:
        from stackfold.cli.table import one_line

        sys.stdout.write(f"{one_line(str(unchanged))}\n")
        return 0
    except StackfoldError as error:
        from stackfold.cli.hints import with_hint

        return _fail(with_hint(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader closed the pipe. Keep Python from flushing stdout again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(": ".join(filter(None, [error.filename, error.strerror or str(error)])))
    except RecursionError:
        return _fail("the input is nested too deeply: flatten it")
    except Exception as error:
        if os.environ.get("STACKFOLD_DEBUG"):
            raise
        return _fail(
            f"unexpected {type(error).__name__}: {error}; this is a bug in Stackfold: run "
            "the command again with STACKFOLD_DEBUG=1 and report its output"
        )
    return code


def _run(arguments: Sequence[str]) -> int:
    from stackfold.cli.fast_path import try_fast_path

    if level := os.environ.get("STACKFOLD_LOG"):
        from stackfold.cli.log_to_stderr import log_to_stderr

        log_to_stderr(level)
    if try_fast_path(arguments):
        return 0
    if not all(map(_is_text, arguments)):
        return _fail("the command line is not valid UTF-8", 2)
    from typer import TyperException

    from stackfold.cli.app import command

    try:
        with notices_to(cache(_note)):  # print each notice once
            result = command()(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except TyperException as misuse:
        return _wrong_usage(misuse)
    return result if isinstance(result, int) else 0


def _wrong_usage(misuse: Exception) -> int:
    from stackfold.cli.typer_ext import usage_problem

    problem = usage_problem(misuse)
    if "\n" in problem:
        # A group without a command prints its help.
        sys.stderr.write(problem + "\n")
        return 2
    return _fail(problem, 2)


def _note(text: str) -> None:
    from stackfold.cli.render import note

    note(text)


def _is_text(argument: str) -> bool:
    return argument.isascii() or not any("\ud800" <= each <= "\udfff" for each in argument)


def _fail(text: str, code: int = 1) -> int:
    from stackfold.cli.colour import BOLD, RED, coloured
    from stackfold.cli.table import one_line

    with suppress(OSError):  # stderr was closed
        sys.stderr.write(f"{coloured('error:', f'{BOLD};{RED}', sys.stderr)} {one_line(text)}\n")
    return code
