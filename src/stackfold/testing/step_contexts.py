"""Contexts of steps without a run, so that a step is tested as a function."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from stackfold.application.ports.experiment_tracker import (
    ExperimentTracker,
    Ids,
    OnUnavailable,
    TrackedRun,
    TrackedStep,
)
from stackfold.application.ports.stack_component import Configuration, StackComponent
from stackfold.application.runs.context import RunFacts, StepContext, StepMetadata, executing
from stackfold.application.runs.step_tracker import RECORD, Tracked
from stackfold.domain.errors import NoComponent
from stackfold.domain.pipelines.step import Step
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName

RUN = "00000000-0000-4000-8000-000000000002"


class RecordingTracker(ExperimentTracker):
    """An experiment tracker that remembers in memory what a step logged."""

    flavor = "recording"
    Configuration = Configuration

    def __init__(self) -> None:
        super().__init__(Configuration(), Path())
        self.metrics: dict[str, list[float]] = {}
        self.parameters: dict[str, Any] = {}
        self.artifacts: dict[str, Path] = {}
        self.models: dict[str, Path] = {}
        self.ids: Ids = {}

    def begin_run(self, run: TrackedRun, known: Ids | None) -> Ids:
        return {}

    def end_run(self, ids: Ids, status: str) -> None:
        pass

    @contextmanager
    def track(
        self, step: TrackedStep, on_unavailable: OnUnavailable
    ) -> Iterator["RecordingTracker"]:
        yield self

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append(value)

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        self.parameters |= parameters

    def log_artifact(self, path: Path, name: str) -> None:
        self.artifacts[name] = path

    def log_model(self, path: Path, name: str) -> None:
        self.models[name] = path


class RecordedStepContext(StepContext):
    """The context of a step that is called without a run; it also says what the step recorded.

    Attributes:
        omitted: What could not be recorded and was omitted, in a line each. In a run, the step
            goes on, with a warning; here too, so check that it is empty.
    """

    def __init__(
        self,
        run: RunFacts,
        step: str,
        outputs: tuple[str, ...] | None,
        components: Mapping[TypeOrName, StackComponent],
    ) -> None:
        """Use `step_context` instead.

        Args:
            run: The run that the step believes it is in.
            step: The step's name.
            outputs: The names of its outputs; None for any.
            components: Component type → the component that the step reaches.
        """
        self._given = {ComponentType(type): each for type, each in components.items()}
        self._recording = RecordingTracker()
        self.omitted: list[str] = []
        names = TrackedRun(run.id, run.name, run.pipeline, run.pin.stack, 1, "", {})
        tracked = Tracked("recording", self._recording, TrackedStep(names, {}, step, {}, False))
        super().__init__(run, step, outputs or (), tracked=tracked)
        self._any_output: defaultdict[str, StepMetadata] | None = None
        if outputs is None:
            self.output_metadata = self._any_output = defaultdict(StepMetadata)

    @property
    def logged(self) -> dict[str, JsonValue]:
        """The metadata of the step: name → value; "metrics" and "parameters" by the tracker."""
        return {name: value for name, value in self.metadata.metadata.items() if name != RECORD}

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the step."""
        return self.metadata.tags

    @property
    def metrics(self) -> dict[str, list[float]]:
        """Metric → its values, in the order in which they were logged."""
        return self._recording.metrics

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that the step logged by its tracker: name → value."""
        return self._recording.parameters

    @property
    def artifacts(self) -> dict[str, Path]:
        """The files and folders that the step logged by its tracker: name → path."""
        return self._recording.artifacts

    @property
    def models(self) -> dict[str, Path]:
        """The models that the step logged by its tracker: name → path."""
        return self._recording.models

    def _component_names(self, type: TypeOrName) -> Sequence[str]:
        return ["default"] if type in self._given else []

    def _component(self, type: TypeOrName, name: str | None) -> StackComponent:
        names = self._component_names(type)
        if not names or name not in (None, *names):
            raise NoComponent(self.pin.stack, type, name or "", names)
        return self._given[ComponentType(type)]

    def _metadata_of(self, output: str | None) -> StepMetadata:
        if output is not None and self._any_output is not None:
            return self._any_output[output]
        return super()._metadata_of(output)

    def _left_out(self, what: str) -> None:
        self.omitted.append(what)
        super()._left_out(what)


@contextmanager
def step_context(
    step: Step[..., Any] | str = "step",
    *,
    outputs: Sequence[str] | None = None,
    pipeline: str = "pipeline",
    stack: str = "default",
    configurations: Mapping[ComponentType, Mapping[str, JsonValue]] | None = None,
    components: Mapping[TypeOrName, StackComponent] = MappingProxyType({}),
) -> Iterator[RecordedStepContext]:
    """Let `get_context()` work in a block, in which steps are called as functions.

    Nothing is run or stored. The context of the innermost block counts.

    Args:
        step: The step that is tested, or its name.
        outputs: The names of its outputs; by default those of the step, or any if only its name
            is given. What is logged for another output is omitted, as in a run.
        pipeline: The name of the pipeline that the step believes it is in.
        stack: The name of the stack in its pin.
        configurations: Component type → configuration of the component of that type in its pin;
            there is always one of an orchestrator and of an artifact store.
        components: Component type → the component that the step reaches by `component`, or by a
            property such as `alerter`. Its name is "default".

    Yields:
        What the step gets from `get_context()`; it also says what the step recorded.
    """
    if isinstance(step, Step) and outputs is None:
        outputs = [each.name for each in step.signature.outputs]
    name = step.name if isinstance(step, Step) else step
    run = RunFacts(RUN, f"{pipeline}-run", pipeline, _pin(stack, configurations or {}))
    names = None if outputs is None else tuple(outputs)
    context = RecordedStepContext(run, name, names, components)
    with executing(context), context.tracker.open_for_step():
        yield context


def _pin(stack: str, configurations: Mapping[ComponentType, Mapping[str, JsonValue]]) -> Pin:
    needed: dict[ComponentType, Mapping[str, JsonValue]] = {
        ComponentType.ORCHESTRATOR: {},
        ComponentType.ARTIFACT_STORE: {},
    }
    components = {
        type: (
            PinnedComponent(
                id=UUID(int=number),
                type=type,
                name="default",
                flavor="local",
                revision=1,
                configuration=dict(configuration),
            ),
        )
        for number, (type, configuration) in enumerate((needed | {**configurations}).items(), 10)
    }
    return Pin(stack_id=UUID(int=3), stack=stack, revision=1, components=components)
