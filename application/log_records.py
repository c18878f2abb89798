"""Log records: what Stackfold does, for the standard `logging` module.

The fields of a record are its attributes, as with `extra=`; `docs/observability.md` lists them. A
program that does not configure logging prints nothing, as the loggers have a null handler.
"""

import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from logging import Logger, LogRecord

EVENTS = "stackfold.events"
"""The logger of committed events."""
RUNS = "stackfold.runs"
"""The logger of runs and their steps."""
LOCKS = "stackfold.locks"
"""The logger of waits for the write lock."""
PROJECTIONS = "stackfold.projections"
"""The logger of projections and rebuilds."""

LOGGERS = frozenset({EVENTS, RUNS, LOCKS, PROJECTIONS})

Level = Literal["DEBUG", "INFO", "WARNING"]

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30}
_loggers: "dict[str, Logger]" = {}

_STACK = 2
"""The frames between a caller of `emit` and the logger."""


def enabled(logger: str, level: Level) -> bool:
    """Return whether records of this level are wanted; it is never true before a program logs.

    Args:
        logger: The name of the logger.
        level: The level of the record.
    """
    chosen = _loggers.get(logger)
    if chosen is None:
        if "logging" not in sys.modules:
            # A process that has not imported it cannot have configured it, and reads stay fast.
            return False
        import logging

        chosen = _loggers[logger] = logging.getLogger(logger)
        chosen.addHandler(logging.NullHandler())
    return chosen.isEnabledFor(_LEVELS[level])


def emit(logger: str, level: Level, text: str, /, **fields: object) -> None:
    """Log a record, if it is wanted.

    Args:
        logger: The name of the logger.
        level: The level of the record.
        text: The message, without secrets.
        **fields: Attributes of the record, none of them a standard one. None leaves one out.
    """
    if not enabled(logger, level):
        return
    given = {name: value for name, value in fields.items() if value is not None}
    _loggers[logger].log(_LEVELS[level], "%s", text, extra=given, stacklevel=_STACK)


def fields_of(record: "LogRecord") -> dict[str, object]:
    """Return the fields of a record, without the standard attributes of `logging`."""
    import logging

    standard = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
    return {name: value for name, value in vars(record).items() if name not in standard}
