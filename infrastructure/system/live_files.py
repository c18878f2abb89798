"""The running steps of the runs of a home, as files that are deleted when the steps end.

A run has a folder `running/ID` in the home, and each of its running steps a file in it. What a
process that was killed has left shows what its steps printed last; when the run is resumed, or
after some days by any run that shows steps, it is deleted.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.runs.live_steps import DAYS_LEFT, PROOF_OF_LIFE, LiveStep
from stackfold.infrastructure.system.private_files import create_file, make_folder_inside

if TYPE_CHECKING:
    from stackfold.application.runs.running_steps import RunningSteps

_FOLDER = "running"
_MOST = 1000
"""The maximum number of leftover folders that one run looks at."""


class LiveFiles:
    """The running steps of one home."""

    def __init__(self, home: Path, claims: Claims) -> None:
        """Use the folder in a home.

        Args:
            home: The home.
            claims: Know which runs are being executed.
        """
        self._folder = os.path.join(os.path.realpath(home), _FOLDER)
        self._claims = claims

    def of(self, run: str, submitted: bool) -> Mapping[str, LiveStep]:
        """The running steps of a run that has not ended."""
        oldest = time.time() - 3 * PROOF_OF_LIFE if submitted else 0.0
        found = (_read(path, oldest) for path in _files(os.path.join(self._folder, run)))
        return {each.step: each for each in found if each is not None}

    def showing(self, run: str, running: "RunningSteps") -> AbstractContextManager[None]:
        """Show the running steps of a run while a block is executed."""
        # Reading must not import what executes steps.
        from stackfold.infrastructure.system.live_threads import showing

        return showing(run, running, self._board)

    @contextmanager
    def _board(self, run: str) -> "Iterator[_FileBoard]":
        """Provide the board of a run for the block."""
        with suppress(FileExistsError):
            make_folder_inside(self._folder)
        self._sweep(run)
        board = _FileBoard(os.path.join(self._folder, run))
        yield board
        with suppress(OSError):
            os.rmdir(board.folder)

    def clear(self, run: str) -> None:
        """Remove what a process that was killed has left of a run."""
        folder = os.path.join(self._folder, run)
        with suppress(OSError):
            for path in _files(folder, drafts=True):
                os.unlink(path)
            os.rmdir(folder)

    def _sweep(self, own: str) -> None:
        for run in os.listdir(self._folder)[:_MOST]:
            with suppress(ValueError):  # another file
                if run != own and self._is_old(run) and not self._claims.is_claimed(run):
                    self.clear(run)

    def _is_old(self, run: str) -> bool:
        try:
            changed = os.stat(os.path.join(self._folder, run)).st_mtime
        except OSError:
            return False
        return time.time() - changed > DAYS_LEFT * 24 * 3600


class _FileBoard:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        with suppress(FileExistsError):
            make_folder_inside(folder)

    def show(self, steps: Sequence[LiveStep]) -> None:
        for each in steps:
            path = self._path(each.step)
            draft = f"{path}.draft"
            with suppress(FileNotFoundError):
                os.unlink(draft)
            with open(create_file(draft), "w", encoding="utf-8") as file:
                json.dump(each, file)
            os.replace(draft, path)  # a reader sees the old text or the new

    def remove(self, steps: Sequence[str]) -> None:
        for each in steps:
            with suppress(FileNotFoundError):
                os.unlink(self._path(each))

    def _path(self, step: str) -> str:
        # The name of a step may be no name of a file.
        return os.path.join(self.folder, sha256(step.encode()).hexdigest()[:32])


def _files(folder: str, drafts: bool = False) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:  # there is none, or it is not ours to read
        return []
    return [os.path.join(folder, name) for name in names if drafts or not name.endswith(".draft")]


def _read(path: str, oldest: float) -> LiveStep | None:
    try:
        if oldest and os.stat(path).st_mtime < oldest:
            return None
        with open(path, encoding="utf-8") as file:
            return LiveStep._make(json.load(file))
    except (OSError, ValueError, TypeError):  # it was just removed, or is damaged
        return None
