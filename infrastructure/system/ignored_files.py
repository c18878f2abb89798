"""Which files of a folder stay out of an image: `.containerignore`, as Docker reads it.

The patterns are those of https://docs.docker.com/build/concepts/context/#dockerignore-files: one a
line, relative to the folder; `**` stands for any number of folders, `!` takes something back, and
the last one that fits counts.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from stackfold.domain.errors import InvalidFile

FILES = (".containerignore", ".dockerignore")
"""The first that is there counts."""

ALWAYS = tuple(
    f"**/{name}"
    for name in (
        # What tools keep for themselves
        ".git", ".hg", ".svn", ".venv", "__pycache__", "*.pyc", ".mypy_cache", ".pytest_cache",
        ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".tox", ".nox", "node_modules",
        ".idea", ".vscode", ".DS_Store", ".stackfold", ".stackfold-image", *FILES,
        # Secrets
        ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "id_rsa*", "id_ed25519*", ".netrc",
        ".pgpass", ".pypirc", ".git-credentials", ".aws", ".azure", ".docker", ".kube", ".ssh",
    )
)  # fmt: skip
"""What no image needs, and what nobody should find in one; a line with `!` takes it back."""


class _Pattern(NamedTuple):
    fits: re.Pattern[str]
    is_exception: bool


class IgnoredFiles:
    """Says of paths whether they stay out."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Obey the lines, the last one that fits."""
        self._patterns = [*map(_pattern, filter(None, map(str.strip, lines)))]
        self.has_exceptions = any(each.is_exception for each in self._patterns)
        """Whether something in a folder that stays out may not."""

    @classmethod
    def of(cls, folder: Path) -> "IgnoredFiles":
        """Those of a folder: `ALWAYS`, and what its file of them says.

        Raises:
            InvalidFile: That cannot be read, or holds what is no pattern.
        """
        for name in FILES:
            path = folder / name
            if path.is_file():
                try:
                    lines = path.read_text(encoding="utf-8-sig").splitlines()
                    return cls([*ALWAYS, *(each for each in lines if not each.startswith("#"))])
                except (OSError, UnicodeDecodeError, re.error) as error:
                    raise InvalidFile(str(path), f"cannot be read: {error}") from error
        return cls(ALWAYS)

    def ignores(self, path: str) -> bool:
        """Whether the file or folder stays out.

        Args:
            path: Relative to the folder, with slashes.
        """
        ignored = False
        for pattern in self._patterns:
            if pattern.is_exception is ignored and pattern.fits.fullmatch(path):
                ignored = not ignored
        return ignored


def _pattern(line: str) -> _Pattern:
    is_exception = line.startswith("!")
    text = line.removeprefix("!").strip().strip("/").removeprefix("./")
    # What is in a folder that fits, fits too.
    return _Pattern(re.compile(f"{_regular(text)}(/.*)?", re.DOTALL), is_exception)


def _regular(text: str) -> str:
    found, at = "", 0
    while at < len(text):
        if text.startswith("**/", at):
            found, at = f"{found}(.*/)?", at + 3
        elif text.startswith("**", at):
            found, at = f"{found}.*", at + 2
        elif text[at] == "*":
            found, at = f"{found}[^/]*", at + 1
        elif text[at] == "?":
            found, at = f"{found}[^/]", at + 1
        elif text[at] == "[" and "]" in text[at + 2 :]:
            end = text.index("]", at + 2)
            found, at = f"{found}[{text[at + 1 : end]}]", end + 1
        elif text[at] == "\\" and at + 1 < len(text):
            found, at = found + re.escape(text[at + 1]), at + 2
        else:
            found, at = found + re.escape(text[at]), at + 1
    return found
