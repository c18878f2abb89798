"""Plan: what a schedule runs, when, and what happens to times that are missed."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.limits import MESSAGE, PARAMETERS, must_fit
from stackfold.domain.models.alias import valid_alias
from stackfold.domain.name import valid_name
from stackfold.domain.schedules.intervals import valid_interval
from stackfold.domain.schedules.times import Times, valid_cron, valid_timezone
from stackfold.domain.validation_message import first_error

MOST_CAUGHT_UP = 1000
"""The most missed times that a schedule may catch up on."""

CatchUp = Literal["none", "last", "all"]
Overlap = Literal["skip", "allow"]
TriggerEvent = Literal["stack-activated", "model-promoted"]


class Trigger(BaseModel):
    """The events after which a schedule starts a run, instead of at times."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    event: TriggerEvent
    stack: str | None = None
    """Only this stack, by name."""
    model: str | None = None
    """Only this model, by name."""
    alias: str | None = None
    """Only promotions to this alias."""


class Plan(BaseModel):
    """What a schedule runs, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    source: str
    """The pipeline: "file.py:name" or "module:name"."""
    import_root: str = ""
    """The folder that its module is imported from; empty if unknown."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    configuration: dict[str, JsonValue] = Field(default_factory=dict)
    """The configuration of its runs, without parameters and stack; see `RunConfiguration`."""
    stack: str | None = None
    """The name of the stack; None for the one that is active when a run starts."""
    cron: str | None = None
    every: int | None = None
    """Seconds between two runs, counted from `starts`."""
    once: datetime | None = None
    trigger: Trigger | None = None
    timezone: str = "UTC"
    starts: datetime | None = None
    ends: datetime | None = None
    catch_up: CatchUp = "none"
    """What happens to times at which no process ran the schedule."""
    catch_up_limit: int = 10
    """The most missed times that "all" starts runs for."""
    overlap: Overlap = "skip"
    """Whether a time is skipped while the run before is running."""
    description: str = ""

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """Create a valid plan.

        Args:
            **fields: Its fields.

        Raises:
            InvalidSchedule: They contradict each other, or one is invalid.
            TooLarge: The parameters or the description are too long.
        """
        try:
            plan = cls(**fields)
        except ValidationError as error:
            place, _, problem = first_error(error)
            raise InvalidSchedule(f"{place} of a schedule", f"is not valid: {problem}") from None
        return plan._checked()

    @property
    def times(self) -> Times:
        """When it starts runs; never for a plan with a trigger."""
        return Times(self.cron, self.every, self.once, self.timezone, self.starts, self.ends)

    def but(self, **fields: Any) -> Self:
        """Return a valid plan with other values of some fields; raises like `of`."""
        return self.of(**{name: getattr(self, name) for name in type(self).model_fields} | fields)

    def _checked(self) -> Self:
        must_fit("the parameters", self.parameters, PARAMETERS)
        must_fit("the configuration", self.configuration, PARAMETERS)
        must_fit("the description", self.description, MESSAGE)
        valid_timezone(self.timezone)
        changes: dict[str, Any] = {}
        ways = [self.cron, self.every, self.once, self.trigger]
        if sum(way is not None for way in ways) != 1:
            options = "a cron expression, an interval, a time and an event"
            raise InvalidSchedule("a schedule", f"starts runs by exactly one of {options}")
        if self.cron is not None:
            changes["cron"] = valid_cron(self.cron)
        if self.every is not None:
            valid_interval(self.every)
        if self.stack is not None:
            valid_name("stack", self.stack)
        if self.trigger is not None:
            _must_fit(self.trigger)
        if not 1 <= self.catch_up_limit <= MOST_CAUGHT_UP:
            raise InvalidSchedule(
                f"{self.catch_up_limit} missed times", f"cannot be caught up: 1 to {MOST_CAUGHT_UP}"
            )
        if self.starts and self.ends and self.ends < self.starts:
            raise InvalidSchedule("a schedule", "cannot end before it starts")
        return self.model_copy(update=changes)


def _must_fit(trigger: Trigger) -> None:
    """Reject a filter on what an event is not about."""
    of_model = trigger.model is not None or trigger.alias is not None
    if trigger.event == "stack-activated" and of_model:
        raise InvalidSchedule("stack-activated", "is about no model: give only a stack")
    if trigger.event == "model-promoted" and trigger.stack is not None:
        raise InvalidSchedule("model-promoted", "is about no stack: give a model or an alias")
    for kind, name in (("stack", trigger.stack), ("model", trigger.model)):
        if name is not None:
            valid_name(kind, name)
    if trigger.alias is not None:
        valid_alias(trigger.alias)
