"""The routes of a gateway: a file that commands replace, and that the gateway reads again.

This module is imported by the process of the gateway, so it imports the standard library only.
"""

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

NAME = "routes.json"
CONTROL = "/.stackfold/gateway/"
"""The path that a gateway answers itself, followed by the id of its deployment."""


class Target(NamedTuple):
    """A server that requests are passed on to."""

    server: str
    """The id of the server."""
    host: str
    port: int
    share: int
    """The percentage of the requests that it answers."""
    title: str
    """What responses name as the model that answered."""

    @property
    def header(self) -> bytes:
        """The title as the value of a header: other characters than ASCII are percent-encoded."""
        return quote(self.title, safe="/@:.,+-_ ").encode()


class RouteTable:
    """Chooses a server for each request, by the shares."""

    def __init__(self, folder: Path) -> None:
        """Create a table.

        Args:
            folder: The folder with the file.
        """
        self._path = os.fspath(folder / NAME)
        self._stamp: tuple[int, ...] = ()
        self._targets: list[Target] = []
        self._shares: list[int] = []
        self._random = random.Random()  # noqa: S311

    def exists(self) -> bool:
        """Whether the file exists: it is deleted with the deployment."""
        return os.path.exists(self._path)

    def targets(self) -> Sequence[Target]:
        """All targets, read again if the file was replaced."""
        try:
            found = os.stat(self._path)
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp != self._stamp:
                self._read()
                self._stamp = stamp
        except (OSError, ValueError, TypeError, KeyError):
            return self._targets  # the deployment was deleted
        return self._targets

    def choose(self) -> Target | None:
        """A target for a request; None if there is none."""
        targets = self.targets()
        if len(targets) < 2:
            return targets[0] if targets else None
        return self._random.choices(targets, self._shares)[0]

    def _read(self) -> None:
        with open(self._path, encoding="utf-8") as file:
            content = json.load(file)
        self._targets = [Target(**each) for each in content["targets"]]
        self._shares = [each.share for each in self._targets]
        if content.get("seed") is not None:
            self._random.seed(content["seed"])


def write_targets(folder: Path, targets: Sequence[Target], seed: int | None = None) -> None:
    """Replace the routes, at once.

    Args:
        folder: The folder with the file.
        targets: All targets.
        seed: Makes the choices the same each time; None for other ones each time.

    Raises:
        OSError: The file cannot be written.
    """
    content = {"targets": [each._asdict() for each in targets], "seed": seed}
    incoming = folder / f"{NAME}.{os.getpid()}"
    incoming.write_text(json.dumps(content), encoding="utf-8")
    incoming.replace(folder / NAME)
