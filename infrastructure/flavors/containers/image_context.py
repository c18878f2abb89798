"""The contents of an image: the Containerfile, the code, Stackfold and the requirements."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Protocol

from stackfold.application.ports.image_builder import ImagePlan
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.errors import BuildFailed, InstallFailed
from stackfold.infrastructure.system.code_folder import files_of
from stackfold.infrastructure.system.stackfold_wheel import stackfold_wheel

WORKING_FOLDER = "/app"
OWN_FOLDER = ".stackfold-image"
"""The folder of Stackfold and the requirements, below the code, in the context and the image."""

_STACKFOLD = re.compile(r"stackfold(\[[\w,-]+\])?")
_MODIFIED = 315_532_800
"""The modification time of all files, 1980, so that equal files make equal layers."""
_MEGABYTE = 10**6


class Choices(Protocol):
    """The part of a builder's configuration that determines an image."""

    @property
    def base_image(self) -> str | None: ...

    @property
    def containerfile(self) -> str | None: ...

    @property
    def requirements(self) -> list[str]: ...

    @property
    def index_url(self) -> str | None: ...

    @property
    def extra_index_urls(self) -> list[str]: ...

    @property
    def environment(self) -> dict[str, str]: ...

    @property
    def build_arguments(self) -> dict[str, str]: ...

    @property
    def platform(self) -> str | None: ...

    @property
    def context_limit(self) -> int: ...


def default_base_image() -> str:
    """Return an image with the running version of Python, which can read its pickles."""
    return f"docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}-slim"


class ImageContext:
    """The input of the engine that builds an image."""

    def __init__(self, plan: ImagePlan, choices: Choices, home: Path) -> None:
        """List the files of the code; nothing is copied yet.

        Args:
            plan: The pipeline and the folder of its code.
            choices: The configuration of the builder.
            home: The home of the workspace, which is excluded.

        Raises:
            BuildFailed: The code or the Containerfile does not exist, or the code is too large.
            InvalidFile: The ignore file cannot be read.
        """
        self._plan = plan
        self._choices = choices
        self._title = f"for {plan.pipeline!r}"
        try:
            self._wheel = stackfold_wheel()
        except InstallFailed as error:
            raise BuildFailed(self._title, error.problem) from error
        self._code = sorted(files_of(plan.folder, home))
        self._check_size()

    @property
    def base_image(self) -> str:
        """The base image; empty if a Containerfile names it."""
        if self._choices.containerfile is not None:
            return ""
        return self._choices.base_image or default_base_image()

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of the code."""
        return tuple(each.path for each in self._code)

    @cached_property
    def requirements(self) -> str:
        """The requirements for pip, one per line."""
        url = f"file://{WORKING_FOLDER}/{OWN_FOLDER}/{self._wheel.name}"
        lines = [
            f"stackfold{found[1] or ''} @ {url}" if (found := _STACKFOLD.fullmatch(each)) else each
            for each in (*self._plan.requirements, *self._choices.requirements)
        ]
        return "".join(f"{each}\n" for each in dict.fromkeys(lines))

    @cached_property
    def containerfile(self) -> str:
        """The Containerfile; the steps that change most come last."""
        choices = self._choices
        install = ["python3", "-m", "pip", "install", "--no-cache-dir"]
        if choices.index_url:
            install += ["--index-url", choices.index_url]
        for url in choices.extra_index_urls:
            install += ["--extra-index-url", url]
        install += ["-r", f"{WORKING_FOLDER}/{OWN_FOLDER}/requirements.txt"]
        variables = {
            "PIP_BREAK_SYSTEM_PACKAGES": "1",  # for a Python that the distribution manages
            "PIP_ROOT_USER_ACTION": "ignore",
            "PYTHONPATH": WORKING_FOLDER,
            **choices.environment,
        }
        return "\n".join(
            [
                self._first_steps(),
                f"WORKDIR {WORKING_FOLDER}",
                *(f"ENV {name}={_quoted(value)}" for name, value in variables.items()),
                f"COPY {OWN_FOLDER}/ {WORKING_FOLDER}/{OWN_FOLDER}/",
                f"RUN {json.dumps(install)}",
                f"COPY . {WORKING_FOLDER}/",
                "",
            ]
        )

    def digest(self, into: Path | None = None) -> str:
        """Return the sha256 of the contents, in hexadecimal; of the base image only the name.

        Args:
            into: A new folder to copy the contents to, as they are read for the digest.

        Raises:
            BuildFailed: The code cannot be read, or the disk is full.
        """
        files = {}
        try:
            for path, content, executable in self._contents():
                files[path] = [hashlib.sha256(content).hexdigest(), executable]
                if into is not None:
                    _write(into / path, content, 0o755 if executable else 0o644)
        except OSError as error:
            problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise BuildFailed(self._title, f"its code cannot be copied: {problem}") from error
        if into is not None:
            _normalize(into)
        contents = {
            "containerfile": self.containerfile,
            "build_arguments": self._choices.build_arguments,
            "platform": self._choices.platform,
            "files": files,
        }
        return hashlib.sha256(
            canonical_json(contents, ascii=True, spaces=True).encode()
        ).hexdigest()

    def _contents(self) -> Iterator[tuple[str, bytes, bool]]:
        """Yield the path and the content of every file, and whether it is executable."""
        yield f"{OWN_FOLDER}/{self._wheel.name}", self._wheel.content, False
        yield f"{OWN_FOLDER}/requirements.txt", self.requirements.encode(), False
        for each in self._code:
            yield each.path, each.location.read_bytes(), os.access(each.location, os.X_OK)

    def _first_steps(self) -> str:
        """The base image, or the steps of the configured Containerfile."""
        if self._choices.containerfile is None:
            return f"FROM {self.base_image}"
        path = self._plan.folder / self._choices.containerfile
        try:
            return path.read_text(encoding="utf-8").rstrip()
        except (OSError, UnicodeDecodeError) as error:
            problem = error.strerror if isinstance(error, OSError) else "it is no text"
            raise BuildFailed(self._title, f"{path} cannot be read: {problem}") from error

    def _check_size(self) -> None:
        """Reject code that is too large, such as a whole home folder."""
        sizes: dict[str, int] = {}
        for each in self._code:
            top = each.path.partition("/")[0]
            sizes[top] = sizes.get(top, 0) + each.location.stat().st_size
        megabytes = sum(sizes.values()) / _MEGABYTE
        if megabytes > self._choices.context_limit:
            largest = max(sizes, key=lambda each: sizes[each])
            raise BuildFailed(
                self._title,
                f"{self._plan.folder} holds {megabytes:.0f} MB, most of it in {largest!r}: name in "
                ".containerignore what the image does not need, or raise context_limit",
            )


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _normalize(folder: Path) -> None:
    """Set equal modes and times, so that equal files make equal layers."""
    for here, _, names in os.walk(folder, topdown=False):
        Path(here).chmod(0o755)
        for each in (*(os.path.join(here, name) for name in names), here):
            os.utime(each, (_MODIFIED, _MODIFIED))


def _quoted(value: str) -> str:
    """Quote a value for a Containerfile, without expansion."""
    return '"' + re.sub(r'(["\\$])', r"\\\1", value) + '"'
