"""Shows the runs of pipelines that a script calls, as `stackfold pipeline run` does, on stderr."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from stackfold.application.runs.progress import NULL_LISTENER, ProgressListener
from stackfold.domain.errors import StackfoldError

QUIET = "STACKFOLD_QUIET"


@contextmanager
def shown_in_script(quiet: bool) -> Iterator[ProgressListener]:
    """Provide a listener that shows the progress of a run if a script has called its pipeline.

    Nothing is shown where a program other than a script calls it: a service, a test, a notebook,
    the process of a step; nor of a run that a step of another run has started.

    Args:
        quiet: Show nothing.
    """
    from stackfold.cli.progress import show_progress

    if not _script_calls():
        yield NULL_LISTENER
        return
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show_error
    if quiet or is_quiet() or sys.stderr is None:
        yield NULL_LISTENER
        return
    with _Shown.one(), show_progress() as listener:
        yield listener


def is_quiet() -> bool:
    """Whether the environment asks for no progress."""
    return os.environ.get(QUIET, "0") not in ("", "0")


class _Shown:
    """The run that is shown; one at a time."""

    any = False

    @classmethod
    @contextmanager
    def one(cls) -> Iterator[None]:
        cls.any = True
        try:
            yield
        finally:
            cls.any = False


def _script_calls() -> bool:
    """Whether the main thread of a script runs: `python FILE` or `python -m MODULE` of a user."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if not file or _Shown.any or threading.current_thread() is not threading.main_thread():
        return False
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return False
    if "_pytest" in sys.modules and "PYTEST_CURRENT_TEST" in os.environ:
        return False
    name = getattr(getattr(main, "__spec__", None), "name", "")
    return name.partition(".")[0] != "stackfold" and not _is_installed(file)


def _is_installed(file: str) -> bool:
    """Whether a file is a command or module that was installed, such as that of a server."""
    from sysconfig import get_paths

    file = os.path.realpath(file)
    folders = {get_paths()[name] for name in ("scripts", "purelib", "platlib", "stdlib")}
    return any(file.startswith(os.path.realpath(folder) + os.sep) for folder in folders)


def _show_error(type: type[BaseException], error: BaseException, frames: Any) -> None:
    """Show the frames of the script and of the step, without those of Stackfold between them."""
    if isinstance(error, StackfoldError | KeyboardInterrupt):
        with suppress(Exception):
            frames = _without_ours(frames)
            error.__traceback__ = frames
    sys.__excepthook__(type, error, frames)


def _without_ours(frames: TracebackType | None) -> TracebackType | None:
    if frames is None:
        return None
    rest = _without_ours(frames.tb_next)
    name = str(frames.tb_frame.f_globals.get("__name__"))
    if name.partition(".")[0] in ("stackfold", "contextlib"):
        return rest
    return TracebackType(rest, frames.tb_frame, frames.tb_lasti, frames.tb_lineno)
