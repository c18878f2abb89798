"""The result of calling a pipeline."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackfold.application.runs.run_views import RunView
from stackfold.domain.errors import LogUnavailable
from stackfold.domain.runs.artifact_reference import ArtifactReference

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_views import ArtifactView
    from stackfold.application.runs.cache_reasons import CacheReason
    from stackfold.application.runs.run_views import RunDescription, StepView
    from stackfold.infrastructure.workspace import Workspace


@dataclass(frozen=True)
class FinishedOutput(ArtifactReference):
    """An output of a step of a completed run, which a pipeline can give to its steps."""

    view: "ArtifactView"
    _load: Callable[[], Any] = field(repr=False, compare=False)

    @property
    def given_as(self) -> str:
        """Its id, which is what a run records if it takes this artifact."""
        return self.view.id

    def load(self) -> Any:
        """Return its value; raises as `FinishedRun.load`."""
        return self._load()


@dataclass(frozen=True)
class FinishedStep:
    """A step of a completed run."""

    view: "StepView"
    outputs: Mapping[str, FinishedOutput]
    """Its outputs by name."""
    inputs: Mapping[str, FinishedOutput]
    """Its inputs by name, without plain values; "models[0]" for the first in a list."""
    saved: Sequence[FinishedOutput] = ()
    """The artifacts that it saved while it was running, the first first."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The plain values that it was given, by name."""
        return self.view.parameters

    @property
    def metadata(self) -> dict[str, Any]:
        """What it recorded, its options, and what was added later, until the run was read."""
        return self.view.metadata

    @property
    def tags(self) -> list[str]:
        """Its tags, from its options, from the step itself and added later."""
        return self.view.tags


@dataclass(frozen=True, repr=False)
class FinishedRun:
    """A completed run, with access to its outputs."""

    view: RunView
    home: Path
    """The home of its workspace."""
    store: str | None = None
    """The address of the shared log that contains it; None if the log is in the home."""
    _workspace: "Workspace | None" = field(default=None, repr=False, compare=False)
    """The workspace that it ran in; None in another process."""

    @classmethod
    def of(cls, view: RunView, workspace: "Workspace") -> "FinishedRun":
        """Create the result of a run that completed in a workspace.

        Args:
            view: The run.
            workspace: The workspace that it ran in.
        """
        return cls(view, workspace.home, workspace.store, workspace)

    def __repr__(self) -> str:
        return f"<FinishedRun {self.name}: {self.status}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.view, self.home, self.store)

    @property
    def id(self) -> str:
        """Its id."""
        return self.view.id

    @property
    def name(self) -> str:
        """Its name."""
        return self.view.name

    @property
    def status(self) -> str:
        """Its status: "completed"; a run that failed raised instead."""
        return self.view.status

    @property
    def model_version(self) -> str | None:
        """The version of a model that it made or continued, such as "fraud@3"; None for none."""
        return self.view.model_version

    @property
    def metrics(self) -> dict[str, float]:
        """Its metrics and those of its steps, by name: `auc`, or `train.auc` if several have it."""
        return self.describe().metrics

    @property
    def steps(self) -> dict[str, FinishedStep]:
        """Its steps by name: `run.steps["train"].outputs["model"].load()`."""
        with self._opened() as workspace:
            steps = workspace.runs.describe(self.id).steps
            known = {each.id: each for step in steps for each in (*step.outputs, *step.saved)}
            for id in {id for step in steps for id in step.inputs.values()} - known.keys():
                known[id] = workspace._services.artifact_queries.recorded(id)[0]
        return {
            step.name: FinishedStep(
                step,
                {each.name: self._output(each) for each in step.outputs},
                {name: self._output(known[id]) for name, id in step.inputs.items()},
                [*map(self._output, step.saved)],
            )
            for step in steps
        }

    @property
    def outputs(self) -> dict[str, FinishedOutput]:
        """What its pipeline returned: by its keys, or else by the names of the outputs.

        Two outputs of one name are called "step.name". It is empty if the pipeline returned
        anything else than outputs of steps, alone or in one tuple, list or dictionary.
        """
        kind, found = self._returned()
        if kind == "dict":
            return found
        names = [each.view.name for each in found.values()]
        if len(set(names)) < len(names):
            names = [f"{each.view.step}.{each.view.name}" for each in found.values()]
        return dict(zip(names, found.values(), strict=True))

    def result(self) -> Any:
        """Return the values of what its pipeline returned, in the same form; None for nothing.

        Raises:
            ArtifactDamaged: A value is missing or damaged.
        """
        kind, found = self._returned()
        if kind == "dict":
            return {key: each.load() for key, each in found.items()}
        values = [each.load() for each in found.values()]
        if kind == "one":
            return values[0]
        return {"tuple": tuple(values), "list": values}.get(kind)

    def _returned(self) -> tuple[str, dict[str, FinishedOutput]]:
        """The kind of what the pipeline returned, and the outputs by key."""
        described = self.describe()
        returns = described.returns or {"kind": "", "outputs": []}
        outputs = {
            (step.name, each.name): each for step in described.steps for each in step.outputs
        }
        return returns["kind"], {
            each["key"]: self._output(outputs[each["step"], each["output"]])
            for each in returns["outputs"]
        }

    def _output(self, view: "ArtifactView") -> FinishedOutput:
        return FinishedOutput(view, partial(self._load, view.id))

    def _load(self, id: str) -> Any:
        with self._opened() as workspace:
            return workspace.artifacts.load(id)

    def describe(self) -> "RunDescription":
        """Return its steps, and the stack that it was pinned to."""
        with self._opened() as workspace:
            return workspace.runs.describe(self.id)

    def why(self) -> "Sequence[CacheReason]":
        """Explain for each step why it was or was not cached."""
        with self._opened() as workspace:
            return workspace.runs.why(self.id)

    def load(self, step: str, output: str | None = None) -> Any:
        """Return a value that it produced.

        Args:
            step: The step's name.
            output: The output's name; may be omitted if the step has one output.

        Raises:
            NotFound: The output does not exist.
            ArtifactDamaged: The value is missing or damaged.
            LogUnavailable: It ran in a workspace in memory that was closed.
        """
        with self._opened() as workspace:
            return workspace.runs.load(self.id, step, output)

    @contextmanager
    def _opened(self) -> "Iterator[Workspace]":
        """The workspace that it ran in, opened again if it was closed."""
        from stackfold.infrastructure.workspace import Workspace

        known = self._workspace
        if known is not None and not known.closed:
            yield known
            return
        if known is not None and known._temporary:
            raise LogUnavailable("memory", "was closed: ask in its `with` block")
        again = Workspace.open(self.home, self.store)
        try:
            yield again
        finally:
            again.close()
