"""Which files of a folder stay out of an image: `.containerignore`, as Docker reads it.

The rules are those of https://docs.docker.com/build/concepts/context/#dockerignore-files, which
differ from git's: a pattern is relative to the folder, `**` also stands within a name, and a file
can be included again although its folder is excluded. Hence not pathspec: decision 0040.
"""

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stackfold.domain.errors import InvalidFile

FILES = (".containerignore", ".dockerignore")
"""The files of patterns; only the first one that exists is read."""

ALWAYS = tuple(
    f"**/{name}"
    for name in (
        # Files and folders of tools
        ".git", ".hg", ".svn", ".venv", "__pycache__", "*.pyc", ".mypy_cache", ".pytest_cache",
        ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".tox", ".nox", "node_modules",
        ".idea", ".vscode", ".DS_Store", ".stackfold", ".stackfold-image", *FILES,
        # Secrets
        ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "id_rsa*", "id_ed25519*", ".netrc",
        ".pgpass", ".pypirc", ".git-credentials", ".aws", ".azure", ".docker", ".kube", ".ssh",
    )
)  # fmt: skip
"""Patterns that apply to every folder; a line with `!` includes a file again."""

_CHARACTER = r"(?:\\.|[^\\\]\-])"
_RANGE = re.compile(rf"({_CHARACTER})(?:-({_CHARACTER}))?", re.DOTALL)
_CLASS = re.compile(rf"\[(\^?)((?:{_RANGE.pattern})+)\]", re.DOTALL)
"""Characters in brackets, as Go's `filepath.Match` reads them: [abc], [a-c], [^a-c]."""


class _Pattern(NamedTuple):
    regex: re.Pattern[str]
    is_exception: bool


class IgnoredFiles:
    """Decides which paths are excluded."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Read patterns; for a path that several match, the last one counts.

        Args:
            lines: The patterns, without comments.

        Raises:
            ValueError: A line is not a pattern.
        """
        self._patterns = [*map(_pattern, filter(None, map(str.strip, lines)))]
        self.has_exceptions = any(each.is_exception for each in self._patterns)
        """Whether a file in an excluded folder may be included."""

    @classmethod
    def of(cls, folder: Path) -> "IgnoredFiles":
        """The patterns of `ALWAYS`, and those in the file of patterns of a folder.

        Raises:
            InvalidFile: The file cannot be read, or contains a line that is not a pattern.
        """
        for name in FILES:
            path = folder / name
            if path.is_file():
                try:
                    lines = path.read_text(encoding="utf-8-sig").splitlines()
                    return cls([*ALWAYS, *(each for each in lines if not each.startswith("#"))])
                except (OSError, ValueError) as error:
                    raise InvalidFile(str(path), f"cannot be read: {error}") from error
        return cls(ALWAYS)

    def ignores(self, path: str) -> bool:
        """Whether a file or folder is excluded.

        Args:
            path: Relative to the folder, with slashes.
        """
        ignored = False
        for pattern in self._patterns:
            if pattern.is_exception is ignored and pattern.regex.fullmatch(path):
                ignored = not ignored
        return ignored


def _pattern(line: str) -> _Pattern:
    is_exception = line.startswith("!")
    text = line.removeprefix("!").strip()
    if not text:
        raise ValueError(f"{line!r} is not a pattern")
    path = posixpath.normpath(text.lstrip("/"))
    try:
        # A pattern that matches a folder also matches everything in it.
        return _Pattern(re.compile(f"{_regex(path)}(/.*)?", re.DOTALL), is_exception)
    except (ValueError, re.error):
        raise ValueError(f"{line!r} is not a pattern") from None


def _regex(text: str) -> str:
    found, at = "", 0
    while at < len(text):
        if text.startswith("**", at):
            piece, at = _any_folders(text, at)
        elif text[at] == "*":
            piece, at = "[^/]*", at + 1
        elif text[at] == "?":
            piece, at = "[^/]", at + 1
        elif text[at] == "[":
            piece, at = _characters(text, at)
        elif text[at] == "\\":
            piece, at = re.escape(text[at + 1 : at + 2]), at + 2
            if at > len(text):
                raise ValueError("nothing follows the backslash")
        else:
            piece, at = re.escape(text[at]), at + 1
        found += piece
    return found


def _any_folders(text: str, at: int) -> tuple[str, int]:
    """The regular expression of the `**` at a position, and the position after it."""
    rest = text[at + 2 :]
    if not rest:
        return ".*", len(text)
    if rest.startswith("/"):
        return "(.*/)?", at + 3
    # As Docker has it: `**.py` is any path that ends so, but `a**b` is a/b, a/x/b and ab.
    is_suffix = at == 0 and not re.search(r"[*?\[\\]", rest)
    return ".*" if is_suffix else "(.*/)?", at + 2


def _characters(text: str, at: int) -> tuple[str, int]:
    """The regular expression of the class of characters at a position, and the position after."""
    found = _CLASS.match(text, at)
    if found is None:
        raise ValueError("the brackets are not closed")
    ranges = (
        "-".join(re.escape(each[-1]) for each in ends if each) for ends in _RANGE.findall(found[2])
    )
    return f"[{found[1]}{''.join(ranges)}]", found.end()
