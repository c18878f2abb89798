"""Running commands, in this process or in one of their own."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

from stackfold.cli import fast_path as front_door
from stackfold.cli.main import run
from stackfold.infrastructure.system.author import author

NOBODY = 65534


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs commands in this process, which is many times faster than starting one for each."""

    def __init__(self, capsys):
        self._capsys = capsys

    def __call__(self, *words: str) -> Answer:
        self._capsys.readouterr()
        # Within one process the author is asked for once; here it is another process each time.
        author.cache_clear()
        code = run(words)
        return Answer(code, *self._capsys.readouterr())

    def ok(self, *words: str) -> str:
        """What a command that must succeed prints."""
        answer = self(*words)
        assert (answer.code, answer.err) == (0, ""), answer
        return answer.out

    def json(self, *words: str) -> Any:
        """What a command that must succeed tells programs."""
        return json.loads(self.ok(*words, "--output", "json"))

    def refused(self, *words: str, code: int = 1) -> str:
        """The one line that a command says which must be refused."""
        answer = self(*words)
        assert answer.code == code, answer
        assert answer.out == ""
        assert answer.err.startswith("error: ")
        assert answer.err.count("\n") == 1
        return answer.err.removeprefix("error: ").rstrip("\n")


def through_typer(monkeypatch) -> None:
    """From now on let typer answer everything."""
    monkeypatch.setattr(front_door, "answered", lambda arguments: False)


def in_a_process(*words: str, before: str = "", **options: Any) -> Answer:
    """Run a command in a process of its own.

    Args:
        *words: The command.
        before: Python to run first.
        **options: For `subprocess.run`; `environment` is added to ours.
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
    """Run a command as a user without rights.

    It runs in a fork: that user may not even read Python, so all must be loaded before.
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
