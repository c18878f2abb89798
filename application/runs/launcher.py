"""RunLauncher: starts runs, drives them to their end, and resumes them."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, cast
from uuid import UUID

from pydantic import JsonValue

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
from stackfold.application.ports.submitting_orchestrator import JobImage, SubmittingOrchestrator
from stackfold.application.runs.cache import Cache, Executions
from stackfold.application.runs.captured_output import capturing_streams
from stackfold.application.runs.execution import Execution
from stackfold.application.runs.job_submitter import JobSubmitter, image_built, job_of
from stackfold.application.runs.live_steps import LiveSteps
from stackfold.application.runs.model_versions import ModelVersions
from stackfold.application.runs.progress import NULL_LISTENER, ProgressListener
from stackfold.application.runs.references import Pinned, References
from stackfold.application.runs.run_end import recorded
from stackfold.application.runs.run_link import RunLog
from stackfold.application.runs.run_recorder import RunRecorder
from stackfold.application.runs.run_reports import RunReports
from stackfold.application.runs.step_components import Build, Pack, StepComponents
from stackfold.application.runs.step_retry import RunResources
from stackfold.application.runs.tracking import Trackers
from stackfold.application.stacks.stack_resolver import StackResolver
from stackfold.domain.errors import InvalidPipeline, WouldNotRun
from stackfold.domain.errors.wording import with_article
from stackfold.domain.pipelines.code import FORM, CodeFingerprints
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.run import Run, StepDefinition
from stackfold.domain.runs.start_facts import Occurrence
from stackfold.domain.stacks.component_type import ComponentType

CompletedOutputs = Mapping[str, tuple[Artifact, ...]]
"""Step → its outputs, for the steps that need not be executed again."""


class RunRequest(NamedTuple):
    """A run to start."""

    graph: Graph
    pin: Pin
    why: str = ""
    environment: Environment | None = None
    rerun_of: UUID | None = None
    listener: ProgressListener = NULL_LISTENER
    references: Pinned = MappingProxyType({})
    """The artifacts of earlier runs that are not looked up again."""
    occurrence: Occurrence | None = None
    """What a schedule starts it for."""
    metadata: Mapping[str, JsonValue] = MappingProxyType({})
    """Metadata besides that of the graph."""


class RunLauncher:
    """Starts and resumes runs."""

    def __init__(
        self,
        repository: Repository,
        resolver: StackResolver,
        materializers: Materializers,
        claims: Claims,
        executions: Executions,
        job_submitter: JobSubmitter,
        images: Images,
        fingerprints: Callable[[], CodeFingerprints],
        live_steps: LiveSteps,
        models: ModelVersions,
        references: References,
        log: RunLog,
        pack: Pack,
    ) -> None:
        """Create the service.

        Args:
            repository: Saves runs.
            resolver: Builds the components of a pin.
            materializers: Write and read outputs.
            claims: Locks runs against concurrent execution.
            executions: Looks up earlier executions.
            job_submitter: Submits runs to engines.
            images: Builds container images for engines.
            fingerprints: Creates the code fingerprints of one run.
            live_steps: Shows running steps to other processes.
            models: Opens and finds the versions of models that runs make or continue.
            references: Looks up artifacts of earlier runs.
            log: Reaches the log from steps while they run.
            pack: Packs components that are sent to other processes with steps.
        """
        self._pack = pack
        self._log = log
        self._references = references
        self._repository = repository
        self._resolver = resolver
        self._materializers = materializers
        self._claims = claims
        self._executions = executions
        self.job_submitter = job_submitter
        self._images = images
        self.fingerprints = fingerprints
        self.live_steps = live_steps
        self.models = models

    def start(self, request: RunRequest) -> str:
        """Start a run, and return its id when it has completed.

        Raises:
            InvalidPipeline: The stack lacks a component that a step needs.
            RunFailed: A step raised; its exception is the cause.
        """
        graph, pin = request.graph, request.pin
        self.models.must_not_be_named(graph.own_names)
        pinned = self._references.pinned(graph, request.references, pin)
        run_resources, orchestrator = self._set_up(graph, pin, request.listener, pinned)
        if graph.given:
            component = _default(pin, ComponentType.ARTIFACT_STORE)
            store, materializers = run_resources.store, run_resources.materializers
            pinned |= self._references.written(graph, pinned, store, component, materializers)
        request = request._replace(references=pinned)
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
            environment=request.environment or Environment(),
            rerun_of=request.rerun_of,
            tags=graph.options.tags,
            metadata={**graph.options.metadata, **request.metadata},
            import_root=graph.import_root,
            code_form=FORM,
            opaque={name: each.opaque for name, each in codes.items() if each.opaque},
            model_version=self.models.chosen(graph.options.model),
            references=pinned,
            returns=graph.returns,
            occurrence=request.occurrence,
        )
        # Claimed before it is saved, so that it never appears interrupted.
        with self._claims.claim(str(run.id), run.name):
            self.models.save(run, graph.options.model, pin, request.why)
            self._execute(run, request, run_resources, orchestrator)
        return str(run.id)

    def resume(
        self,
        run: Run,
        graph: Graph,
        pin: Pin,
        completed: CompletedOutputs,
        why: str,
        listener: ProgressListener,
        references: Pinned,
    ) -> None:
        """Continue a run that the caller has claimed and recorded as resumed.

        Args:
            run: The run.
            graph: Its steps.
            pin: Its pin.
            completed: The steps that are not executed again.
            why: The reason.
            listener: Receives progress events.
            references: The artifacts of earlier runs that it has pinned.

        Raises:
            InvalidPipeline: The stack lacks a component that a step needs.
            RunFailed: A step raised; its exception is the cause.
        """
        run_resources, orchestrator = self._set_up(graph, pin, listener, references)
        self.live_steps.clear(str(run.id))  # what the process before has left
        request = RunRequest(graph, pin, why, references=references)
        self._execute(run, request, run_resources, orchestrator, completed)

    def document(self, graph: Graph, pin: Pin) -> str:
        """Return what would be submitted to the engine; raises as `Runs.document`."""
        for type in (ComponentType.STEP_OPERATOR, ComponentType.EXPERIMENT_TRACKER):
            requested_components(graph, pin, type)
        orchestrator = cast(Orchestrator, self._resolver.required(pin, ComponentType.ORCHESTRATOR))
        if not isinstance(orchestrator, SubmittingOrchestrator):
            raise InvalidPipeline(
                f"stack {pin.stack!r} submits nothing to an engine: its orchestrator is of the "
                f"flavor {orchestrator.flavor!r}, which executes the steps itself"
            )
        for problem, fix in self._resolver.violations(pin):
            warnings.warn(WouldNotRun(f"{problem}: {fix}"), stacklevel=3)
        job = job_of(graph, "RUN", graph.pipeline, {})
        return orchestrator.document(
            job._replace(image=self._image(graph, pin, orchestrator, dry=True))
        )

    def _set_up(
        self, graph: Graph, pin: Pin, listener: ProgressListener, references: Pinned
    ) -> tuple[RunResources, Orchestrator]:
        """Check the stack, and build what executes the run; raises as `run_resources`."""
        built = self._resolver.check(pin)
        orchestrator = cast(Orchestrator, built[_default(pin, ComponentType.ORCHESTRATOR).id])
        resources = self._resources(graph, pin, listener, lambda each: built[each.id], references)
        return resources, orchestrator

    def run_resources(
        self, graph: Graph, pin: Pin, listener: ProgressListener, references: Pinned
    ) -> RunResources:
        """Build what executes the steps of a run, without checking the rest of the stack.

        Raises:
            InvalidPipeline: The stack lacks a component that a step needs.
        """
        return self._resources(graph, pin, listener, self._resolver.built, references)

    def _resources(
        self,
        graph: Graph,
        pin: Pin,
        listener: ProgressListener,
        build: Build,
        references: Pinned,
    ) -> RunResources:
        chosen = step_operators(graph, pin)
        built = {each.id: cast(StepOperator, build(each)) for each in chosen.values()}
        operators = {step: built[component.id] for step, component in chosen.items()}
        component = _default(pin, ComponentType.ARTIFACT_STORE)
        store = cast(ArtifactStore, build(component))
        stores = self._references.stores(references, store, component)
        materializers = self._materializers
        if graph.options.no_pickle:
            materializers = materializers.without_pickles()
        cache = Cache(self._executions, store, materializers, graph.nodes, self.fingerprints())
        trackers = _trackers(graph, pin, build)
        reports = RunReports(listener, graph.pipeline)
        return RunResources(
            *(store, materializers, operators, reports, cache, trackers, stores, self._log),
            components=StepComponents(pin, build, self._pack),
        )

    def _execute(
        self,
        run: Run,
        request: RunRequest,
        run_resources: RunResources,
        orchestrator: Orchestrator,
        completed: CompletedOutputs = MappingProxyType({}),
    ) -> None:
        graph, pin = request.graph, request.pin
        submits = isinstance(orchestrator, SubmittingOrchestrator) and orchestrator.submits
        recorder = RunRecorder(self._repository, run, request.why, shared=submits)
        execution = Execution(
            run,
            graph,
            pin,
            recorder,
            run_resources,
            completed,
            request.references,
            self.models.linked(run.model_version),
        )
        image = partial(self._image, graph, pin, orchestrator)
        if isinstance(orchestrator, SubmittingOrchestrator) and submits:
            component = pin.component(ComponentType.ORCHESTRATOR)
            name = component.name if component else ""
            job = job_of(graph, str(run.id), run.name, completed)._replace(secrets=pin.secrets)
            self.job_submitter.submit(job, execution, recorder, orchestrator, name, image)
        else:
            with recorded(execution):
                execution.begin()
                built = image()
                if built is not None:
                    recorder.record(partial(image_built, built.name))
                self._drive(execution, orchestrator, built)

    def coordinate(self, execution: Execution, pin: Pin, image: JobImage | None) -> None:
        """Drive a run that another process has begun and submitted to this one.

        Args:
            execution: The run.
            pin: Its pin.
            image: The image of its steps, if its orchestrator takes one.

        Raises:
            RunFailed: A step raised; its exception is the cause.
        """
        orchestrator = cast(Orchestrator, self._resolver.required(pin, ComponentType.ORCHESTRATOR))
        with recorded(execution):
            self._drive(execution, orchestrator, image)

    def _image(
        self, graph: Graph, pin: Pin, orchestrator: Orchestrator, dry: bool = False
    ) -> JobImage | None:
        """Return the image of a run; None if the engine needs none or the stack has no builder."""
        if not orchestrator.takes_image or pin.component(ComponentType.IMAGE_BUILDER) is None:
            return None
        return self._images.of_run(graph, pin, dry=dry)

    def _drive(
        self, execution: Execution, orchestrator: Orchestrator, image: JobImage | None
    ) -> None:
        plan = execution.plan._replace(image=image)
        with capturing_streams(), self.live_steps.showing(plan.run, execution.running):
            orchestrator.run(plan, execution.execute)
        execution.end_tracking()


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
    """Step → the step operator it requests; raises as `requested_components`."""
    return requested_components(graph, pin, ComponentType.STEP_OPERATOR)


def requested_components(graph: Graph, pin: Pin, type: ComponentType) -> dict[str, PinnedComponent]:
    """Step → the pinned component that its option requests, for the steps that request one.

    Args:
        graph: The steps.
        pin: The available components.
        type: The component type, which is also the name of the option.

    Raises:
        InvalidPipeline: The stack does not contain it.
    """
    chosen = {}
    for node in graph.nodes:
        requested = getattr(node.step.options, type.value)
        if not requested:
            continue
        found = pin.component(type, None if requested is True else requested)
        if found is None:
            available = ", ".join(each.name for each in pin.components.get(type, ())) or "none"
            wanted = (
                with_article(type.noun) if requested is True else f"the {type.noun} {requested!r}"
            )
            raise InvalidPipeline(
                f"step {node.name!r} requests {wanted}: stack {pin.stack!r} has {available}"
            )
        chosen[node.name] = found
    return chosen
