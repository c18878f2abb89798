"""Options: how a step or a pipeline is executed."""

from collections.abc import Mapping
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
from stackfold.domain.pipelines.chosen_materializer import MaterializerName
from stackfold.domain.pipelines.declared_model import DeclaredModel, Model
from stackfold.domain.pipelines.hooks import Hook
from stackfold.domain.pipelines.resources import AnyResources, Resources
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.tags import valid_tag
from stackfold.domain.validation_message import first_error


def valid_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags without duplicates, in the given order.

    Raises:
        ValueError: A tag breaks the rule for tags.
    """
    try:
        return tuple(dict.fromkeys(map(valid_tag, tags)))
    except StackfoldError as error:
        raise ValueError(str(error)) from None


def _metadata(value: Any) -> Any:
    return valid_metadata(value) if isinstance(value, Mapping) else value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


LONGEST_REFERENCE = 400
"""The largest number of characters of the reference of an artifact."""

Tags = Annotated[tuple[str, ...], AfterValidator(valid_tags)]
Metadata = Annotated[dict[str, Any], BeforeValidator(_metadata)]
Reference = Annotated[str, Field(min_length=1, max_length=LONGEST_REFERENCE)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Options(BaseModel):
    """Immutable options; `but` returns changed copies."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def of(cls, owner: str, options: Mapping[str, Any]) -> Self:
        """Create options; those that are not given have their defaults.

        Args:
            owner: How error messages name the owner, such as "step 'train'".
            options: Option → value.

        Raises:
            InvalidPipeline: An option is unknown, or has an invalid value.
        """
        try:
            return cls(**options) if options else cls()
        except ValidationError as error:
            place, unknown, problem = first_error(error)
            if unknown:
                fields = Resources.model_fields if "." in place else cls.model_fields
                problem = f"unknown option; valid options: {', '.join(fields)}"
            raise InvalidPipeline(f"option {place!r} of {owner}: {problem}") from None

    def but(self, owner: str, changes: Mapping[str, Any]) -> Self:
        """Return a copy with other values.

        Args:
            owner: How error messages name the owner, such as "step 'train'".
            changes: Option → new value.

        Raises:
            InvalidPipeline: An option is unknown, or has an invalid value.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return self.of(owner, {**given, **changes}) if changes else self


class StepSettings(_Options):
    """The options of a step that can be set in a file."""

    step_operator: str | bool = False
    """The name of the step operator in the stack that executes the step; True for the default step
    operator; False to execute it where the orchestrator does."""
    experiment_tracker: str | bool | None = None
    """The name of the experiment tracker in the stack that receives calls of the tracking tool's
    functions; True for the default tracker; False for none. None for the default tracker, if the
    stack has one, but only by way of the step's context."""
    enable_cache: bool | None = None
    """Whether the result of an equal earlier execution may be reused. None leaves that to the run,
    the pipeline, and to whether the step has outputs."""
    check_outputs: bool | None = None
    """Whether the return value must match the type hints. None leaves that to the run and the
    pipeline; it is checked if neither sets it."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often the step is retried after a failure."""
    delay: Seconds = 0.0
    """Seconds before the first retry."""
    backoff: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    """The factor by which the delay grows with each further retry."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Seconds that one attempt may take; None for no limit."""
    resources: Resources | None = None
    """The resources of the machine that executes the step."""
    materializers: dict[str, MaterializerName] = Field(default_factory=dict)
    """Output → the materializer that writes it, by class or name; by default chosen by type."""
    uses: Annotated[tuple[Reference, ...], BeforeValidator(_one_or_more)] = ()
    """References of the artifacts that the step loads by its context, such as "dataset@approved".
    They are looked up when a run starts, and are part of the cache key."""
    tags: Tags = ()
    metadata: Metadata = Field(default_factory=dict)


class StepOptions(StepSettings):
    """All options of a step: settings and hooks."""

    on_start: Hook | None = None
    on_success: Hook | None = None
    on_failure: Hook | None = None
    on_end: Hook | None = None


class PipelineSettings(_Options):
    """The options of a pipeline that can be set in a file."""

    enable_cache: bool | None = None
    """The default of `enable_cache` for its steps."""
    check_outputs: bool | None = None
    """The default of `check_outputs` for its steps."""
    failure_mode: FailureMode | None = None
    """What happens to the other steps when one fails; None leaves that to the orchestrator."""
    no_pickle: bool = False
    """Whether values that need a pickle are rejected, when written and when read."""
    model: DeclaredModel | None = None
    """The model of which a run makes or continues a version; None for none."""
    from_stack: str | None = None
    """The name of another stack from which the run may take artifacts that no alias stands for."""
    tags: Tags = ()
    metadata: Metadata = Field(default_factory=dict)


class PipelineOptions(PipelineSettings):
    """All options of a pipeline: settings and hooks."""

    on_start: Hook | None = None
    on_success: Hook | None = None
    on_failure: Hook | None = None
    on_end: Hook | None = None


class Hooks(TypedDict, total=False):
    """The hooks of a step or a run, as keyword arguments."""

    on_start: Hook | None
    on_success: Hook | None
    on_failure: Hook | None
    on_end: Hook | None


class StepChanges(Hooks, total=False):
    """The options of a step as keyword arguments; see `StepOptions`."""

    step_operator: str | bool
    experiment_tracker: str | bool | None
    enable_cache: bool | None
    check_outputs: bool | None
    retries: int
    delay: float
    backoff: float
    timeout: float | None
    resources: AnyResources | None
    materializers: Mapping[str, type | str]
    uses: str | tuple[str, ...] | list[str]
    tags: tuple[str, ...] | list[str]
    metadata: dict[str, Any]


class PipelineChanges(Hooks, total=False):
    """The options of a pipeline as keyword arguments; see `PipelineOptions`."""

    enable_cache: bool | None
    check_outputs: bool | None
    failure_mode: FailureMode | str | None
    no_pickle: bool
    model: Model | str | None
    from_stack: str | None
    tags: tuple[str, ...] | list[str]
    metadata: dict[str, Any]
