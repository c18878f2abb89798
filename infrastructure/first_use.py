"""Creating a log: as a whole, or not at all."""

import os
import secrets
from pathlib import Path

from stackfold.domain.errors import LogUnavailable
from stackfold.infrastructure.database import Database


def create_log(path: Path) -> None:
    """Create the log at `path` with its first events, unless another process is faster.

    It is made under another name and linked into place, so that nobody ever sees a part of it,
    and of several first users exactly one makes it.

    Raises:
        LogUnavailable: The folder cannot be written.
    """
    from stackfold.application.first_use import seed
    from stackfold.infrastructure.wiring import wire

    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = Database.create(draft)
        try:
            parts = wire(database)
            parts.log.create_tables()
            seed(parts.ledger)
        finally:
            database.close()
        os.link(draft, path)
    except FileExistsError:
        if not path.is_file():
            raise LogUnavailable(str(path), "cannot be created: something is in its way") from None
    except OSError as error:
        problem = f"cannot be created: {error.strerror}; set STACKFOLD_HOME to another folder"
        raise LogUnavailable(str(path), problem) from error
    finally:
        for leftover in (draft, *(draft.with_name(draft.name + end) for end in ("-wal", "-shm"))):
            leftover.unlink(missing_ok=True)
