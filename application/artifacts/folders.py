"""Stored folders: each file is an object of an artifact store, small ones several in one."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from stackfold.application.artifacts.folder_manifest import (
    LARGEST_MANIFEST,
    Manifest,
    StoredFile,
    must_be_safe,
)
from stackfold.application.ports import ArtifactStore, StoredArtifact
from stackfold.domain.errors import ArtifactDamaged, InvalidFolder, NotFound

SMALL = 64 * 2**10
"""Files of fewer bytes are packed into common objects."""
LARGEST_PACK = 4 * 2**20
"""A pack ends with the file that reaches this number of bytes."""
_PART = 2**20


class TemporaryFolder(Protocol):
    """A folder that is deleted by `cleanup`, or at the end of the process."""

    name: str

    def cleanup(self) -> None:
        """Delete the folder."""
        ...


NewFolder = Callable[[], TemporaryFolder]
"""Creates an empty temporary folder."""


class StoredFolder(NamedTuple):
    """Where a folder was stored."""

    stored: StoredArtifact
    """The manifest."""
    files: int
    size: int
    """The length of all files in bytes."""


def store_folder(store: ArtifactStore, source: Path) -> StoredFolder:
    """Write a folder to a store: its files, and then the list of them.

    Symbolic links to files in the folder are stored as these files.

    Raises:
        InvalidFolder: It is no folder, or contains what cannot be stored.
        ArtifactStoreUnavailable: The store cannot be written to.
    """
    return _FolderWriter(store, source).written()


class _FolderWriter:
    def __init__(self, store: ArtifactStore, source: Path) -> None:
        self._store, self._source = store, source
        self._stored: dict[str, StoredFile] = {}

    def written(self) -> StoredFolder:
        if not self._source.is_dir():
            raise InvalidFolder(str(self._source), "does not exist")
        found, empty = _listed(self._source)
        must_be_safe([*found, *empty], str(self._source))
        small: list[tuple[str, Path]] = []
        try:
            for path, file in sorted(found.items()):
                if file.stat().st_size < SMALL:
                    small.append((path, file))
                else:
                    self._write_alone(path, file)
            self._write_packs(small)
        except OSError as error:
            problem = f"cannot be read: {error.strerror or error}"
            raise InvalidFolder(str(self._source), problem) from error
        manifest = Manifest(dict(sorted(self._stored.items())), empty)
        with self._store.create() as written:
            written.write(manifest.text())
        _must_be_addressed(written.stored)
        return StoredFolder(written.stored, len(manifest.files), manifest.size)

    def _write_alone(self, path: str, file: Path) -> None:
        with self._store.create() as written:
            for part in _parts(file):
                written.write(part)
        _must_be_addressed(written.stored)
        _, digest, size = written.stored
        self._stored[path] = StoredFile(digest, size, _is_executable(file))

    def _write_packs(self, small: Sequence[tuple[str, Path]]) -> None:
        """Write small files, several in one object.

        Where a pack ends depends on the content of its last file, so that a changed file changes
        its own pack only, and the others are stored once for all versions of the folder.
        """
        rest = iter(small)
        for first in rest:
            with self._store.create() as pack:
                packed, offset = {}, 0
                for path, file in _from(first, rest):
                    data = file.read_bytes()
                    digest = hashlib.sha256(data).hexdigest()
                    pack.write(data)
                    packed[path] = StoredFile(digest, len(data), _is_executable(file), "", offset)
                    offset += len(data)
                    if offset >= LARGEST_PACK or digest.startswith(("00", "01", "02", "03")):
                        break
            _must_be_addressed(pack.stored)
            for path, each in packed.items():
                self._stored[path] = each._replace(pack=pack.stored.digest)


class FolderView:
    """A stored folder, whose files are read when they are needed.

    Attributes:
        uri: The address of its manifest.
    """

    def __init__(self, store: ArtifactStore, uri: str, digest: str, manifest: Manifest) -> None:
        """Create the view; see `open_folder`."""
        self._store, self.uri, self._digest = store, uri, digest
        self._manifest = manifest

    @property
    def files(self) -> Mapping[str, int]:
        """Path → length in bytes, of all files."""
        return {path: each.size for path, each in self._manifest.files.items()}

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open a file for reading, after its sha256 was checked.

        Args:
            path: Its path below the folder.

        Raises:
            NotFound: There is no such file.
            ArtifactDamaged: It is missing or was changed.
        """
        file = self._file(path)
        with self._opened(file.object) as stored:
            yield stored if not file.pack else _unpacked(stored, file, self._address(file.pack))

    def copy_to(self, target: Path, paths: Iterable[str] = ()) -> int:
        """Copy files into an existing folder.

        Args:
            target: The folder.
            paths: Only these files, and those below these folders; by default all.

        Returns:
            The number of files.

        Raises:
            NotFound: The folder contains nothing with one of the paths.
            ArtifactDamaged: A file is missing or was changed.
            OSError: A file cannot be written.
        """
        wanted = self._below(paths)
        for path, source in self.walk(wanted):
            copy = target / path
            _write_file(copy, _chunks(source))
            if self._manifest.files[path].executable:
                copy.chmod(copy.stat().st_mode | 0o111)
        if not paths:
            for path in self._manifest.empty:
                (target / path).mkdir(parents=True, exist_ok=True)
        return len(wanted)

    def walk(self, paths: Iterable[str]) -> Iterator[tuple[str, BinaryIO]]:
        """Yield files one by one, each with its path; each object is read once.

        Args:
            paths: The paths of the files.

        Raises:
            NotFound: There is no such file.
            ArtifactDamaged: A file is missing or was changed.
        """
        by_object: dict[str, list[str]] = {}
        for path in paths:
            by_object.setdefault(self._file(path).object, []).append(path)
        for digest, members in by_object.items():
            with self._opened(digest) as stored:
                for path in members:
                    file = self._manifest.files[path]
                    if file.pack:
                        yield path, _unpacked(stored, file, self._address(file.pack))
                    else:
                        stored.seek(0)  # equal files are one object
                        yield path, stored

    def below(self, path: str) -> "FolderView":
        """Return a folder in the folder."""
        start = f"{path}/"
        files = {
            name.removeprefix(start): file
            for name, file in self._manifest.files.items()
            if name.startswith(start)
        }
        empty = [
            name.removeprefix(start) for name in self._manifest.empty if name.startswith(start)
        ]
        return FolderView(self._store, self.uri, self._digest, Manifest(files, empty))

    def _below(self, paths: Iterable[str]) -> list[str]:
        wanted: dict[str, None] = {}
        asked = [each.strip("/") for each in paths]
        for each in asked:
            found = [
                path for path in self._manifest.files if path == each or path.startswith(f"{each}/")
            ]
            if not found:
                self._file(each)
            wanted |= dict.fromkeys(found)
        return [*wanted] if asked else [*self._manifest.files]

    def _file(self, path: str) -> StoredFile:
        if path not in self._manifest.files:
            names = [*self._manifest.files][:5]
            more = ", …" if len(self._manifest.files) > len(names) else ""
            raise NotFound("file", path, f"there is {', '.join(names) or 'no file'}{more}")
        return self._manifest.files[path]

    @contextmanager
    def _opened(self, digest: str) -> Iterator[BinaryIO]:
        with self._store.open(self._address(digest), digest) as file:
            yield file

    def _address(self, digest: str) -> str:
        return address_of(digest, self.uri, self._digest)


