"""RunOutputs: reads the values and logs of a run from the artifact store it was pinned to."""

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import artifact_of, read
from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.live_steps import LiveSteps, last_texts
from stackfold.application.runs.run_texts import StepText
from stackfold.application.runs.run_views import RunDescription, RunQueries, StepView
from stackfold.application.runs.step_logs import followed, text_of, text_of_all
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.errors import NotFound
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType


class RunOutputs:
    """Reads what the steps of runs returned and printed."""

    def __init__(
        self,
        queries: RunQueries,
        resolver: StackResolver,
        materializers: Materializers,
        live: LiveSteps,
    ) -> None:
        """Create the service.

        Args:
            queries: Look up runs and their artifacts.
            resolver: Builds the artifact store of a pin.
            materializers: Read stored values.
            live: Read the text of running steps.
        """
        self._queries = queries
        self._resolver = resolver
        self._materializers = materializers
        self._live = live

    def load(self, reference: str, step: str, output: str | None, no_pickle: bool) -> Any:
        """Return a value that a run produced; raises as `Runs.load`."""
        run = self._queries.describe_run(reference)
        found = self._output(run, step, output)
        readers = self._materializers.without_pickles() if no_pickle else self._materializers
        return read(artifact_of(found), self._store(run), readers)

    def logs(self, reference: str, step: str | None) -> Iterator[str]:
        """Return what a run's steps printed and logged; raises as `Runs.logs`."""
        run = self._queries.describe_run(reference)
        live = last_texts(run, self._live)
        if step is None:
            return text_of_all(run.steps, self._store(run), live)
        return text_of(_step(run, step), self._store(run), live)

    def follow(self, reference: str, step: str | None, interval: float) -> Iterator[StepText]:
        """Yield what a run's steps print until it ends; raises as `Runs.follow`."""
        run = self._queries.describe_run(reference)
        if step is not None:
            _step(run, step)
        queries, store = self._queries, partial(self._store, run)
        return followed(lambda: queries.describe_run(run.id), self._live, store, step, interval)

    def _store(self, run: RunDescription) -> ArtifactStore:
        pin = Pin.model_validate(run.pin)
        return cast(ArtifactStore, self._resolver.required(pin, ComponentType.ARTIFACT_STORE))

    def _output(self, run: RunDescription, step: str, name: str | None) -> ArtifactView:
        outputs = {each.name: each for each in self._queries.artifacts(run.id, step)}
        if name is None and len(outputs) == 1:
            (name,) = outputs
        if name not in outputs:
            others = ", ".join(outputs) or "nothing"
            what = f"{step}/{name}" if name else step
            raise NotFound("output", what, f"step {step!r} of run {run.name!r} produced {others}")
        return outputs[name]


def _step(run: RunDescription, name: str) -> StepView:
    for step in run.steps:
        if step.name == name:
            return step
    steps = ", ".join(each.name for each in run.steps)
    raise NotFound("step", name, f"run {run.name!r} has {steps}")
