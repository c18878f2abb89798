"""Makes plans of schedules from the arguments of commands."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.schedules.intervals import seconds_of
from stackfold.domain.schedules.plan import Plan, Trigger
from stackfold.domain.schedules.times import time_in, valid_timezone

if TYPE_CHECKING:
    from stackfold.application.stacks.queries import StackQueries
    from stackfold.domain.pipelines.pipeline import Pipeline
    from stackfold.domain.pipelines.run_configuration import AnyConfiguration

_WHEN = ("cron", "every", "once", "trigger")
"""The fields of a plan of which one is set."""


class PipelineLoader(Protocol):
    """Loads pipelines."""

    def load(self, source: str, import_root: str = "") -> "Pipeline[...]":
        """Import a pipeline.

        Args:
            source: "file.py:name" or "module:name"; the module is executed.
            import_root: The folder that modules are imported from; empty for the current one.
        """
        ...


class PlanServices(Protocol):
    """What plans are checked with."""

    @property
    def queries(self) -> "StackQueries":
        """Looks up stacks."""
        ...

    @property
    def pipelines(self) -> PipelineLoader:
        """Loads pipelines."""
        ...


class Changes:
    """Makes new plans, and changed ones."""

    def __init__(self, services: PlanServices, now: Callable[[], datetime]) -> None:
        """Create it.

        Args:
            services: Checks plans.
            now: Returns the time.
        """
        self._services = services
        self._now = now

    def new(
        self,
        source: str,
        parameters: Mapping[str, Any] | None,
        configuration: "AnyConfiguration | None",
        check: bool,
        **given: Any,
    ) -> Plan:
        """The plan of a new schedule; see `Schedules.create`."""
        given |= {"source": source, "parameters": parameters, "configuration": configuration}
        wanted = {name: value for name, value in given.items() if value is not None}
        fields = self._fields(wanted, wanted["timezone"])
        return self._complete(Plan.of(**fields), check)

    def prepared(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of `Schedules.update`, with those of `create` that have another name."""
        return {{"at": "once"}.get(name, name): value for name, value in changes.items()}

    def changed(self, plan: Plan, changes: Mapping[str, Any], check: bool) -> Plan:
        """The plan of a schedule after changes; see `Schedules.update`."""
        fields = self._fields(changes, changes.get("timezone", plan.timezone))
        when = [name for name in _WHEN if fields.get(name) is not None]
        if when:
            fields = {**dict.fromkeys(_WHEN), **fields}
        if "source" in fields:
            fields.setdefault("import_root", "")
        return self._complete(plan.but(**fields), check)

    def _fields(self, given: Mapping[str, Any], timezone: str) -> dict[str, Any]:
        fields = dict(given)
        valid_timezone(str(timezone))
        for name in ("once", "starts", "ends"):
            if isinstance(fields.get(name), str | datetime):
                fields[name] = _time(fields[name], timezone)
        every = fields.get("every")
        if isinstance(every, timedelta):
            fields["every"] = int(every.total_seconds())
        elif isinstance(every, str):
            fields["every"] = seconds_of(every)
        if "on" in fields or "of" in fields:
            fields["trigger"] = _trigger(fields.pop("on", None), fields.pop("of", None))
        if "configuration" in fields:
            fields |= _configured(fields, fields["configuration"])
        if fields.get("parameters") is None:
            fields.pop("parameters", None)
        return fields

    def _complete(self, plan: Plan, check: bool) -> Plan:
        """The plan with what it leaves to be found out, if wanted after a check."""
        if plan.every is not None and plan.starts is None:
            plan = plan.but(starts=self._now().replace(microsecond=0))
        if check:
            if plan.stack is not None:
                plan = plan.but(stack=self._services.queries.stack(plan.stack).name)
            return plan.but(**_checked_code(self._services.pipelines, plan))
        location, colon, name = plan.source.rpartition(":")
        if colon and location.endswith(".py"):
            return plan.but(source=f"{Path(location).expanduser().absolute()}:{name}")
        return plan


def _time(given: str | datetime, timezone: str) -> datetime:
    text = given if isinstance(given, str) else given.isoformat()
    return time_in(text, timezone).replace(microsecond=0)


def _trigger(event: str | None, of: Mapping[str, str] | None) -> Trigger | None:
    if event is None:
        if of:
            raise InvalidSchedule("a schedule", "has filters only of an event: give one")
        return None
    from pydantic import ValidationError

    try:
        return Trigger.model_validate({"event": event, **(of or {})})
    except ValidationError:
        known = "stack-activated of a stack, or model-promoted of a model and an alias"
        raise InvalidSchedule(f"the event {event!r:.60}", f"is none to react to: {known}") from None


def _configured(fields: Mapping[str, Any], given: "AnyConfiguration | None") -> dict[str, Any]:
    """The configuration as recorded; its parameters and stack count unless they are given, too."""
    from stackfold.domain.pipelines.run_configuration import AS_WRITTEN, configuration_of

    chosen = configuration_of(AS_WRITTEN if given is None else given)
    record = chosen.model_dump(mode="json", exclude_unset=True, exclude={"quiet"})
    parameters = {**record.pop("parameters", {}), **(fields.get("parameters") or {})}
    stack = fields.get("stack") or record.pop("stack", None)
    record.pop("stack", None)
    found: dict[str, Any] = {"configuration": record}
    if parameters:
        found["parameters"] = parameters
    if stack is not None:
        found["stack"] = stack
    return found


def _checked_code(pipelines: PipelineLoader, plan: Plan) -> dict[str, Any]:
    """Where the pipeline of a plan is, after a check that it accepts parameters and configuration.

    Raises:
        InvalidFile: It cannot be loaded.
        InvalidPipeline: It does not accept them.
    """
    pipeline = pipelines.load(plan.source, plan.import_root)
    graph_of(pipeline, plan.parameters, plan.configuration)
    return {"source": pipeline.source, "import_root": pipeline.import_root}


def graph_of(
    pipeline: "Pipeline[...]", parameters: Mapping[str, Any], configuration: Mapping[str, Any]
) -> Any:
    """The graph of a pipeline with recorded parameters.

    Args:
        pipeline: The pipeline.
        parameters: Its parameters; texts are converted by its type hints.
        configuration: The recorded configuration.

    Raises:
        InvalidPipeline: A parameter or an option is invalid.
    """
    from stackfold.domain.pipelines.run_configuration import configuration_of

    return pipeline.graph_for(
        converted(pipeline, parameters), configuration_of(dict(configuration))
    )


def converted(pipeline: "Pipeline[...]", parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded parameters as a pipeline takes them: texts are converted by its type hints."""
    from stackfold.application.pipelines.parameters import from_texts

    texts = {name: value for name, value in parameters.items() if isinstance(value, str)}
    return {**parameters, **from_texts(pipeline, texts)}
