"""`STACKFOLD_LOG=debug`: print what Stackfold logs to stderr."""

import logging

from stackfold.application.log_records import fields_of
from stackfold.domain.errors import Invalid

_LEVELS = ("debug", "info", "warning", "error")


def log_to_stderr(level: str) -> None:
    """Print the log records of Stackfold to stderr, one line each.

    Args:
        level: The lowest level: "debug", "info", "warning" or "error".

    Raises:
        Invalid: There is no such level.
    """
    if level.lower() not in _LEVELS:
        raise Invalid(f"STACKFOLD_LOG is {level!r:.50}: set it to {', '.join(_LEVELS)}")
    logger = logging.getLogger("stackfold")
    logger.setLevel(level.upper())
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    logger.addHandler(handler)


class _Line(logging.Formatter):
    """Time, level, logger, message and fields of a record."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        from stackfold.cli.table import one_line

        fields = "".join(f" {name}={value!r}" for name, value in fields_of(record).items())
        return one_line(super().formatMessage(record) + fields)
