"""The log as a file of JSON lines: a header, one line per event, and a footer with the head."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from stackfold.domain.errors import ContradictoryEvents, InvalidFile
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.canonical_json import canonical_json
from stackfold.infrastructure.eventstore.fork import draft, fill
from stackfold.infrastructure.eventstore.hash_chain import BEGINNING, Head, Record, chained
from stackfold.infrastructure.eventstore.records import records
from stackfold.infrastructure.files.input_file import reject_device
from stackfold.infrastructure.system.drafts import delete_abandoned, draft_of
from stackfold.infrastructure.system.home import LOG_FILE

LONGEST_LINE = 1024**3
"""Bytes. No database can store a longer event, so every export can be imported."""
_LONGEST_HEADER = 1000

FORMAT = 1
"""The version of the file format, which the header contains."""


def export(database: Database, path: Path) -> Head:
    """Write the log to a new file; returns its head.

    The file appears under its name once it is complete. What a killed export left beside it is
    deleted by the next export to the same name.

    Raises:
        InvalidFile: The file exists or cannot be written.
    """
    try:
        if os.path.lexists(path):
            raise FileExistsError
        delete_abandoned(path.parent, path.name)
        with draft_of(path) as (draft, file):
            head = _write(database, file.buffer)
            file.buffer.flush()
            os.fsync(file.fileno())
            _publish(draft, path)
    except FileExistsError as error:
        raise InvalidFile(str(path), "exists already: choose another name") from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error
    return head


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links, such as that of a memory stick.
        os.rename(draft, path)


def _write(database: Database, file: BinaryIO) -> Head:
    file.write(orjson.dumps({"stackfold_log": FORMAT}) + b"\n")
    last = Head(0, "", BEGINNING)
    for record in records(database):
        line = record._asdict()
        line["state"] = orjson.Fragment(record.state)
        line["hash"] = record.hash.hex()
        file.write(orjson.dumps(line) + b"\n")
        last = Head(record.position, record.recorded_at, record.hash)
    file.write(orjson.dumps({"head": str(last)}) + b"\n")
    return last


def load(path: Path, home: Path) -> Head:
    """Create a home with the log in an exported file; returns its head.

    Raises:
        InvalidFile: The file is no export of this version, is damaged, or was cut off.
        LogExists: The home already has a log.
        LogUnavailable: The log cannot be created.
    """
    with _exported(path) as copied, draft(home / LOG_FILE) as database:
        return fill(database, copied)


def load_into(database: Database, path: Path) -> Head:
    """Fill an empty database with the log in an exported file; raises the errors of `load`."""
    with _exported(path) as copied:
        return fill(database, copied)


@contextmanager
def _exported(path: Path) -> Iterator[Iterator[Record]]:
    """Yield the records in a file."""
    try:
        reject_device(path)
        with path.open("rb") as file:
            _must_be_readable(path, file.readline(_LONGEST_HEADER))
            yield _records(path, file)
    except ContradictoryEvents as error:
        raise InvalidFile(str(path), f"contradicts itself: {error.problem}") from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be read: {error.strerror}") from error


def _must_be_readable(path: Path, header: bytes) -> None:
    version = _object(path, 1, header).get("stackfold_log")
    if not isinstance(version, int):
        raise InvalidFile(str(path), "is not an exported log")
    if version > FORMAT:
        raise InvalidFile(str(path), "was exported by a newer Stackfold: upgrade")


def _records(path: Path, file: BinaryIO) -> Iterator[Record]:
    """The records of a file up to the footer; the hash of each is checked."""
    previous, position = BEGINNING, 0
    # Read line by line, so that a log of any length can come from a pipe.
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 2):
        if len(line) > LONGEST_LINE:
            raise InvalidFile(str(path), f"line {number}: is longer than any event")
        read = _object(path, number, line)
        if "head" in read:
            if read["head"] != f"{position}:{previous.hex()}":
                raise InvalidFile(str(path), f"line {number}: the head does not match the events")
            return
        try:
            read["state"] = canonical_json(read["state"])
            read["hash"] = bytes.fromhex(read["hash"])
            record = Record(**read)
            holds = chained(previous, *record[:-1]) == record.hash
        except (TypeError, KeyError, ValueError):
            raise _changed(path, number) from None
        if record.position != position + 1 or not holds:
            raise _changed(path, number)
        yield record
        previous, position = record.hash, record.position
    raise InvalidFile(str(path), f"was cut off after #{position}")


def _changed(path: Path, number: int) -> InvalidFile:
    return InvalidFile(str(path), f"line {number}: was changed: its hash does not match")


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        read = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidFile(str(path), f"line {number}: is not JSON, or was cut off") from error
    if not isinstance(read, dict):
        raise InvalidFile(str(path), f"line {number}: is not a JSON object")
    return read
