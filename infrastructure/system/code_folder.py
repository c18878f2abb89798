"""The code folder of a pipeline, which is copied into its image."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stackfold.domain.errors import InvalidPipeline
from stackfold.infrastructure.system.home import find_project
from stackfold.infrastructure.system.ignored_files import IgnoredFiles
from stackfold.infrastructure.system.package_modules import module_at, module_file


class CodeFolder(NamedTuple):
    """The folder of a pipeline's code."""

    folder: Path
    source: str
    """The location of the pipeline in the folder: "file.py:name" or "module:name"."""


class CodeFile(NamedTuple):
    """A file that is copied into an image."""

    path: str
    """Relative to the folder, with slashes."""
    location: Path
    """The file that is read; the target of a link."""


def code_folder(source: str, import_root: str = "", home: Path | None = None) -> CodeFolder:
    """Return the folder of a pipeline's code.

    This is the folder of the project (`stackfold init`) that contains the pipeline's file. Outside
    a project, it is the folder of the file, or of the top-level package of a module.

    Args:
        source: The location of the pipeline: "file.py:name" or "package.module:name".
        import_root: The folder that the module is imported from.
        home: The home whose list of trusted projects is used; None for that of the user.

    Raises:
        UntrustedProject: The project belongs to another user.
        InvalidPipeline: The pipeline is not in a file.
    """
    location, _, name = source.rpartition(":")
    is_file = location.endswith(".py") or not import_root
    found = location if is_file else module_file(location, import_root)
    file = Path(os.path.realpath(found))
    if not found or not file.is_file():
        raise InvalidPipeline(
            f"the pipeline {name!r} is not in a file, which an image needs: move it to a file"
        )
    module, beside = module_at(file)
    is_namespace = False
    if not is_file:
        root = Path(os.path.realpath(import_root))
        module, is_namespace, beside = location, beside != root, root
    project = find_project(beside, home)
    folder = Path(os.path.realpath(project.folder)) if project else beside
    if is_namespace or (folder == beside and "." in module):
        # Executed as a file, a module of a package could not import modules of its package.
        return CodeFolder(folder, f"{module}:{name}")
    return CodeFolder(folder, f"{file.relative_to(folder).as_posix()}:{name}")


def files_of(folder: Path, never: Path) -> Iterator[CodeFile]:
    """Yield the files of a folder that are copied into an image.

    Links to files in the folder are followed. Links to other files, virtual environments, sockets
    and devices are excluded.

    Args:
        folder: The folder of the code.
        never: A folder that is excluded whatever the patterns say: the home with its secrets.

    Raises:
        InvalidFile: The file of ignored patterns cannot be read.
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
            real = os.path.realpath(os.path.join(here, each))
            contained = real.startswith(root + os.sep) and not _within(real, never_at)
            if not contained or not os.path.isfile(real) or ignored.ignores(prefix + each):
                continue
            # A link must not include an ignored file under another name.
            if not ignored.ignores(os.path.relpath(real, root).replace(os.sep, "/")):
                yield CodeFile(prefix + each, Path(real))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
