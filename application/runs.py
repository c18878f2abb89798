"""Runs: start one on a stack, look at what they did, and load what they produced."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from stackfold.application.execution import Execution
from stackfold.application.flavors import Flavors
from stackfold.application.ledger import Ledger
from stackfold.application.materializers import Materializers
from stackfold.application.pinning import Pinning
from stackfold.application.ports import ArtifactStore, Orchestrator, RunPlan, StepOperator
from stackfold.application.queries import Queries
from stackfold.application.run_views import (
    NEWEST_FIRST,
    ArtifactView,
    RunDescription,
    RunQueries,
    RunView,
    StepView,
)
from stackfold.application.steps import read
from stackfold.application.views import Listing
from stackfold.domain.artifact import Artifact
from stackfold.domain.component_type import ComponentType
from stackfold.domain.configuration import AS_WRITTEN, RunConfiguration
from stackfold.domain.errors import InvalidPipeline, NotFound
from stackfold.domain.graph import Graph
from stackfold.domain.pin import Pin, PinnedComponent
from stackfold.domain.pipeline import Pipeline
from stackfold.domain.run import Run, StepDefinition


class Runs:
    """What can be done with runs, and asked of them.

    A `reference` is a name, an id or a unique prefix of either.
    """

    def __init__(
        self,
        ledger: Ledger,
        queries: Queries,
        run_queries: RunQueries,
        flavors: Flavors,
        materializers: Materializers,
    ) -> None:
        """Record in `ledger`; find stacks and runs by the queries, and classes by `flavors`."""
        self._ledger = ledger
        self._pinning = Pinning(queries, flavors)
        self._run_queries = run_queries
        self._materializers = materializers

    def start(
        self,
        pipeline: Pipeline[...],
        parameters: Mapping[str, Any] | None = None,
        *,
        configuration: RunConfiguration = AS_WRITTEN,
        stack: str | None = None,
        why: str = "",
    ) -> RunView:
        """Run a pipeline, and return when it has completed.

        Everything is checked before anything is executed or recorded.

        Args:
            pipeline: What to run.
            parameters: Its parameters by name; they override the configuration's.
            configuration: What else is chosen for this run.
            stack: The stack to run on, by name, id or unique prefix; the configuration's or else
                the active one if None. Which one is active does not change.
            why: The reason.

        Raises:
            InvalidPipeline: Its steps or parameters do not fit, or its stack lacks what they need.
            NotFound: There is no such stack.
            InvalidConfiguration: A component no longer fits its flavor.
            RunFailed: A step raised; its exception is the cause.
        """
        graph = pipeline.graph_for(parameters or {}, configuration)
        pin = self._pinning.pin(stack or configuration.stack)
        chosen = _step_operators(graph, pin)
        built = {each.id: cast(StepOperator, self._pinning.built(each)) for each in chosen.values()}
        operators = {step: built[component.id] for step, component in chosen.items()}
        orchestrator = cast(Orchestrator, self._pinning.required(pin, ComponentType.ORCHESTRATOR))
        store = cast(ArtifactStore, self._pinning.required(pin, ComponentType.ARTIFACT_STORE))
        steps = tuple(
            StepDefinition(
                name=node.name,
                upstream=node.upstream,
                step_operator=chosen[node.name].name if node.name in chosen else None,
            )
            for node in graph.nodes
        )
        with self._ledger.signed(why):
            run = Run.start(graph.pipeline, graph.source, dict(graph.parameters), steps, pin)
        self._ledger.save(run)
        execution = Execution(run, graph, self._ledger, why, store, self._materializers, operators)
        try:
            orchestrator.run(RunPlan(str(run.id), graph.pipeline, steps), execution.execute)
        except KeyboardInterrupt as interruption:
            execution.fail(interruption)
            raise
        except BaseException as error:
            failed = execution.fail(error)
            raise failed from failed.__cause__
        execution.complete()
        return self.get(str(run.id))

    def list(self, listing: Listing = NEWEST_FIRST) -> Sequence[RunView]:
        """The runs, the latest first.

        Raises:
            InvalidListing: A column that runs do not have.
        """
        return self._run_queries.runs(listing)

    def get(self, reference: str) -> RunView:
        """One run.

        Raises:
            NotFound: Nothing answers to the reference.
            Ambiguous: The reference is a prefix of several.
        """
        return self._run_queries.run(reference)

    def describe(self, reference: str) -> RunDescription:
        """One run with its steps, and everything that it was pinned to; raises as `get`."""
        return self._run_queries.describe_run(reference)

    def steps(self, reference: str) -> Sequence[StepView]:
        """The steps of a run, in topological order; raises as `get`."""
        return self.describe(reference).steps

    def artifacts(self, reference: str) -> Sequence[ArtifactView]:
        """What a run produced, oldest first; raises as `get`."""
        return self._run_queries.artifacts(self.get(reference).id)

    def load(self, reference: str, step: str, output: str | None = None) -> Any:
        """A value that a run produced, from the store that the run was pinned to.

        Args:
            reference: Which run.
            step: The step's name.
            output: The output's name; may be left out if there is one.

        Raises:
            NotFound: There is no such run or output.
            ArtifactDamaged: The value is gone, or not what was written.
            UnknownClass: It is of a class that this program has not imported.
        """
        run = self.describe(reference)
        found = self._artifact(run, step, output)
        pinned = Pin.model_validate(run.pin)
        store = cast(ArtifactStore, self._pinning.required(pinned, ComponentType.ARTIFACT_STORE))
        return read(found, store, self._materializers)

    # -- how it is done

    def _artifact(self, run: RunDescription, step: str, output: str | None) -> Artifact:
        outputs = {each.name: each for each in self._run_queries.artifacts(run.id, step)}
        if output is None and len(outputs) == 1:
            (output,) = outputs
        if output not in outputs:
            others = ", ".join(outputs) or "nothing"
            what = f"{step}/{output}" if output else step
            raise NotFound("output", what, f"step {step!r} of run {run.name!r} produced {others}")
        found = outputs[output]
        return Artifact.model_validate(
            {field: getattr(found, field) for field in Artifact.model_fields}
        )


def _step_operators(graph: Graph, pin: Pin) -> dict[str, PinnedComponent]:
    """Step → the pinned step operator that it asks for; steps that ask for none are left out.

    Raises:
        InvalidPipeline: The stack does not hold it.
    """
    type = ComponentType.STEP_OPERATOR
    chosen = {}
    for node in graph.nodes:
        asked = node.step.options.step_operator
        if not asked:
            continue
        found = pin.component(type, None if asked is True else asked)
        if found is None:
            held = ", ".join(each.name for each in pin.components.get(type, ())) or "none"
            wanted = "a step operator" if asked is True else f"the step operator {asked!r}"
            raise InvalidPipeline(
                f"step {node.name!r} asks for {wanted}: stack {pin.stack!r} holds {held}"
            )
        chosen[node.name] = found
    return chosen
