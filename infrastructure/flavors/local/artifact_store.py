"""The artifact store `local`: files in a folder, named by their sha256."""

import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote_to_bytes
from uuid import uuid4

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.application.ports import ArtifactStore, ListedArtifact, StoredArtifact
from stackfold.domain.errors import ArtifactDamaged, ArtifactStoreUnavailable, OutsideStore
from stackfold.infrastructure.system.private_files import create_file, make_folder_inside

_INCOMING = ".incoming"
"""The folder, in the store's own file system, of files that are still being written."""

_SMALL = 2**20
"""Artifacts up to this many bytes are read into memory, to digest and read them once."""

_SHARD, _REST = re.compile("[0-9a-f]{2}"), re.compile("[0-9a-f]{62}")
"""Names of a folder and of a file in it, which together are the file's sha256."""

_REASONS = {
    errno.ENOSPC: "the disk is full: free some space and try again",
    errno.EDQUOT: "the disk quota is used up: free some space and try again",
    errno.EROFS: "it is read-only: make it writable or use another folder",
    errno.EACCES: "access is denied: change its permissions or use another folder",
    errno.ENOTDIR: "it is not a folder: use another one",
    errno.EEXIST: "it is not a folder: use another one",
}


class LocalConfiguration(ports.Configuration):
    """The location of the folder."""

    path: str = Field(
        "artifacts",
        min_length=1,
        description="The folder: absolute, or relative to Stackfold's home; `~` is yours.",
    )

    @field_validator("path")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        if "\0" in path:
            raise ValueError("holds a zero byte, which no path can")
        if "://" in path:
            raise ValueError("is an address: give a folder, or choose the flavor for it")
        return path


if TYPE_CHECKING:
    from typing_extensions import TypeVar

    LocalT = TypeVar("LocalT", bound=LocalConfiguration, default=Any)
else:
    from typing import TypeVar

    LocalT = TypeVar("LocalT", bound=LocalConfiguration)


class LocalArtifactStore(ArtifactStore[LocalT]):
    """Stores artifacts in a folder; the parameter is the configuration of a derived class."""

    flavor = "local"

    class Configuration(LocalConfiguration):
        """The location of the folder."""

    def create(self) -> AbstractContextManager[ports.ArtifactWriter]:
        return self._create()

    @contextmanager
    def _create(self) -> Iterator[ports.ArtifactWriter]:
        # Symbolic links are resolved: the real folder must contain every artifact.
        root = os.path.realpath(self._root)
        with _store_errors(root):
            _make_folder(root)
            path = os.path.join(_own_folder(root, _INCOMING), uuid4().hex)
            file = os.fdopen(create_file(path), "wb")  # closed below, before it is renamed
        writer = _Writer(file, root)
        try:
            yield writer
            with _store_errors(root):
                writer.finish(path)
        except BaseException:
            with suppress(OSError):  # flushing the rest may fail in the same way
                file.close()
            with suppress(OSError):
                os.unlink(path)
            raise

    @contextmanager
    def open(self, uri: str, digest: str) -> Iterator[BinaryIO]:
        path = self._contained(uri)
        with _store_errors(path), _missing_is_damaged(uri):
            size = _regular(uri, path).st_size
            file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")
        with file:
            if size <= _SMALL:
                data = file.read()
                _must_be(uri, digest, hashlib.sha256(data).hexdigest())
                yield io.BytesIO(data)
            else:
                _must_be(uri, digest, hashlib.file_digest(file, "sha256").hexdigest())
                file.seek(0)
                yield file

    def identify(self, uri: str) -> StoredArtifact:
        path = self._contained(uri)
        with _store_errors(path), _missing_is_damaged(uri):
            _regular(uri, path)
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return StoredArtifact(Path(path).as_uri(), digest, file.tell())

    def size(self, uri: str) -> int | None:
        path = self._contained(uri)
        try:
            with _store_errors(path):
                return _regular(uri, path).st_size
        except FileNotFoundError:
            return None

    def delete(self, uri: str, before: datetime | None = None) -> bool:
        path = self._contained(uri)
        with _store_errors(path), suppress(FileNotFoundError):
            status = _regular(uri, path)
            if before is None:
                os.unlink(path)
                return True
            return _written(status) < before and self._delete_unless_rewritten(path, before)
        return False

    def list_artifacts(self) -> Iterator[ListedArtifact]:
        root = os.path.realpath(self._root)
        with _store_errors(root), suppress(FileNotFoundError):
            for shard in _sorted(root):
                # Files of other names are not ours: the folder may be shared.
                if _SHARD.fullmatch(shard.name) and shard.is_dir(follow_symlinks=False):
                    yield from _artifacts_in(root, shard)

    def sweep(self, before: datetime) -> int:
        incoming = os.path.join(os.path.realpath(self._root), _INCOMING)
        swept = 0
        with _store_errors(incoming), suppress(FileNotFoundError):
            for entry in [] if os.path.islink(incoming) else _sorted(incoming):
                with suppress(FileNotFoundError):  # its writer has just finished
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and _written(status) < before:
                        os.unlink(entry)
                        swept += status.st_size
        return swept

    def current_uri(self, uri: str) -> str:
        return self._current_uri(uri, os.path.realpath(self._root))

    def check_connection(self) -> None:
        """Check that the folder can be written to or created."""
        root = self._root
        nearest = root
        while not os.path.lexists(nearest):
            nearest = os.path.dirname(nearest)
        if not os.path.isdir(nearest):
            raise ArtifactStoreUnavailable(root, f"{nearest} is not a folder")
        if not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
            raise ArtifactStoreUnavailable(root, f"you may not write to {nearest}")

    @cached_property
    def _root(self) -> str:
        path: str = os.path.expanduser(self.configuration.path)
        if path.startswith("~"):
            raise ArtifactStoreUnavailable(path, "there is no such user: write the path in full")
        return os.path.abspath(os.path.join(self.home, path))

    def _current_uri(self, uri: str, root: str) -> str:
        configured = os.path.normpath(self.configuration.path)
        if os.path.isabs(configured) or configured.startswith("~"):
            return uri
        # A folder in the home moves with the home; the rest of the path stays the same.
        *above, shard, rest = ("", "", *_path(uri).split(os.sep))
        parts = configured.split(os.sep)
        is_here = os.sep.join(above).strip(os.sep) == root.strip(os.sep)
        is_below = configured == os.curdir or above[-len(parts) :] == parts
        if is_here or not (is_below and _SHARD.fullmatch(shard) and _REST.fullmatch(rest)):
            return uri
        return _address(root, shard + rest)

    def _contained(self, uri: str) -> str:
        """Return the real path of an address; raise OutsideStore if it is not in the folder."""
        root = os.path.realpath(self._root)
        path = _path(self._current_uri(uri, root))
        real = os.path.realpath(path) if path else ""
        # Compare by parts: as text, "/store" is also a prefix of "/store-evil".
        if not real or real == root or os.path.commonpath((root, real)) != root:
            raise OutsideStore(uri, root)
        return real

    def _delete_unless_rewritten(self, path: str, before: datetime) -> bool:
        """Delete a file, unless it was replaced meanwhile; return whether it was deleted."""
        aside = os.path.join(_own_folder(os.path.realpath(self._root), _INCOMING), uuid4().hex)
        os.rename(path, aside)
        rewritten = _written(os.stat(aside)) >= before
        if rewritten:
            with suppress(FileExistsError):  # replaced once more
                os.link(aside, path)
        os.unlink(aside)
        return not rewritten


