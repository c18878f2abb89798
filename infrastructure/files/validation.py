"""Reads expectations of data from a file or a module, and writes reports of validation as pages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackfold.domain.errors import InvalidExpectations, InvalidFile
from stackfold.domain.limits import DOCUMENT
from stackfold.infrastructure.files.input_file import read_text
from stackfold.infrastructure.files.output_file import write_file

if TYPE_CHECKING:
    from stackfold.application.ports import DataValidator
    from stackfold.domain.validation.validation_report import ValidationReport


def read_expectations(source: str, validator: "DataValidator") -> Any:
    """Return what a data validator checks data against.

    Args:
        source: The path of a file in the validator's format; or "module:object" or
            "file.py:object", whose code is executed.
        validator: The data validator.

    Raises:
        InvalidFile: The file or module does not exist, or cannot be read or imported.
        InvalidExpectations: The file has another format, or the module has no such object.
        ValidatorCannot: The validator has no format of files.
    """
    location, _, name = source.rpartition(":")
    path = Path(source)
    if path.exists() or not location or not name.isidentifier():
        text = read_text(path, DOCUMENT)
        try:
            return validator.read_expectations(text)
        except InvalidExpectations as error:
            raise InvalidFile(source, error.problem) from error
    from stackfold.infrastructure.system.pipeline_source import load_module

    module = load_module(location)
    try:
        return getattr(module, name)
    except AttributeError:
        raise InvalidExpectations(f"{location} has no {name!r:.100}") from None


def write_page(report: "ValidationReport", path: Path, overwrite: bool = False) -> None:
    """Write a report as a page: the tool's own, or else the one that pages of Stackfold show.

    Args:
        report: The report.
        path: The file.
        overwrite: Whether to replace an existing file.

    Raises:
        InvalidFile: The file cannot be written, or exists and `overwrite` is False.
    """
    from stackfold.application.validation.report_page import report_page

    page = report.html or report_page(report)
    write_file(path, [page.encode(errors="backslashreplace")], overwrite)
