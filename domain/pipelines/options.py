"""Options: how a step or a pipeline is executed, beside what it computes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self, TypedDict

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from stackfold.domain.errors import InvalidPipeline, StackfoldError
from stackfold.domain.pipelines.hooks import Hook
from stackfold.domain.pipelines.resources import AnyResources, Resources
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.tags import valid_tag
from stackfold.domain.validation_message import first_error


class FailureMode(StrEnum):
    """What becomes of the other steps when one has failed."""

    FAIL_FAST = "fail_fast"
    """Those that run are cancelled, and no other is started."""
    STOP_ON_FAILURE = "stop_on_failure"
    """Those that run may end, and no other is started."""
    CONTINUE_ON_FAILURE = "continue_on_failure"
    """Every step that does not need the failed one is executed."""


def valid_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags, each once, in the order given.

    Raises:
        ValueError: One breaks the rule for tags.
    """
    try:
        return tuple(dict.fromkeys(map(valid_tag, tags)))
    except StackfoldError as error:
        raise ValueError(str(error)) from None


def _metadata(value: Any) -> Any:
    return valid_metadata(value) if isinstance(value, Mapping) else value


Tags = Annotated[tuple[str, ...], AfterValidator(valid_tags)]
Metadata = Annotated[dict[str, Any], BeforeValidator(_metadata)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Options(BaseModel):
    """What can be changed, giving new ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def of(cls, owner: str, options: Mapping[str, Any]) -> Self:
        """Options, with the defaults for those that are not given.

        Args:
            owner: Whose they are in a sentence, such as "step 'train'".
            options: By name.

        Raises:
            InvalidPipeline: There is no such option, or it cannot have that value.
        """
        try:
            return cls(**options) if options else cls()
        except ValidationError as error:
            place, unknown, problem = first_error(error)
            if unknown:
                fields = Resources.model_fields if "." in place else cls.model_fields
                problem = f"there is none: the options are {', '.join(fields)}"
            raise InvalidPipeline(f"option {place!r} of {owner}: {problem}") from None

    def but(self, owner: str, changes: Mapping[str, Any]) -> Self:
        """The same options with some of them changed; arguments and refusals as for `of`."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return self.of(owner, {**given, **changes}) if changes else self


class StepSettings(_Options):
    """Those options of a step that can be written in a file."""

    step_operator: str | bool = False
    """The name of the stack's step operator that executes it, True for the stack's default one,
    False to execute it where the orchestrator does."""
    experiment_tracker: str | bool | None = None
    """The name of the stack's experiment tracker that its calls of the tool's own functions go to,
    True for the stack's default one. None for the default one too, if the stack has one, but only
    by way of the context. False for none."""
    enable_cache: bool | None = None
    """Whether an equal earlier execution may stand for this one; None leaves it to the run, the
    pipeline, and to whether the step has outputs."""
    check_outputs: bool | None = None
    """Whether what it returns must fit its type hints; None leaves it to the run and the
    pipeline, and else it must."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often it is tried again after it has failed."""
    delay: Seconds = 0.0
    """Seconds before it is tried again."""
    backoff: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    """By how much the delay is multiplied each further time."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Seconds that one try may take; None for as long as it wants."""
    resources: Resources | None = None
    """What it needs of the machine that executes it."""
    tags: Tags = ()
    metadata: Metadata = Field(default_factory=dict)


class StepOptions(StepSettings):
    """How a step is executed."""

    on_start: Hook | None = None
    on_success: Hook | None = None
    on_failure: Hook | None = None
    on_end: Hook | None = None


class PipelineSettings(_Options):
    """Those options of a pipeline that can be written in a file."""

    enable_cache: bool | None = None
    """Whether equal earlier executions may stand for those of its steps that do not say."""
    check_outputs: bool | None = None
    """Whether what those of its steps return that do not say must fit their type hints."""
    failure_mode: FailureMode | None = None
    """What becomes of the other steps when one fails; None leaves it to the orchestrator."""
    no_pickle: bool = False
    """Whether values that only a pickle could hold are refused, when written and when read."""
    tags: Tags = ()
    metadata: Metadata = Field(default_factory=dict)


class PipelineOptions(PipelineSettings):
    """How a pipeline is executed."""

    on_start: Hook | None = None
    on_success: Hook | None = None
    on_failure: Hook | None = None
    on_end: Hook | None = None


class Hooks(TypedDict, total=False):
    """What is called when a step or a run starts or ends."""

    on_start: Hook | None
    on_success: Hook | None
    on_failure: Hook | None
    on_end: Hook | None


class StepChanges(Hooks, total=False):
    """The options of a step, each of which may be given; see `StepOptions`."""

    step_operator: str | bool
    experiment_tracker: str | bool | None
    enable_cache: bool | None
    check_outputs: bool | None
    retries: int
    delay: float
    backoff: float
    timeout: float | None
    resources: AnyResources | None
    tags: tuple[str, ...] | list[str]
    metadata: dict[str, Any]


class PipelineChanges(Hooks, total=False):
    """The options of a pipeline, each of which may be given; see `PipelineOptions`."""

    enable_cache: bool | None
    check_outputs: bool | None
    failure_mode: FailureMode | str | None
    no_pickle: bool
    tags: tuple[str, ...] | list[str]
    metadata: dict[str, Any]
