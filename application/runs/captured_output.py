"""Captures what each step prints and logs, while it still appears on the terminal."""

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from stackfold.application.log_records import LOGGERS
from stackfold.application.ports import ArtifactStore, ArtifactWriter
from stackfold.application.runs.last_states import LastStates
from stackfold.application.runs.live_steps import MOST_TEXT
from stackfold.application.secrets.redaction import beginning_of_secret, longest, redacted
from stackfold.domain.runs.run import StepLog

_CHUNK = 2**16
"""Number of characters to buffer before writing them to the store."""

_Buffer = tuple[int, str, list[str]]
"""The position of the last text that was stored, that text, and what was written since."""

_current: ContextVar["CapturedOutput | None"] = ContextVar("output")
"""The step that captures output here; None between steps; unset in a thread without a run."""
_open: list["CapturedOutput"] = []
_installed = threading.RLock()
_users = 0
_LINE = logging.Formatter("%(levelname)s:%(name)s:%(message)s")


class CapturedOutput:
    """Writes the text of one step to an artifact, if there is any text.

    About 128 Ki characters are kept in memory: those that are not stored yet, and the last before
    them for who looks while the step is running.
    """

    def __init__(self, store: ArtifactStore, step: str = "") -> None:
        """Create the capture.

        Args:
            store: The text is written to it.
            step: The name of the step, shown before its lines while others run, too.
        """
        self._store = store
        self.step = step
        self._lock = threading.Lock()
        self._buffer: _Buffer = (0, "", [])
        self._length = 0
        self._artifact: Any = None
        self._writer: ArtifactWriter | None = None
        self._closed = False

    @contextmanager
    def capture(self) -> Iterator[None]:
        """Capture what is written in the block.

        The text of threads that the step starts is captured only while no other step is executed
        in this process.
        """
        token = _current.set(self)
        _open.append(self)
        try:
            yield
        finally:
            _open.remove(self)
            _current.reset(token)
            for stream in (sys.stdout, sys.stderr):
                if isinstance(stream, _CapturedStream):
                    stream.end(self)

    def write(self, text: str) -> None:
        """Append text; errors of the store are reported but not raised: printing must not fail."""
        with self._lock:
            if self._closed:
                return
            self._buffer[-1].append(text)
            self._length += len(text)
            if self._length >= _CHUNK:
                self._flush()

    def so_far(self) -> tuple[int, str]:
        """Return the position of the last characters of the text, and these characters.

        It takes no lock, which a process that the step forks at this moment would inherit.
        """
        position, stored, parts = self._buffer
        text = redacted("".join(parts))
        text = stored + _encodable(text[: len(text) - beginning_of_secret(text)])
        dropped = max(len(text) - MOST_TEXT, 0)
        return position + dropped, text[dropped:]

    def close(self) -> StepLog | None:
        """Return the stored text; None if there is none, or if the store failed."""
        with self._lock:
            if self._length:
                self._flush(last=True)
            writer, self._writer = self._writer, None
            self._closed = True
            if writer is None:
                return None
            try:
                self._artifact.__exit__(None, None, None)
            except Exception as error:
                _report_loss(error)
                return None
            uri, digest, size = writer.stored
            return StepLog(uri=uri, digest=digest, size=size)

    def _flush(self, last: bool = False) -> None:
        position, before, parts = self._buffer
        text = redacted("".join(parts))
        # A secret value may continue in the next text, so hold back its possible beginning.
        held_back = 0 if last else min(longest(), len(text))
        chunk = _encodable(text[: len(text) - held_back])
        end, kept = position + len(before) + len(chunk), chunk[-MOST_TEXT:]
        self._buffer = (end - len(kept), kept, [text[len(text) - held_back :]])
        self._length = held_back
        data = chunk.encode()
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
                with suppress(Exception):  # it raises the same error again
                    self._artifact.__exit__(type(error), error, error.__traceback__)
            _report_loss(error)


def _encodable(text: str) -> str:
    """Return a text with escapes for what UTF-8 cannot represent."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _report_loss(error: Exception) -> None:
    # Not through the captured streams.
    stream = _original(sys.stderr)
    if stream is not None:
        stream.write(f"the output of the step cannot be stored: {error}\n")


@contextmanager
def capturing_streams() -> Iterator[None]:
    """Make steps capture what they print and log in the block; blocks may overlap.

    What hooks and progress listeners write belongs to no step, even in a thread that has just
    executed one.
    """
    _install(1)
    token = _current.set(_current.get(None))
    try:
        yield
    finally:
        _current.reset(token)
        _install(-1)


def _install(change: int) -> None:
    global _users  # noqa: PLW0603  # the streams are the process's
    with _installed:
        _users += change
        if change > 0:
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if stream is not None and not isinstance(stream, _CapturedStream):
                    setattr(sys, name, _CapturedStream(stream))
            if not isinstance(logging.getLogRecordFactory(), _RecordFactory):
                logging.setLogRecordFactory(_RecordFactory(logging.getLogRecordFactory()))
            _lower_the_level()
        elif not _users:
            _restore_the_level()
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if isinstance(stream, _CapturedStream):
                    setattr(sys, name, stream.original)
            factory = logging.getLogRecordFactory()
            if isinstance(factory, _RecordFactory):
                logging.setLogRecordFactory(factory.original)


def log_to_stderr() -> None:
    """In the process of a step, write log records to stderr, which the parent captures."""
    logging.setLogRecordFactory(_RecordFactory(logging.getLogRecordFactory(), _standard_error))
    _lower_the_level()


class _LoweredLevel(int):
    """A level that was set here, recognized by its class."""


class _AsBefore(logging.Filter):
    """Keeps a handler of the root logger from showing what Python drops by default."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            return True
        # The program has chosen a level for the logger.
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger and logger is not logging.root:
            if logger.level:
                return True
            logger = logger.parent
        return False


