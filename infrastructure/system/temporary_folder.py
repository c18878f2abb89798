"""A temporary folder that only the process that created it deletes."""

import os
import shutil
import tempfile
import weakref


class TemporaryFolder:
    """A folder that is deleted by `cleanup`, or when the process ends, but not by forks of it."""

    def __init__(self) -> None:
        """Create the folder."""
        self.name = tempfile.mkdtemp(prefix="stackfold-")
        self._delete = weakref.finalize(self, _delete, self.name, os.getpid())

    def cleanup(self) -> None:
        """Delete the folder."""
        self._delete()


def _delete(folder: str, creator: int) -> None:
    if os.getpid() == creator:
        shutil.rmtree(folder, ignore_errors=True)