def copy_folder(source: Path, target: Path) -> None:
    """Copy the files of a folder that may be stored.

    Args:
        source: The folder.
        target: An empty folder.

    Raises:
        InvalidFolder: It contains what cannot be stored.
    """
    found, empty = _listed(source)
    for path, file in found.items():
        _write_file(target / path, _parts(file))
        (target / path).chmod(file.stat().st_mode)
    for path in empty:
        (target / path).mkdir(parents=True)


def open_folder(store: ArtifactStore, uri: str, digest: str, size: int) -> FolderView:
    """Open a stored folder.

    Args:
        store: The store that contains it.
        uri: The address of its manifest.
        digest: The digest of its manifest.
        size: The length of its manifest in bytes.

    Raises:
        ArtifactDamaged: Its manifest is missing or was changed, or is none.
    """
    return FolderView(store, uri, digest, read_manifest(store, uri, digest, size))


def read_manifest(store: ArtifactStore, uri: str, digest: str, size: int) -> Manifest:
    """Read the manifest of a stored folder; arguments and errors are those of `open_folder`."""
    if size > LARGEST_MANIFEST:
        raise ArtifactDamaged(uri, "has a list of files that is too long")
    with store.open(uri, digest) as file:
        try:
            return Manifest.parse(file.read(LARGEST_MANIFEST + 1))
        except (ValueError, KeyError, TypeError, InvalidFolder) as error:
            raise ArtifactDamaged(uri, f"is no folder: {error}") from error


