"""Reads the configuration of a run from a YAML file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stackfold.domain.errors import InvalidFile
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.domain.validation_message import first_error
from stackfold.infrastructure.files.yaml import read_yaml


def load_configuration(path: Path) -> RunConfiguration:
    """Read a configuration; an empty file sets nothing.

    Raises:
        InvalidFile: The file cannot be read, is invalid YAML, or is not a configuration.
    """
    found = read_yaml(path)
    if found is None:
        return RunConfiguration()
    if not isinstance(found, dict):
        raise InvalidFile(str(path), "is not the configuration of a run: write a mapping of keys")
    try:
        return RunConfiguration.model_validate(_without_empty(found))
    except ValidationError as error:
        place, unknown, problem = first_error(error)
        if unknown:
            problem = "unknown key in the configuration of a run"
        raise InvalidFile(str(path), f"{place}: {problem}") from None


def _without_empty(found: dict[Any, Any]) -> dict[Any, Any]:
    # `steps:` with nothing below it is null in YAML.
    containers = {"parameters", "steps", "tags", "metadata"}
    given = {k: v for k, v in found.items() if v is not None or k not in containers}
    steps = given.get("steps")
    if isinstance(steps, dict):
        given["steps"] = {
            k: _without_empty(v) if isinstance(v, dict) else v or {} for k, v in steps.items()
        }
    return given
