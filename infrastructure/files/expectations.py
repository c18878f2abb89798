"""Reads the expectations of data that a user names: a file, or an object of a module."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackfold.domain.errors import InvalidExpectations, InvalidFile
from stackfold.domain.limits import DOCUMENT
from stackfold.infrastructure.files.input_file import read_text

if TYPE_CHECKING:
    from stackfold.application.ports import DataValidator


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
