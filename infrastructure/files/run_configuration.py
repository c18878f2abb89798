"""The configuration of a run in a YAML file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stackfold.domain.errors import InvalidFile
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.domain.validation_message import first_error
from stackfold.infrastructure.files.yaml import read_yaml


def load_configuration(path: Path) -> RunConfiguration:
    """The configuration that a file holds; an empty file chooses nothing.

    Raises:
        InvalidFile: It cannot be read, is no YAML of plain values, or is no configuration.
    """
    found = read_yaml(path)
    if found is None:
        return RunConfiguration()
    if not isinstance(found, dict):
        raise InvalidFile(str(path), "is no configuration of a run: it must be a mapping of keys")
    try:
        return RunConfiguration.model_validate(_without_nothing(found))
    except ValidationError as error:
        place, unknown, problem = first_error(error)
        if unknown:
            problem = "unknown key in the configuration of a run"
        raise InvalidFile(str(path), f"{place}: {problem}") from None


def _without_nothing(found: dict[Any, Any]) -> dict[Any, Any]:
    # `steps:` with nothing below it is null in YAML, and means: none.
    containers = {"parameters", "steps", "tags", "metadata"}
    kept = {k: v for k, v in found.items() if v is not None or k not in containers}
    steps = kept.get("steps")
    if isinstance(steps, dict):
        kept["steps"] = {
            k: _without_nothing(v) if isinstance(v, dict) else v or {} for k, v in steps.items()
        }
    return kept
