"""RunLauncher: from a graph and a pin to a run that has ended."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, cast
from uuid import UUID

from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.pipelines.images import Images
from stackfold.application.ports import (
    ArtifactStore,
    ExperimentTracker,
    Orchestrator,
    StepOperator,
)
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.ports.submitting_orchestrator import JobImage, SubmittingOrchestrator
from stackfold.application.runs.cache import Cache, Executions
from stackfold.application.runs.captured_output import capturing_streams
from stackfold.application.runs.execution import Execution
from stackfold.application.runs.job_submitter import JobSubmitter, job_of
from stackfold.application.runs.progress import NULL_LISTENER, ProgressListener
from stackfold.application.runs.run_recorder import RunRecorder
from stackfold.application.runs.step_retry import RunResources
from stackfold.application.runs.tracking import Trackers
from stackfold.application.stacks.stack_resolver import Pinning
from stackfold.domain.errors import InvalidPipeline, WouldNotRun
from stackfold.domain.errors.wording import with_article
from stackfold.domain.pipelines.code import FORM, CodeFingerprints
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.options import FailureMode
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.run import Run, StepDefinition
from stackfold.domain.stacks.component_type import ComponentType

CompletedOutputs = Mapping[str, tuple[Artifact, ...]]
"""Step → its outputs, for the steps that need not be executed again."""

Build = Callable[[PinnedComponent], object]
"""Builds a pinned component."""


class RunRequest(NamedTuple):
    """A run that is to be started."""

    graph: Graph
    pin: Pin
    why: str = ""
    environment: Environment | None = None
    rerun_of: UUID | None = None
    listener: ProgressListener = NULL_LISTENER


class RunLauncher:
    """Executes runs."""

    def __init__(
        self,
        repository: Repository,
        pinning: Pinning,
        materializers: Materializers,
        claims: Claims,
        executions: Executions,
        job_submitter: JobSubmitter,
        images: Images,
        fingerprints: Callable[[], CodeFingerprints],
    ) -> None:
        """Record in `repository`, and claim by `claims` what is executed.

        Args:
            repository: The log.
            pinning: Sets up what a pin names.
            materializers: What writes and reads outputs.
            claims: Who executes what.
            executions: Where earlier executions are found.
            job_submitter: Hands to an engine what that is to execute.
            images: Builds what an engine starts.
            fingerprints: Creates what computes the fingerprints of code, once per run.
        """
        self._repository = repository
        self._pinning = pinning
        self._materializers = materializers
        self._claims = claims
        self._executions = executions
        self.job_submitter = job_submitter
        self._images = images
        self.fingerprints = fingerprints

    def start(self, launch: RunRequest) -> str:
        """Start a run, and return its id when it has completed.

        Raises:
            InvalidPipeline: The stack lacks what a step needs.
            RunFailed: A step raised; its exception is the cause.
        """
        graph, pin = launch.graph, launch.pin
        run_resources, orchestrator = self._set_up(graph, pin, launch.listener)
        chosen = step_operators(graph, pin)
        codes = {node.name: run_resources.cache.code(node) for node in graph.nodes}
        steps = tuple(
            StepDefinition(
                name=node.name,
                upstream=node.upstream,
                step_operator=chosen[node.name].name if node.name in chosen else None,
                code=codes[node.name].digest,
                outputs=node.declaration,
                materializers=run_resources.cache.written_by(node.step),
                cache=node.cache,
            )
            for node in graph.nodes
        )
        run = Run.start(
            graph.pipeline,
            graph.source,
            dict(graph.parameters),
            steps,
            pin,
            mode=graph.options.failure_mode or FailureMode.FAIL_FAST,
            configuration=dict(graph.configuration),
            environment=launch.environment,
            rerun_of=launch.rerun_of,
            tags=graph.options.tags,
            metadata=graph.options.metadata,
            import_root=graph.import_root,
            code_form=FORM,
            opaque={name: each.opaque for name, each in codes.items() if each.opaque},
        )
        # Claimed before it is known, so that nobody can take it for interrupted.
        with self._claims.claim(str(run.id), run.name):
            self._repository.save(run, why=launch.why)
            self._execute(run, launch, run_resources, orchestrator)
        return str(run.id)

    def resume(
        self,
        run: Run,
        graph: Graph,
        pin: Pin,
        kept: CompletedOutputs,
        why: str,
        listener: ProgressListener,
    ) -> None:
        """Go on with a run that the caller has claimed, and whose `Resumed` is recorded.

        Args:
            run: The run.
            graph: Its steps.
            pin: What it was pinned to when it started.
            kept: The steps that need not be executed again.
            why: The reason.
            listener: Receives progress events.

        Raises:
            InvalidPipeline: The stack lacks what a step needs.
            RunFailed: A step raised; its exception is the cause.
        """
        run_resources, orchestrator = self._set_up(graph, pin, listener)
        launch = RunRequest(graph, pin, why)
        self._execute(run, launch, run_resources, orchestrator, kept)

    def document(self, graph: Graph, pin: Pin) -> str:
        """What an engine would be handed; raises as `Runs.document`."""
        for type in (ComponentType.STEP_OPERATOR, ComponentType.EXPERIMENT_TRACKER):
            requested_components(graph, pin, type)
        orchestrator = cast(Orchestrator, self._pinning.required(pin, ComponentType.ORCHESTRATOR))
        if not isinstance(orchestrator, SubmittingOrchestrator):
            raise InvalidPipeline(
                f"stack {pin.stack!r} would hand nothing to an engine: its orchestrator is of the "
                f"flavor {orchestrator.flavor!r}, which executes the steps itself"
            )
        for problem, fix in self._pinning.violations(pin):
            warnings.warn(WouldNotRun(f"{problem}: {fix}"), stacklevel=3)
        job = job_of(graph, "RUN", graph.pipeline, {})
        return orchestrator.document(
            job._replace(image=self._image(graph, pin, orchestrator, dry=True))
        )

    def _set_up(
        self, graph: Graph, pin: Pin, listener: ProgressListener
    ) -> tuple[RunResources, Orchestrator]:
        """Check the stack, and build what executes the run; raises as `run_resources`."""
        built = self._pinning.check(pin)
        orchestrator = cast(Orchestrator, built[_default(pin, ComponentType.ORCHESTRATOR).id])
        return self._resources(graph, pin, listener, lambda each: built[each.id]), orchestrator

    def run_resources(self, graph: Graph, pin: Pin, listener: ProgressListener) -> RunResources:
        """Build what executes the steps of a run, without checking the rest of the stack.

        Raises:
            InvalidPipeline: The stack lacks a component that a step needs.
        """
        return self._resources(graph, pin, listener, self._pinning.built)

    def _resources(
        self, graph: Graph, pin: Pin, listener: ProgressListener, build: Build
    ) -> RunResources:
        chosen = step_operators(graph, pin)
        built = {each.id: cast(StepOperator, build(each)) for each in chosen.values()}
        operators = {step: built[component.id] for step, component in chosen.items()}
        store = cast(ArtifactStore, build(_default(pin, ComponentType.ARTIFACT_STORE)))
        materializers = self._materializers
        if graph.options.no_pickle:
            materializers = materializers.without_pickles()
        cache = Cache(self._executions, store, materializers, graph.nodes, self.fingerprints())
        trackers = _trackers(graph, pin, build)
        return RunResources(store, materializers, operators, listener, cache, trackers)

    def _execute(
        self,
        run: Run,
        launch: RunRequest,
        run_resources: RunResources,
        orchestrator: Orchestrator,
        kept: CompletedOutputs = MappingProxyType({}),
    ) -> None:
        graph, pin = launch.graph, launch.pin
        submits = isinstance(orchestrator, SubmittingOrchestrator)
        recording = RunRecorder(self._repository, run, launch.why, shared=submits)
        execution = Execution(run, graph, pin, recording, run_resources, kept)
        if isinstance(orchestrator, SubmittingOrchestrator):
            component = pin.component(ComponentType.ORCHESTRATOR)
            name = component.name if component else ""
            job = job_of(graph, str(run.id), run.name, kept)
            self.job_submitter.drive(
                job,
                execution,
                recording,
                orchestrator,
                name,
                partial(self._image, graph, pin, orchestrator),
            )
        else:
            self._drive(execution, orchestrator)

    def _image(
        self, graph: Graph, pin: Pin, orchestrator: SubmittingOrchestrator, dry: bool = False
    ) -> JobImage | None:
        """The image of a run; None if the engine needs none, or the stack cannot build one."""
        if not orchestrator.takes_image or pin.component(ComponentType.IMAGE_BUILDER) is None:
            return None
        return self._images.of_run(graph, pin, dry=dry)

    def _drive(self, execution: Execution, orchestrator: Orchestrator) -> None:
        try:
            execution.begin()
            with capturing_streams():
                orchestrator.run(execution.plan, execution.execute)
            execution.end_tracking()
        except BaseException as error:
            if is_interruption(error):
                execution.cancel(error)
                raise
            failed = execution.fail(error)
            raise failed from failed.__cause__
        execution.complete()


def _default(pin: Pin, type: ComponentType) -> PinnedComponent:
    component = pin.component(type)
    if component is None:
        raise InvalidPipeline(f"stack {pin.stack!r} has no {type.noun}")
    return component


def _trackers(graph: Graph, pin: Pin, build: Build) -> Trackers:
    requested = requested_components(graph, pin, ComponentType.EXPERIMENT_TRACKER)
    default = pin.component(ComponentType.EXPERIMENT_TRACKER)
    used = {each.name: each for each in ([default] if default else []) + [*requested.values()]}
    return Trackers(
        {name: cast(ExperimentTracker, build(each)) for name, each in used.items()},
        {step: component.name for step, component in requested.items()},
        default.name if default else None,
    )


def step_operators(graph: Graph, pin: Pin) -> dict[str, PinnedComponent]:
    """Step → the pinned step operator that it asks for; raises as `requested_components`."""
    return requested_components(graph, pin, ComponentType.STEP_OPERATOR)


def requested_components(graph: Graph, pin: Pin, type: ComponentType) -> dict[str, PinnedComponent]:
    """Step → the pinned component that its option asks for; steps that ask for none are left out.

    Args:
        graph: The steps.
        pin: What there is.
        type: Of which type; the option has its name.

    Raises:
        InvalidPipeline: The stack does not hold it.
    """
    chosen = {}
    for node in graph.nodes:
        asked = getattr(node.step.options, type.value)
        if not asked:
            continue
        found = pin.component(type, None if asked is True else asked)
        if found is None:
            held = ", ".join(each.name for each in pin.components.get(type, ())) or "none"
            wanted = with_article(type.noun) if asked is True else f"the {type.noun} {asked!r}"
            raise InvalidPipeline(
                f"step {node.name!r} asks for {wanted}: stack {pin.stack!r} holds {held}"
            )
        chosen[node.name] = found
    return chosen
