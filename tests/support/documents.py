"""Runs the console sessions of documents: below `$ command` is its output.

In a document, a block marked `python` whose first line is a comment with a file name is that file;
a block marked `console` is a session in a shell. The blocks of a document are taken in order, in
one new folder with one new home. Ids, times and durations differ from run to run and are not
compared.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
"""The Python files in it are copied into the folder of every document."""

HANGS_AFTER = 900
"""Seconds after which a command is taken to hang; the longest takes 20 on an idle machine."""

_BLOCK = re.compile(
    r"^```(?P<kind>python|console|yaml)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"# (?P<name>[\w.\-]+\.(py|yaml))\n")
_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\w+"), "<run time>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"[0-9a-f]{64}"), "<hash>"),
    (re.compile(r"\b[0-9a-f]{8,12}\b"), "<id>"),
    (re.compile(r"\d+(\.\d+)? ?m?s\b( \(\d+:\d\d:\d\d\))?"), "<duration>"),
    (re.compile(r"\bseconds +\d+(\.\d+)?"), "seconds <duration>"),
    (re.compile(r"\b127\.0\.0\.1:\d{4,5}\b"), "<address>"),
    (re.compile(r"/\S*/documents-\w+"), "<folder>"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r"[─━]+"), "─"),
)


def rerun(document: str, folder: Path, store: str | None = None) -> str:
    """Run a document, and return it with the current output of its commands.

    Args:
        document: Its text.
        folder: An empty folder to run it in.
        store: The address of an empty database to run it on; None for a log in the home.
    """
    environment = _environment(folder) | ({"STACKFOLD_STORE": store} if store else {})
    for example in EXAMPLES.glob("*.py"):
        shutil.copy(example, folder)

    def replaced(match: re.Match[str]) -> str:
        body = match["body"]
        if match["kind"] == "console":
            body = _session(body, folder, environment)
        elif name := _FILE.match(body):
            (folder / name["name"]).write_text(body)
        return f"```{match['kind']}\n{body}```"

    return _BLOCK.sub(replaced, document)


def write_programs(document: str, folder: Path) -> list[str]:
    """Write the document's Python files into a folder; returns their names."""
    blocks = [block["body"] for block in _BLOCK.finditer(document) if block["kind"] == "python"]
    files = {name["name"]: body for body in blocks if (name := _FILE.match(body))}
    for name, body in files.items():
        (folder / name).write_text(body)
    return [*files]


def programs(document: str) -> dict[str, str]:
    """Command → its output, for commands that run a Python program of the document."""
    sessions = [each["body"] for each in _BLOCK.finditer(document) if each["kind"] == "console"]
    parts = [part for body in sessions for part in re.split(r"^\$ ", body, flags=re.MULTILINE)]
    told = [part.partition("\n") for part in parts]
    return {f"{n} {command}": text for n, (command, _, text) in enumerate(told) if _runs(command)}


def _runs(command: str) -> bool:
    return re.match(r"python3? \w+\.py|stackfold pipeline run", command) is not None


def comparable(text: str) -> str:
    """Replace what differs from run to run, such as ids and times."""
    for pattern, name in _VARIES:
        text = pattern.sub(name, text)
    return text


def _session(body: str, folder: Path, environment: dict[str, str]) -> str:
    commands = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {each}\n{_printed(each, folder, environment)}" for each in commands)


def _printed(command: str, folder: Path, environment: dict[str, str]) -> str:
    # Documents show what a script prints, and not the progress on stderr.
    quiet = {"STACKFOLD_QUIET": "1"} if command.startswith("python") else {}
    # A file: a server that the command leaves running would keep a pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        with subprocess.Popen(
            command,
            shell=True,
            cwd=folder,
            env=environment | quiet,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                process.wait(HANGS_AFTER)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        output.seek(0)
        printed = output.read()
    lines = printed.replace(f"{folder}/", "").rstrip().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STACKFOLD")}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "STACKFOLD_HOME": str(folder / "home"),
        "STACKFOLD_ACTOR": "ada@example.com",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONWARNINGS": "ignore",
    }
