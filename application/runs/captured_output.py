"""What steps print and log: kept for each step, and visible at once all the same."""

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from stackfold.application.ports import ArtifactStore, ArtifactWriter
from stackfold.application.secrets.redaction import longest, redacted
from stackfold.domain.runs.run import StepLog

_CHUNK = 2**16
"""So many characters are gathered before they are written."""

_mine: ContextVar["CapturedOutput | None"] = ContextVar("output")
"""What is written here goes; None beside the steps of a run; unset where no run is known of."""
_open: list["CapturedOutput"] = []
_installed = threading.RLock()
_users = 0
_LINE = logging.Formatter("%(levelname)s:%(name)s:%(message)s")


class CapturedOutput:
    """The text that one step writes, on its way to an artifact; no text, no artifact.

    At most 64 KiB are held in memory.
    """

    def __init__(self, store: ArtifactStore) -> None:
        """Keep the text in `store`."""
        self._store = store
        self._turn = threading.Lock()
        self._parts: list[str] = []
        self._length = 0
        self._artifact: Any = None
        self._writer: ArtifactWriter | None = None
        self._closed = False

    @contextmanager
    def capture(self) -> Iterator[None]:
        """What is written in the block goes here.

        Threads that the step starts itself know nothing of the block; their text goes here as long
        as no other step is executed in this process.
        """
        token = _mine.set(self)
        _open.append(self)
        try:
            yield
        finally:
            _open.remove(self)
            _mine.reset(token)

    def write(self, text: str) -> None:
        """Append text; never raises what the store raises, a step must not fail by printing."""
        with self._turn:
            if self._closed:
                return
            self._parts.append(text)
            self._length += len(text)
            if self._length >= _CHUNK:
                self._flush()

    def close(self) -> StepLog | None:
        """Where the text is; None if there is none, or if the store did not take it."""
        with self._turn:
            if self._length:
                self._flush(last=True)
            writer, self._writer = self._writer, None
            self._closed = True
            if writer is None:
                return None
            try:
                self._artifact.__exit__(None, None, None)
            except Exception as error:
                _unkept(error)
                return None
            uri, digest, size = writer.stored
            return StepLog(uri=uri, digest=digest, size=size)

    def _flush(self, last: bool = False) -> None:
        text = redacted("".join(self._parts))
        # A secret value may have begun in what is here, and go on in what comes.
        kept = 0 if last else min(longest(), len(text))
        self._parts = [text[len(text) - kept :]]
        self._length = kept
        data = text[: len(text) - kept].encode(errors="backslashreplace")
        try:
            writer = self._writer
            if writer is None:
                self._artifact = self._store.create()
                self._writer = writer = self._artifact.__enter__()
            writer.write(data)
        except Exception as error:
            self._closed = True
            if self._writer is not None:
                self._writer = None
                with suppress(Exception):  # the same one again
                    self._artifact.__exit__(type(error), error, error.__traceback__)
            _unkept(error)


def _unkept(error: Exception) -> None:
    # Not through the streams that are gathered.
    stream = _below(sys.stderr)
    if stream is not None:
        stream.write(f"what the step prints is not kept: {error}\n")


@contextmanager
def capturing_streams() -> Iterator[None]:
    """While the block runs, what steps print and log is gathered; blocks may overlap.

    What is written beside the steps, by hooks and by who shows the run, is nobody's, even in a
    thread that has just executed a step while another one goes on.
    """
    _install(1)
    token = _mine.set(_mine.get(None))
    try:
        yield
    finally:
        _mine.reset(token)
        _install(-1)


def _install(change: int) -> None:
    global _users  # noqa: PLW0603  # the streams are the process's
    with _installed:
        _users += change
        if change > 0:
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if stream is not None and not isinstance(stream, _Routed):
                    setattr(sys, name, _Routed(stream))
            if not isinstance(logging.getLogRecordFactory(), _Records):
                logging.setLogRecordFactory(_Records(logging.getLogRecordFactory()))
            _lower_the_level()
        elif not _users:
            _restore_the_level()
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if isinstance(stream, _Routed):
                    setattr(sys, name, stream.below)
            factory = logging.getLogRecordFactory()
            if isinstance(factory, _Records):
                logging.setLogRecordFactory(factory.below)


