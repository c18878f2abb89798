"""The folder that a pipeline's code is in, as an image gets it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stackfold.domain.errors import InvalidPipeline
from stackfold.infrastructure.system.home import find_project
from stackfold.infrastructure.system.ignored_files import IgnoredFiles
from stackfold.infrastructure.system.package_modules import module_at, module_file


class CodeFolder(NamedTuple):
    """Where the code is."""

    folder: Path
    source: str
    """Where the pipeline is, seen from the folder: "file.py:name" or "module:name"."""


class CodeFile(NamedTuple):
    """A file that goes into an image."""

    path: str
    """Relative to the folder, with slashes."""
    location: Path
    """Where it is read; a link leads there."""


def code_folder(source: str, import_root: str = "", home: Path | None = None) -> CodeFolder:
    """The folder of a pipeline's code.

    It is the project's (`stackfold init`) if the pipeline's file is in one; or else the one that
    the file is in, or for a module of a package the one that the package is in.

    Args:
        source: Where the pipeline is, as "file.py:name" or "package.module:name".
        import_root: The folder that the module is imported from.
        home: Whose list of trusted projects counts; None for that of the user.

    Raises:
        UntrustedProject: The project is somebody else's.
        InvalidPipeline: It is in no file.
    """
    place, _, name = source.rpartition(":")
    is_file = place.endswith(".py") or not import_root
    found = place if is_file else module_file(place, import_root)
    file = Path(os.path.realpath(found))
    if not found or not file.is_file():
        raise InvalidPipeline(
            f"the pipeline {name!r} is in no file that an image could hold: write it into one"
        )
    module, beside = module_at(file)
    is_namespace = False
    if not is_file:
        root = Path(os.path.realpath(import_root))
        module, is_namespace, beside = place, beside != root, root
    project = find_project(beside, home)
    folder = Path(os.path.realpath(project.folder)) if project else beside
    if is_namespace or (folder == beside and "." in module):
        # By its file alone, a module of a package could not import its neighbours as it does.
        return CodeFolder(folder, f"{module}:{name}")
    return CodeFolder(folder, f"{file.relative_to(folder).as_posix()}:{name}")


def files_of(folder: Path, never: Path) -> Iterator[CodeFile]:
    """The files that go into an image.

    Links are followed to files, as long as those are in the folder, too; those that lead out of it
    are left out, as are environments of Python, sockets and the like.

    Args:
        folder: The code.
        never: A folder that stays out whatever the patterns say: that of the log and its secrets.

    Raises:
        InvalidFile: The list of what stays out cannot be read.
    """
    root, ignored = os.path.realpath(folder), IgnoredFiles.of(folder)
    never_at = os.path.realpath(never)
    for here, folders, names in os.walk(root):
        inside = os.path.relpath(here, root).replace(os.sep, "/")
        prefix = "" if inside == "." else f"{inside}/"
        folders[:] = sorted(
            each
            for each in folders
            if os.path.join(here, each) != never_at
            and not os.path.exists(os.path.join(here, each, "pyvenv.cfg"))
            and (ignored.has_exceptions or not ignored.ignores(prefix + each))
        )
        for each in sorted(names):
            place = os.path.realpath(os.path.join(here, each))
            contained = place.startswith(root + os.sep) and not _within(place, never_at)
            if not contained or not os.path.isfile(place) or ignored.ignores(prefix + each):
                continue
            # A link must not let in under another name what stays out.
            if not ignored.ignores(os.path.relpath(place, root).replace(os.sep, "/")):
                yield CodeFile(prefix + each, Path(place))


def _within(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder + os.sep)
