"""Creating a home from an exported log."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.arguments import checked
from stackfold.infrastructure.eventstore.open import chosen_store
from stackfold.infrastructure.system.home import find_project, named_folder

if TYPE_CHECKING:
    from stackfold.infrastructure.eventstore.hash_chain import Head


@checked
class LogImport:
    """The part of a workspace that imports a log."""

    @staticmethod
    def import_log(
        path: str | os.PathLike[str],
        home: str | os.PathLike[str] | None = None,
        store: str | None = None,
    ) -> "Head":
        """Create a home from an exported log, with the same positions, times, authors and hashes.

        Args:
            path: The file that `log.export` wrote.
            home: The folder; by default `STACKFOLD_HOME`, or else the user's data folder.
            store: The address of an empty database instead; by default as for `open`.

        Returns:
            The head of the log, the same as that of the exported log.

        Raises:
            InvalidFile: The file is not an export of this version, is damaged, or was cut off.
            LogExists: There is a log already.
        """
        folder = named_folder(home)
        shared = store or (None if home else chosen_store(find_project(home=folder), folder))
        if shared:
            from stackfold.infrastructure.eventstore.open import import_into

            return import_into(shared, Path(path))
        from stackfold.infrastructure.eventstore.export import load

        return load(Path(path), folder)
