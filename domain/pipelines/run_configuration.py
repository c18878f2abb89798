"""Run configuration: what is chosen for one run, beside the code of its pipeline."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, JsonValue, ValidationError

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.errors.wording import with_article
from stackfold.domain.pipelines.options import PipelineSettings, StepSettings
from stackfold.domain.validation_message import first_error


class StepConfiguration(StepSettings):
    """What is chosen for one step of a run."""

    parameters: dict[str, Any] = Field(default_factory=dict)
    """Instead of the defaults, and of the values that the pipeline's function hands over."""

    @property
    def options(self) -> dict[str, Any]:
        """The options that it changes."""
        return _said(self, StepSettings)


class RunConfiguration(PipelineSettings):
    """What is chosen for one run; as a file, YAML with these keys.

    What is not said stays as the code says. `enable_cache: false` holds for every step, also for
    those whose code says otherwise; only a step's own entry here overrides it.
    """

    parameters: dict[str, Any] = Field(default_factory=dict)
    """The pipeline's parameters."""
    steps: dict[str, StepConfiguration] = Field(default_factory=dict)
    """Step, by its name in the run → what is chosen for it."""
    stack: str | None = None
    """The stack to run on, by name, id or unique prefix; the active one if None."""

    @property
    def options(self) -> dict[str, Any]:
        """The pipeline's options that it changes."""
        return _said(self, PipelineSettings)

    def record(self, step_parameters: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, Any]:
        """What is recorded of it: what it chooses beside the pipeline's parameters and the stack.

        Args:
            step_parameters: Step → the records of those of its parameters that it chooses.
        """
        chosen = self.model_dump(
            mode="json",
            exclude_unset=True,
            exclude={"parameters": True, "stack": True, "steps": {"__all__": {"parameters"}}},
        )
        for step, records in step_parameters.items():
            if "parameters" in self.steps[step].model_fields_set:
                chosen["steps"][step]["parameters"] = dict(records)
        return chosen


AnyConfiguration = RunConfiguration | Mapping[str, Any]
"""A configuration, or a mapping with its keys."""


def configuration_of(given: AnyConfiguration) -> RunConfiguration:
    """The configuration that is meant.

    Raises:
        InvalidPipeline: It has a key or a value that a configuration cannot have, or is none.
    """
    if isinstance(given, RunConfiguration):
        return given
    if not isinstance(given, Mapping):
        raise InvalidPipeline(
            f"the configuration of the run is {with_article(type(given).__name__)}: give a "
            "RunConfiguration or a mapping with its keys"
        )
    try:
        return RunConfiguration.model_validate(dict(given))
    except ValidationError as error:
        place, unknown, problem = first_error(error)
        if unknown:
            problem = "there is no such key in the configuration of a run"
        raise InvalidPipeline(f"the configuration of the run: {place}: {problem}") from None


def _said(given: BaseModel, settings: type[BaseModel]) -> dict[str, Any]:
    said = given.model_fields_set & settings.model_fields.keys()
    for name in ("enable_cache", "check_outputs"):
        if getattr(given, name, None) is None:
            said.discard(name)  # which says nothing
    return {name: getattr(given, name) for name in said}


AS_WRITTEN = RunConfiguration()
"""Nothing is chosen."""
