"""Run configuration: parameters and options for one run of a pipeline."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, JsonValue, ValidationError

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.errors.wording import with_article
from stackfold.domain.pipelines.options import PipelineSettings, StepSettings
from stackfold.domain.validation_message import first_error


class StepConfiguration(StepSettings):
    """The configuration of one step of a run."""

    parameters: dict[str, Any] = Field(default_factory=dict)
    """Input → value; overrides defaults, and values that the pipeline function passes."""

    @property
    def options(self) -> dict[str, Any]:
        """The options of the step that it sets."""
        return _set_options(self, StepSettings)


class RunConfiguration(PipelineSettings):
    """The configuration of one run; a configuration file is YAML with these keys.

    It overrides the code. `enable_cache: false` applies to every step, even where the code enables
    the cache; only the step's entry in `steps` overrides it.
    """

    parameters: dict[str, Any] = Field(default_factory=dict)
    """The parameters of the pipeline."""
    steps: dict[str, StepConfiguration] = Field(default_factory=dict)
    """Name of a step in the run → its configuration."""
    stack: str | None = None
    """The stack to run on, by name, id or unique prefix; the active one if None."""
    quiet: bool = False
    """Whether a script that calls the pipeline shows no progress; not recorded."""

    @property
    def options(self) -> dict[str, Any]:
        """The options of the pipeline that it sets."""
        return _set_options(self, PipelineSettings)

    def record(self, step_parameters: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, Any]:
        """Its record: all that it sets, except the pipeline's parameters and the stack.

        Args:
            step_parameters: Step → the records of the parameters that it sets.
        """
        chosen = self.model_dump(
            mode="json",
            exclude_unset=True,
            exclude={
                "parameters": True,
                "stack": True,
                "quiet": True,
                "steps": {"__all__": {"parameters"}},
            },
        )
        for step, records in step_parameters.items():
            if "parameters" in self.steps[step].model_fields_set:
                chosen["steps"][step]["parameters"] = dict(records)
        return chosen


AnyConfiguration = RunConfiguration | Mapping[str, Any]
"""A configuration, or a mapping with its keys."""


def configuration_of(given: AnyConfiguration) -> RunConfiguration:
    """Return a configuration, created from a mapping if necessary.

    Raises:
        InvalidPipeline: It is not a mapping, or has an unknown key or an invalid value.
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
            problem = "unknown key in the configuration of a run"
        raise InvalidPipeline(f"the configuration of the run: {place}: {problem}") from None


def _set_options(given: BaseModel, settings: type[BaseModel]) -> dict[str, Any]:
    names = given.model_fields_set & settings.model_fields.keys()
    for name in ("enable_cache", "check_outputs"):
        if getattr(given, name, None) is None:
            names.discard(name)  # None leaves it to the code
    return {name: getattr(given, name) for name in names}


AS_WRITTEN = RunConfiguration()
"""A configuration that sets nothing: the run is as its code says."""