def address_of(digest: str, uri: str, known: str) -> str:
    """Return the address of an object in the store of another one.

    Args:
        digest: The digest of the object.
        uri: The address of the other one.
        known: The digest of the other one.
    """
    for form in (_whole, _in_shards):
        if uri.endswith(form(known)):
            return uri.removesuffix(form(known)) + form(digest)
    raise ArtifactDamaged(uri, "is a folder in a store that does not address objects by digest")


def is_complete(store: ArtifactStore, uri: str, digest: str, size: int) -> bool:
    """Whether all objects of a stored folder exist; arguments are those of `open_folder`.

    Raises:
        ArtifactDamaged: Its manifest is missing or was changed.
    """
    for each, expected in read_manifest(store, uri, digest, size).objects.items():
        if store.size(address_of(each, uri, digest)) != expected:
            return False
    return True


def _whole(digest: str) -> str:
    return digest


def _in_shards(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"


def _must_be_addressed(stored: StoredArtifact) -> None:
    if not stored.uri.endswith((_whole(stored.digest), _in_shards(stored.digest))):
        problem = "cannot be stored: this artifact store does not address objects by their sha256"
        raise InvalidFolder(stored.uri, problem)


def _listed(root: Path) -> tuple[dict[str, Path], list[str]]:
    """The files below a folder by path, and the paths of its empty folders."""
    files: dict[str, Path] = {}
    empty: list[str] = []
    real = root.resolve()
    folders = [("", root)]
    while folders:
        above, folder = folders.pop()
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            raise InvalidFolder(str(folder), f"cannot be read: {error.strerror}") from error
        if not entries and above:
            empty.append(above)
        for entry in entries:
            path = f"{above}/{entry.name}" if above else entry.name
            if entry.is_symlink():
                files[path] = _linked(entry, path, root, real)
            elif entry.is_dir():
                folders.append((path, entry))
            elif entry.is_file():
                files[path] = entry
            else:
                raise InvalidFolder(str(root), f"contains {path!r}, which is no regular file")
    return files, empty


def _linked(entry: Path, path: str, root: Path, real: Path) -> Path:
    try:
        target = entry.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        problem = f"contains {path!r}, a link to what does not exist"
        raise InvalidFolder(str(root), problem) from error
    if not target.is_relative_to(real):
        raise InvalidFolder(str(root), f"contains {path!r}, a link out of it: copy the file")
    if not target.is_file():
        raise InvalidFolder(str(root), f"contains {path!r}, a link to a folder: copy the folder")
    return target


def _is_executable(file: Path) -> bool:
    return bool(file.stat().st_mode & 0o100)


def _write_file(path: Path, parts: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.writelines(parts)


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from _chunks(opened)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(_PART):
        yield part


def _from(first: tuple[str, Path], rest: Iterator[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    yield first
    yield from rest


def _unpacked(pack: BinaryIO, file: StoredFile, uri: str) -> BinaryIO:
    """Return a file of a pack, in memory."""
    pack.seek(file.offset)
    data = pack.read(file.size)
    if hashlib.sha256(data).hexdigest() != file.digest:
        raise ArtifactDamaged(uri, "does not contain what the list of its folder says", again=True)
    return io.BytesIO(data)