def log_to_stderr() -> None:
    """In the process of a step: let stderr have what `logging` gives to the steps of a run."""
    logging.setLogRecordFactory(_Records(logging.getLogRecordFactory(), _standard_error))
    _lower_the_level()


class _Ours(int):
    """A level that was set here, which is known by its class."""


def _lower_the_level() -> None:
    """Let `logging.info` count in steps, where the program has chosen no level.

    Python's default is to drop it, and then nobody would find it in the logs of a run. What
    handlers show stays as it is.
    """
    root = logging.getLogger()
    if type(root.level) is not int or root.level != logging.WARNING:
        return
    for handler in root.handlers:
        if handler.level == logging.NOTSET:
            handler.setLevel(_Ours(logging.WARNING))
    root.setLevel(_Ours(logging.INFO))


def _restore_the_level() -> None:
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler.level, _Ours):
            handler.setLevel(logging.NOTSET)
    # Unless a step has chosen another one.
    if isinstance(root.level, _Ours):
        root.setLevel(logging.WARNING)


def _standard_error() -> Any:
    return sys.stderr


def _output() -> CapturedOutput | None:
    try:
        return _mine.get()
    except LookupError:  # a thread that a step has started
        return _open[0] if len(_open) == 1 else None


def _below(stream: Any) -> Any:
    return stream.below if isinstance(stream, _Routed) else stream


class _Routed:
    """Stands in for `sys.stdout` or `sys.stderr`."""

    def __init__(self, below: Any) -> None:
        self.below = below

    def write(self, text: str) -> int:
        output = _output()
        if output is not None and text:
            output.write(text)
        self.below.write(redacted(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        return _RoutedBytes(self.below.buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)

    def __iter__(self) -> Iterator[str]:
        raise io.UnsupportedOperation("not readable")


class _RoutedBytes:
    """Stands in for the bytes below such a stream."""

    def __init__(self, below: Any) -> None:
        self._below = below

    def write(self, data: bytes) -> int:
        output = _output()
        if output is not None and data:
            output.write(bytes(data).decode(errors="replace"))
        text = bytes(data).decode(errors="surrogateescape")
        self._below.write(redacted(text).encode(errors="surrogateescape"))
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


class _Records:
    """Makes the log records of the `logging` module, and keeps those that are made in a step.

    A handler of ours would keep `logging.basicConfig` in a step from doing anything.
    """

    def __init__(
        self, below: Callable[..., logging.LogRecord], output: Callable[[], Any] = _output
    ) -> None:
        self.below = below
        self._output = output

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.below(name, *args, **kwargs)
        output = self._output()
        if output is not None and not _passes_through_a_stream(name, record.levelno):
            try:
                output.write(_LINE.format(record) + "\n")
            except Exception:  # arguments that do not fit the message: the handlers tell of that
                output.write(f"{record.levelname}:{name}:{record.msg}\n")
        return record


def _passes_through_a_stream(name: str, level: int) -> bool:
    """Whether a logger's records come by `sys.stdout` or `sys.stderr`, and are gathered there."""
    streams = (sys.stdout, sys.stderr)
    logger: logging.Logger | None = logging.getLogger(name)
    handled = False
    while logger:
        for handler in logger.handlers:
            handled = True
            stream = getattr(handler, "stream", None)
            if level >= handler.level and (isinstance(stream, _Routed) or stream in streams):
                return True
        logger = logger.parent if logger.propagate else None
    # Without any handler, warnings and errors go to `sys.stderr`.
    return not handled and logging.lastResort is not None and level >= logging.lastResort.level
