"""Runs: start one on a stack, look at what they did, and load what they produced."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read
from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.listing.listing import Listing
from stackfold.application.pipelines.images import Images
from stackfold.application.pipelines.unresolved_hints import note_unresolved_hints
from stackfold.application.ports import ArtifactStore
from stackfold.application.runs import annotations
from stackfold.application.runs.cache import Executions
from stackfold.application.runs.cache_reasons import CacheReason, CacheReasons, EarlierExecutions
from stackfold.application.runs.job_submitter import JobSubmitter
from stackfold.application.runs.launcher import RunLauncher, RunRequest
from stackfold.application.runs.progress import NULL_LISTENER, ProgressListener
from stackfold.application.runs.recorded_graph import PipelineLoader
from stackfold.application.runs.remote_steps import RemoteSteps
from stackfold.application.runs.reruns import Reruns
from stackfold.application.runs.resumption import Resumption
from stackfold.application.runs.run_diffs import Changes, RunDiff, RunDiffs
from stackfold.application.runs.run_views import (
    NEWEST_FIRST,
    RunDescription,
    RunQueries,
    RunView,
    StepView,
)
from stackfold.application.runs.step_logs import text_of, text_of_all
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import Queries
from stackfold.application.stacks.stack_resolver import Pinning
from stackfold.domain.errors import NotFound, RunBusy
from stackfold.domain.pipelines.code import CodeFingerprints
from stackfold.domain.pipelines.graph import parameters_must_fit
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.pipelines.run_configuration import (
    AS_WRITTEN,
    AnyConfiguration,
    configuration_of,
)
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.run import Run
from stackfold.domain.stacks.component_type import ComponentType


class KnownExecutions(Executions, EarlierExecutions, Protocol):
    """What the log knows of executions."""


class Runs:
    """What can be done with runs, and asked of them.

    A `reference` is a name, an id or a unique prefix of either.
    """

    def __init__(
        self,
        repository: Repository,
        queries: Queries,
        run_queries: RunQueries,
        flavors: Flavors,
        materializers: Materializers,
        claims: Claims,
        load_pipeline: PipelineLoader,
        executions: KnownExecutions,
        changes: Changes,
        environment: Callable[[], Environment],
        images: Images,
        fingerprints: Callable[[], CodeFingerprints],
    ) -> None:
        """Record in `repository`; find stacks and runs by the queries, and classes by `flavors`.

        Args:
            repository: The log.
            queries: The questions about stacks and components.
            run_queries: The questions about runs.
            flavors: What builds components.
            materializers: What writes and reads values.
            claims: Who executes which run.
            load_pipeline: From a pipeline's source to the pipeline.
            executions: What may stand for a step that is to be executed.
            changes: What was done to stacks and components.
            environment: What tells the Python, the machine and the packages that are here.
            images: Builds what an engine starts.
            fingerprints: Creates what computes the fingerprints of code, once per run.
        """
        self._repository = repository
        self._claims = claims
        self._environment = environment
        self._pinning = Pinning(queries, flavors)
        job_submitter = JobSubmitter(run_queries)
        self._launcher = RunLauncher(
            repository,
            self._pinning,
            materializers,
            claims,
            executions,
            job_submitter,
            images,
            fingerprints,
        )
        self.remote_steps = RemoteSteps(
            repository, run_queries, claims, self._launcher, load_pipeline
        )
        """For the processes that an engine starts, to which a run was handed."""
        self._resumption = Resumption(
            repository, run_queries, self._pinning, claims, self._launcher, load_pipeline
        )
        self._reruns = Reruns(run_queries, self._launcher, load_pipeline, environment)
        self._cache_reasons = CacheReasons(run_queries, executions)
        self._diffs = RunDiffs(run_queries, changes)
        self._run_queries = run_queries
        self._materializers = materializers

    def start(
        self,
        pipeline: Pipeline[...],
        parameters: Mapping[str, Any] | None = None,
        *,
        configuration: AnyConfiguration = AS_WRITTEN,
        stack: str | None = None,
        why: str = "",
        listener: ProgressListener = NULL_LISTENER,
    ) -> RunView:
        """Run a pipeline, and return when it has completed.

        Everything is checked before anything is executed or recorded.

        Args:
            pipeline: What to run.
            parameters: Its parameters by name; they override the configuration's.
            configuration: What else is chosen for this run; a `RunConfiguration` or a mapping with
                its keys.
            stack: The stack to run on, by name, id or unique prefix; the configuration's or else
                the active one if None. Which one is active does not change.
            why: The reason.
            listener: Who is told how it comes along.

        Raises:
            InvalidPipeline: Its steps or parameters do not fit, or its stack lacks what they need.
            NotFound: There is no such stack.
            InvalidConfiguration: A component no longer fits its flavor.
            RunFailed: A step raised; its exception is the cause.
            TooLarge: Its parameters, or those of a step, take more room than a log gives them.
        """
        chosen = configuration_of(configuration)
        graph = pipeline.graph_for(parameters or {}, chosen)
        note_unresolved_hints(pipeline, graph)
        parameters_must_fit(graph)
        pin = self._pinning.pin(stack or chosen.stack)
        launch = RunRequest(graph, pin, why, self._environment(), listener=listener)
        return self.get(self._launcher.start(launch))

    def document(
        self,
        pipeline: Pipeline[...],
        parameters: Mapping[str, Any] | None = None,
        *,
        configuration: AnyConfiguration = AS_WRITTEN,
        stack: str | None = None,
    ) -> str:
        """What an engine would be handed if the pipeline was run; nothing is run or recorded.

        Neither the engine nor anything else of the stack needs to be there. What would keep the
        pipeline from running here and now is told by warnings, `WouldNotRun`.

        Arguments as for `start`.

        Raises:
            InvalidPipeline: Its steps or parameters do not fit, or its stack lacks what they need,
                or the stack's orchestrator executes the steps itself.
            NotFound: There is no such stack.
            InvalidConfiguration: A component no longer fits its flavor.
            NotInstalled: What the orchestrator requires is not there.
        """
        chosen = configuration_of(configuration)
        graph = pipeline.graph_for(parameters or {}, chosen)
        note_unresolved_hints(pipeline, graph)
        return self._launcher.document(graph, self._pinning.pin(stack or chosen.stack))

    def resume(
        self,
        reference: str,
        pipeline: Pipeline[...] | None = None,
        *,
        why: str = "",
        listener: ProgressListener = NULL_LISTENER,
    ) -> RunView:
        """Go on with a run that failed, was cancelled or interrupted; return when it has completed.

        It goes on with the parameters, the configuration and the stack that it began with,
        whatever they are today. Steps that completed, and whose outputs are still there, are not
        executed again.

        Args:
            reference: Which run.
            pipeline: Its pipeline; loaded from where it was if None.
            why: The reason.
            listener: Who is told how it comes along.

        Raises:
            NotFound: There is no such run.
            RunBusy: It is being executed.
            NotResumable: It has completed, or its pipeline has changed or is gone.
            RunFailed: A step raised; its exception is the cause.
        """
        return self.get(self._resumption.resume(reference, pipeline, why, listener))

    def rerun(
        self,
        reference: str,
        pipeline: Pipeline[...] | None = None,
        *,
        why: str = "",
        listener: ProgressListener = NULL_LISTENER,
    ) -> RunView:
        """Run the pipeline of a run again as it was then, and return when it has completed.

        It runs with the parameters, the configuration and the stack that the run began with,
        whatever they are today: changed, renamed or deleted. The new run says which one it
        repeats. Warns by `CodeChanged` if the code is not what it was.

        Args:
            reference: Which run.
            pipeline: Its pipeline; loaded from where it was if None.
            why: The reason.
            listener: Who is told how it comes along.

        Raises:
            NotFound: There is no such run.
            InvalidFile: Its pipeline is no longer where it was.
            InvalidPipeline: Its parameters do not fit the pipeline any more.
            InvalidConfiguration: A flavor no longer accepts the configuration of then.
            RunFailed: A step raised; its exception is the cause.
        """
        return self.get(self._reruns.rerun(reference, pipeline, why, listener))

    def delete(self, reference: str, why: str = "") -> RunView:
        """Forget a run. The log keeps what it did; its artifacts go when they are pruned.

        Args:
            reference: Which run.
            why: The reason.

        Returns:
            The run as it was.

        Raises:
            NotFound: There is no such run.
            RunBusy: It is being executed.
        """
        view = self.get(reference)
        if view.status == "running":  # by an engine, too, when nobody here waits for it
            raise RunBusy(view.name)
        with self._claims.hold(view.id, view.name):
            self._repository.change(Run, view.id, Run.delete, why)
        return view

    def diff(self, before: str, after: str) -> RunDiff:
        """What differs between two runs, and who changed it in between; raises as `get`."""
        return self._diffs.diff(before, after)

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

    def logs(self, reference: str, step: str | None = None) -> Iterator[str]:
        """What a run's steps printed and logged, as text, piece by piece.

        Args:
            reference: Which run.
            step: One step's text as it is; None for all steps in topological order, each line
                after the name of its step.

        Raises:
            NotFound: There is no such run or step.
            ArtifactDamaged: A text is gone, or not what was written.
        """
        run = self.describe(reference)
        store = cast(
            ArtifactStore,
            self._pinning.required(Pin.model_validate(run.pin), ComponentType.ARTIFACT_STORE),
        )
        if step is None:
            return text_of_all(run.steps, store)
        found = next((each for each in run.steps if each.name == step), None)
        if found is None:
            steps = ", ".join(each.name for each in run.steps)
            raise NotFound("step", step, f"run {run.name!r} has {steps}")
        return text_of(found, store)

    def artifacts(self, reference: str) -> Sequence[ArtifactView]:
        """What a run produced, oldest first; raises as `get`."""
        return self._run_queries.artifacts(self.get(reference).id)

    def load(
        self, reference: str, step: str, output: str | None = None, *, no_pickle: bool = False
    ) -> Any:
        """A value that a run produced, from the store that the run was pinned to.

        Args:
            reference: Which run.
            step: The step's name.
            output: The output's name; may be left out if there is one.
            no_pickle: Refuse to load a pickle, which executes what the store holds.

        Raises:
            NotFound: There is no such run or output.
            ArtifactDamaged: The value is gone, or not what was written.
            PickleForbidden: It is a pickle, and those are refused.
            UnknownClass: It is of a class that this program has not imported.
        """
        run = self.describe(reference)
        found = self._artifact(run, step, output)
        pinned = Pin.model_validate(run.pin)
        store = cast(ArtifactStore, self._pinning.required(pinned, ComponentType.ARTIFACT_STORE))
        readers = self._materializers.without_pickles() if no_pickle else self._materializers
        return read(found, store, readers)

    def why(self, reference: str) -> Sequence[CacheReason]:
        """Why each step of a run was or was not taken from the cache; raises as `get`."""
        return [*self._cache_reasons.of(self.describe(reference))]

    def tag(
        self, reference: str, add: Iterable[str] = (), remove: Iterable[str] = (), why: str = ""
    ) -> RunView:
        """Add tags to a run and remove others, while it runs or later.

        Args:
            reference: Which run.
            add: The tags that it gets,
            remove: and those that it loses; one that it does not have is fine.
            why: The reason.

        Raises:
            InvalidTag: A tag breaks the rule for tags.
            NothingToChange: It has and lacks them already.
            NotFound: There is no such run.
            Ambiguous: The reference is a prefix of several.
        """
        annotations.tag(self._repository, self.get(reference).id, add, remove, why)
        return self.get(reference)

    def log_metadata(self, reference: str, metadata: Mapping[str, Any], why: str = "") -> RunView:
        """Add to what is known of a run; the last value of a name counts.

        Args:
            reference: Which run.
            metadata: Values that JSON can carry, by name.
            why: The reason.

        Raises:
            Unrecordable: JSON cannot carry a value.
            NothingToChange: All of it is known.
            NotFound: There is no such run.
            Ambiguous: The reference is a prefix of several.
        """
        annotations.log_metadata(self._repository, self.get(reference).id, metadata, why)
        return self.get(reference)

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
