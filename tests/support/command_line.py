"""Runs commands, in this process or in a new one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from stackfold.cli import fast_path
from stackfold.cli.main import run
from stackfold.infrastructure.system.author import author

NOBODY = 65534


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs commands in this process, which is many times faster than starting one each."""

    def __init__(self, capsys):
        self._capsys = capsys

    def __call__(self, *words: str) -> Answer:
        self._capsys.readouterr()
        # The author is cached per process; each command here stands for a process of its own.
        author.cache_clear()
        code = run(words)
        return Answer(code, *self._capsys.readouterr())

    def ok(self, *words: str) -> str:
        """The output of a command that must succeed."""
        answer = self(*words)
        assert (answer.code, answer.err) == (0, ""), answer
        return answer.out

    def json(self, *words: str) -> Any:
        """The parsed JSON output of a command that must succeed."""
        return json.loads(self.ok(*words, "--output", "json"))

    def fails(self, *words: str, code: int = 1) -> str:
        """The one-line error message of a command that must fail."""
        answer = self(*words)
        assert answer.code == code, answer
        assert answer.out == ""
        assert answer.err.startswith("error: ")
        assert answer.err.count("\n") == 1
        return answer.err.removeprefix("error: ").rstrip("\n")


@contextmanager
def without_fast_path() -> Iterator[None]:
    """Within the block, run every command through typer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_path, "try_fast_path", lambda arguments: False)
        yield


def in_a_process(*words: str, before: str = "", **options: Any) -> Answer:
    """Run a command in a new process.

    Args:
        *words: The command.
        before: Python code to run before the command.
        **options: Passed to `subprocess.run`; `environment` extends this process's.
    """
    program = f"import sys\n{before}\nfrom stackfold.cli.main import main\nmain()"
    environment = {**os.environ, **options.pop("environment", {})}
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def as_nobody(*words: str) -> Answer:
    """Run a command as a user without permissions.

    It runs in a fork, as that user may not even read Python's files.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = os.fork()
        if process == 0:
            sys.stdout, sys.stderr = out, err
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            code = run(words)
            out.flush()
            err.flush()
            os._exit(code)
        _, status = os.waitpid(process, 0)
        out.seek(0)
        err.seek(0)
        return Answer(os.waitstatus_to_exitcode(status), out.read(), err.read())