@contextmanager
def _store_errors(path: str) -> Iterator[None]:
    """Raise ArtifactStoreUnavailable for an OSError, except FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise ArtifactStoreUnavailable(path, reason) from error


class _Writer:
    """Writes a file and computes its sha256."""

    stored: StoredArtifact

    def __init__(self, file: BinaryIO, root: str) -> None:
        self._file = file
        self._root = root
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        with _store_errors(self._root):
            self._file.write(data)
        self._hash.update(data)
        length = memoryview(data).nbytes
        self._size += length
        return length

    def finish(self, path: str) -> None:
        """Sync the file to disk and rename it to its digest."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        digest = self._hash.hexdigest()
        folder = _own_folder(self._root, digest[:2])
        # Replaces an existing file of the same digest: that repairs a damaged one.
        os.replace(path, os.path.join(folder, digest[2:]))
        _sync_folder(folder)
        self.stored = StoredArtifact(_address(self._root, digest), digest, self._size)


def _address(root: str, digest: str) -> str:
    return Path(root, digest[:2], digest[2:]).as_uri()


def _path(uri: str) -> str:
    """Return the path of an address; empty if it is not the address of a local file."""
    scheme, colon, rest = uri.partition("://")
    try:
        os.fsencode(uri)
    except UnicodeEncodeError:  # a lone surrogate
        return ""
    if not colon:
        path = uri
    elif scheme.lower() == "file" and rest.removeprefix("localhost").startswith("/"):
        path = os.fsdecode(unquote_to_bytes(rest.removeprefix("localhost")))
        path = path.lstrip("/") if os.name == "nt" else path
    else:
        return ""
    return path if os.path.isabs(path) and "\0" not in path else ""


def _regular(uri: str, path: str) -> os.stat_result:
    status = os.stat(path)
    # A folder cannot be read, and reading a pipe would block.
    if not stat.S_ISREG(status.st_mode):
        raise ArtifactDamaged(uri, "is not a file")
    return status


def _written(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _sorted(folder: str) -> list[os.DirEntry[str]]:
    return sorted(os.scandir(folder), key=lambda entry: entry.name)


def _artifacts_in(root: str, shard: os.DirEntry[str]) -> Iterator[ListedArtifact]:
    for entry in _sorted(shard.path):
        if _REST.fullmatch(entry.name):
            with suppress(FileNotFoundError):  # deleted since the folder was read
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    address = _address(root, shard.name + entry.name)
                    yield ListedArtifact(address, status.st_size, _written(status))


@contextmanager
def _missing_is_damaged(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        where = "no longer exists" if _is_own(uri) else "is not on this machine, or was moved"
        raise ArtifactDamaged(uri, where) from error


def _must_be(uri: str, digest: str, found: str) -> None:
    if found != digest:
        own = _is_own(uri)
        problem = "is damaged" if own else "was changed since it was registered"
        problem = f"{problem}: its sha256 is {found} and should be {digest}"
        raise ArtifactDamaged(uri, problem, again=own)


def _is_own(uri: str) -> bool:
    """Whether an address has the form of those of files that a store wrote."""
    *_, shard, rest = ("", "", *uri.split("/"))
    return bool(_SHARD.fullmatch(shard) and _REST.fullmatch(rest))


def _make_folder(folder: str) -> None:
    """Create a folder and its parents, each synced to disk."""
    if os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    _make_folder(above)
    with suppress(FileExistsError):
        make_folder_inside(folder)
    if not os.path.isdir(folder):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
    _sync_folder(above)


def _own_folder(root: str, name: str) -> str:
    """Return a folder of the store, created if missing; reject a symbolic link."""
    folder = os.path.join(root, name)
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        _make_folder(folder)
        status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise OutsideStore(folder, root)
    return folder


def _sync_folder(folder: str) -> None:
    """Sync the entries of a folder to disk, where the system supports it."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