_AS_BEFORE = _AsBefore()


def _lower_the_level() -> None:
    """Record `logging.info` in the logs of steps, if the program has not configured a level.

    By default Python drops it. What handlers show does not change.
    """
    root = logging.getLogger()
    if type(root.level) is not int or root.level != logging.WARNING:
        return
    for handler in root.handlers:
        handler.addFilter(_AS_BEFORE)
    root.setLevel(_LoweredLevel(logging.INFO))


def _restore_the_level() -> None:
    root = logging.getLogger()
    for handler in root.handlers:
        handler.removeFilter(_AS_BEFORE)
    # Unless a step has set another level.
    if isinstance(root.level, _LoweredLevel):
        root.setLevel(logging.WARNING)


def _standard_error() -> Any:
    return sys.stderr


def _output() -> CapturedOutput | None:
    try:
        return _current.get()
    except LookupError:  # a thread that a step has started
        return _open[0] if len(_open) == 1 else None


def _original(stream: Any) -> Any:
    return stream.original if isinstance(stream, _CapturedStream) else stream


class _CapturedStream:
    """Replaces `sys.stdout` or `sys.stderr`."""

    def __init__(self, original: Any) -> None:
        self.original = original
        self._lines: dict[CapturedOutput, LastStates] = {}
        """The lines that have not ended, of steps that run at the same time."""
        self._within_line = False

    def write(self, text: str) -> int:
        output = _output()
        if output is not None and text:
            output.write(text)
        if output is None or not (len(_open) > 1 or output in self._lines):
            self._show(redacted(text))
        else:
            lines = self._lines.setdefault(output, LastStates())
            self._show_labelled(output, lines.add(redacted(text)))
            if not lines.current:
                self._lines.pop(output, None)
        return len(text)

    def end(self, output: CapturedOutput) -> None:
        """Show the last line of a step, if it has no end."""
        if lines := self._lines.pop(output, None):
            self._show_labelled(output, lines.close())

    def _show_labelled(self, output: CapturedOutput, lines: str) -> None:
        if lines:
            before = "\n" if self._within_line else ""
            text = "".join(
                f"{output.step} | {line}\n" for line in lines.removesuffix("\n").split("\n")
            )
            self._show(before + text)

    def _show(self, text: str) -> None:
        if text:
            self._within_line = not text.endswith("\n")
        self.original.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        return _CapturedBytes(self.original.buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __iter__(self) -> Iterator[str]:
        raise io.UnsupportedOperation("not readable")


class _CapturedBytes:
    """Replaces the `buffer` of a captured stream."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def write(self, data: bytes) -> int:
        output = _output()
        if output is not None and data:
            output.write(bytes(data).decode(errors="replace"))
        text = bytes(data).decode(errors="surrogateescape")
        self._original.write(redacted(text).encode(errors="surrogateescape"))
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _RecordFactory:
    """A factory of log records that captures those created in a step.

    Not a handler: with one installed, `logging.basicConfig` in a step would do nothing.
    """

    def __init__(
        self, original: Callable[..., logging.LogRecord], output: Callable[[], Any] = _output
    ) -> None:
        self.original = original
        self._output = output

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.original(name, *args, **kwargs)
        # What Stackfold does is no output of the step.
        output = None if name in LOGGERS else self._output()
        if output is not None and not _passes_through_a_stream(record):
            try:
                output.write(_LINE.format(record) + "\n")
            except Exception:  # wrong arguments, which the handlers report
                output.write(f"{record.levelname}:{name}:{record.msg}\n")
        return record


def _passes_through_a_stream(record: logging.LogRecord) -> bool:
    """Whether a record is written to `sys.stdout` or `sys.stderr`, where it is captured."""
    streams, level = (sys.stdout, sys.stderr), record.levelno
    logger: logging.Logger | None = logging.getLogger(record.name)
    handled = False
    while logger:
        for handler in logger.handlers:
            handled = True
            stream = getattr(handler, "stream", None)
            if level < handler.level or not (
                isinstance(stream, _CapturedStream) or stream in streams
            ):
                continue
            if _AS_BEFORE not in handler.filters or _AS_BEFORE.filter(record):
                return True
        logger = logger.parent if logger.propagate else None
    # Without any handler, warnings and errors go to `sys.stderr`.
    return not handled and logging.lastResort is not None and level >= logging.lastResort.level
