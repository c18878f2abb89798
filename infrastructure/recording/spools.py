"""Spools: the folders of the home to which gateways record requests."""

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stackfold.application.deployments.request_store import WaitingBatch
from stackfold.infrastructure.recording.spool import (
    FOLDER,
    ROTATE,
    SETTINGS,
    Settings,
    close_left_over,
    closed_batches,
    lock,
    write_settings,
)
from stackfold.infrastructure.system.private_files import make_folder

_PATIENCE = 2.0
"""Seconds in which a recorder that runs completes its batch."""
_POLL = 0.02


class Spools:
    """Implements `RequestSpools`."""

    def __init__(self, home: Path, store: str | None) -> None:
        """Create the service.

        Args:
            home: The home.
            store: The address of the shared log; None for that of the home.
        """
        self._home, self._store = home, store

    def begin(self, id: str, rate: float, leave_out: Sequence[str]) -> None:
        """Record the requests of a deployment from now on."""
        folder = self._folder(id)
        make_folder(folder)
        write_settings(folder, Settings(rate, tuple(leave_out), str(self._home), self._store))

    def end(self, id: str) -> None:
        """Record no further requests."""
        (self._folder(id) / SETTINGS).unlink(missing_ok=True)

    def waiting(self, id: str, *, is_recording: bool) -> Sequence[WaitingBatch]:
        """The batches that wait; the one that is being written is completed."""
        folder = self._folder(id)
        if folder.is_dir():
            self._complete(folder, is_recording)
        return [
            WaitingBatch(
                each.name,
                each.first,
                each.last,
                each.requests,
                each.path.read_bytes,
                lambda path=each.path: path.unlink(missing_ok=True),  # type: ignore[misc]
            )
            for each in closed_batches(folder)
        ]

    def remove(self, id: str) -> None:
        """Delete everything that waits, and the settings."""
        folder = self._folder(id)
        self.end(id)
        with suppress(FileNotFoundError):
            if (descriptor := lock(folder, _PATIENCE)) is not None:
                os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, id: str) -> Path:
        return Path(os.path.abspath(self._home), FOLDER, id)

    def _complete(self, folder: Path, is_recording: bool) -> None:
        if is_recording and self._rotated(folder):
            return
        descriptor = lock(folder, _PATIENCE)
        if descriptor is not None:  # no recorder runs
            close_left_over(folder)
            os.close(descriptor)

    def _rotated(self, folder: Path) -> bool:
        """Let the recorder complete its batch; False if it does not."""
        asked = folder / ROTATE
        with suppress(OSError):
            asked.touch()
        end = time.monotonic() + _PATIENCE
        while asked.exists() and time.monotonic() < end:
            time.sleep(_POLL)
        if not asked.exists():
            return True
        asked.unlink(missing_ok=True)
        return False
