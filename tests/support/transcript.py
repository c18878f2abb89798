"""Replays sessions: commands, each followed by its output.

    $ stackfold stack set nope
    ! error: there is no stack 'nope': there is default
    [1]

Lines on stderr begin with `! `, and an exit code other than 0 stands in brackets. In addition to
`stackfold` there are `cd`, `mkdir`, `export`, `unset`, `cat FILE` and `cat > FILE <<END`; lines
that start with `# ` are comments. Ids, times, durations, ports and the folder differ each time;
they are replaced by others, of the same width where they stand in columns.
"""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from command_line import Answer

_HERE_DOCUMENT = re.compile(r"cat > (\S+) <<(\w+)")
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_RUN = re.compile(r"\b(\w+)-([0-9a-f]{8})\b(?!-)")
_HASH = re.compile(r"\b([0-9a-f]{2}/)?[0-9a-f]{62,64}\b")
_TAG = re.compile(r"\b[0-9a-f]{20}\b")
_DURATION = re.compile(r"\b\d+\.\d+ s\b")
_PORT = re.compile(r"\b127\.0\.0\.1:\d{5}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


def replay(session: str, run: Callable[..., Answer], folder: Path) -> str:
    """Run a session, and return it with the current output.

    Args:
        session: The recorded session.
        run: Runs a `stackfold` command, given its words.
        folder: An empty folder to run it in.
    """
    lines = iter(session.splitlines())
    printed = "".join(_replayed(lines, run))
    return _steady(printed, folder)


def _replayed(lines: Iterator[str], run: Callable[..., Answer]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line.startswith("$ "):
            yield f"{line}\n"
            yield from _done(line[2:], lines, run)
        elif line.startswith("# "):
            yield f"{before}{line}\n"
        # An empty line belongs to the remark below it, or else to what a command printed.
        before = "" if line else "\n"


def _done(command: str, lines: Iterator[str], run: Callable[..., Answer]) -> Iterator[str]:
    if document := _HERE_DOCUMENT.fullmatch(command):
        body = []
        for line in lines:
            yield f"{line}\n"
            if line == document[2]:
                break
            body.append(f"{line}\n")
        Path(document[1]).write_text("".join(body))
        return
    match shlex.split(command):
        case ["stackfold", *words]:
            answer = run(*words)
            yield answer.out
            yield from (f"! {line}\n" for line in answer.err.splitlines())
            yield f"[{answer.code}]\n" if answer.code else ""
        case ["cat", file]:
            yield Path(file).read_text()
        case ["cd", folder]:
            os.chdir(folder)
        case ["mkdir", folder]:
            Path(folder).mkdir()
        case ["export", assignment]:
            name, _, value = assignment.partition("=")
            os.environ[name] = value
        case ["unset", name]:
            os.environ.pop(name)
        case _:
            raise ValueError(f"no such command in a transcript: {command}")


def _steady(text: str, folder: Path) -> str:
    ids: dict[str, str] = {}
    runs: dict[str, str] = {}

    def id(match: re.Match[str]) -> str:
        return ids.setdefault(match[0], f"00000000-0000-4000-8000-{len(ids) + 1:012}")

    def run(match: re.Match[str]) -> str:
        return f"{match[1]}-{runs.setdefault(match[2], f'{len(runs) + 1:08}')}"

    text = _ID.sub(id, text.replace(str(folder), "/home/ada"))
    text = _TAG.sub("0" * 20, text)
    text = _HASH.sub(lambda match: re.sub("[0-9a-f]", "0", match[0]), text)
    text = _PORT.sub("127.0.0.1:40000", text)
    text = _DURATION.sub("0.01 s", text)
    text = _TIME.sub(lambda match: _same_width(match[0]), text)
    return _RUN.sub(run, text)


def _same_width(time: str) -> str:
    return "2026-01-31T12:00:00.000000Z" if "." in time else "2026-01-31T12:00:00Z"
