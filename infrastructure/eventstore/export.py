"""The log as a file of JSON lines: a header, an event a line, and a footer with the head."""

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
from stackfold.infrastructure.system.home import LOG_FILE

LONGEST_LINE = 1024**3
"""Bytes; no database has a longer event, so whatever was exported can be imported."""
_LONGEST_HEADER = 1000

FORMAT = 1
"""The number of this form of the file; it stands in the header."""


def export(database: Database, path: Path) -> Head:
    """Write the log to a new file; returns its head.

    Raises:
        InvalidFile: The file exists or cannot be written.
    """
    try:
        with path.open("xb") as file:
            try:
                return _write(database, file)
            except BaseException:
                # A part of a log must not lie about like a whole one.
                path.unlink()
                raise
    except FileExistsError as error:
        raise InvalidFile(str(path), "is there already: choose another") from error
    except OSError as error:
        raise InvalidFile(str(path), f"cannot be written: {error.strerror}") from error


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
    """Create a home with the log in a file; returns its head.

    Raises:
        InvalidFile: The file is not an export of this version, is damaged, or was cut off.
        LogExists: The home has a log already.
        LogUnavailable: It cannot be created.
    """
    with _exported(path) as copied, draft(home / LOG_FILE) as database:
        return fill(database, copied)


def load_into(database: Database, path: Path) -> Head:
    """Make an empty database the log in a file; raises as `load`."""
    with _exported(path) as copied:
        return fill(database, copied)


@contextmanager
def _exported(path: Path) -> Iterator[Iterator[Record]]:
    """The records in a file."""
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
    """The records of a file, each checked to follow the one before, up to the footer."""
    previous, position = BEGINNING, 0
    # Read as it comes, so that a log of any length can come from a pipe.
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 2):
        if len(line) > LONGEST_LINE:
            raise InvalidFile(str(path), f"line {number}: is longer than any event")
        read = _object(path, number, line)
        if "head" in read:
            if read["head"] != f"{position}:{previous.hex()}":
                raise InvalidFile(str(path), f"line {number}: the head does not fit the events")
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
    return InvalidFile(str(path), f"line {number}: was changed, its hash does not hold")


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        read = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidFile(str(path), f"line {number}: is no JSON, or was cut off") from error
    if not isinstance(read, dict):
        raise InvalidFile(str(path), f"line {number}: is no JSON object")
    return read
