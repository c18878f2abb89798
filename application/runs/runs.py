"""Runs: start pipelines on stacks, look up their runs, and load what those produced."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.runs.progress import NULL_LISTENER, ProgressListener
from stackfold.application.runs.run_reader import RunReader
from stackfold.application.runs.run_texts import RunTexts
from stackfold.application.runs.run_views import RunView
from stackfold.domain.errors import RunBusy

if TYPE_CHECKING:
    from stackfold.application.runs.cache_reasons import CacheReason
    from stackfold.application.runs.remote_steps import RemoteSteps
    from stackfold.application.runs.run_diffs import RunComparison, RunDiff
    from stackfold.domain.pipelines.graph import Graph
    from stackfold.domain.pipelines.pipeline import Pipeline
    from stackfold.domain.pipelines.run_configuration import AnyConfiguration


@checked
class Runs(RunReader, RunTexts):
    """Commands and queries for runs.

    A `reference` is a name, an id or a unique prefix of either; or relative: "latest", "failed",
    "good" (the latest completed run) or a pipeline's name (its latest run), each with "~1" for the
    one before, and so on.
    """

    @property
    def remote_steps(self) -> "RemoteSteps":
        """Commands for the processes of an engine that a run was submitted to."""
        return self._services.remote_steps

    @outside_changes
    def start(
        self,
        pipeline: "Pipeline[...]",
        parameters: Mapping[str, Any] | None = None,
        *,
        configuration: "AnyConfiguration | None" = None,
        stack: str | None = None,
        why: str = "",
        listener: ProgressListener = NULL_LISTENER,
    ) -> RunView:
        """Run a pipeline, and return when it has completed.

        Everything is validated before anything is executed or recorded.

        Args:
            pipeline: The pipeline.
            parameters: Its parameters by name; they override the configuration's.
            configuration: Options of this run: a `RunConfiguration`, a mapping with its keys, or
                None.
            stack: The stack to run on, by name, id or unique prefix; by default the
                configuration's, else the active one. The active stack does not change.
            why: The reason.
            listener: Receives progress events.

        Raises:
            InvalidPipeline: Steps or parameters are invalid, or the stack lacks a component.
            NotFound: The stack does not exist.
            InvalidConfiguration: A component no longer fits its flavor.
            RunFailed: A step raised; its exception is the cause.
            TooLarge: Parameters exceed the size limit of the log.
        """
        from stackfold.application.runs.launcher import RunRequest
        from stackfold.domain.pipelines.graph import parameters_must_fit

        graph, chosen_stack = _graph(pipeline, parameters, configuration)
        parameters_must_fit(graph)
        pin = self._services.resolver.pin(stack or chosen_stack)
        request = RunRequest(graph, pin, why, self._services.environment(), listener=listener)
        return self.get(self._services.launcher.start(request))

    def document(
        self,
        pipeline: "Pipeline[...]",
        parameters: Mapping[str, Any] | None = None,
        *,
        configuration: "AnyConfiguration | None" = None,
        stack: str | None = None,
    ) -> str:
        """Return what would be submitted to the stack's engine, without running anything.

        Neither the engine nor any other service of the stack is contacted. Warns by `WouldNotRun`
        for each problem that would keep the pipeline from running now.

        Args:
            pipeline: The pipeline.
            parameters: As for `start`.
            configuration: As for `start`.
            stack: As for `start`.

        Raises:
            InvalidPipeline: Steps or parameters are invalid, the stack lacks a component, or its
                orchestrator executes the steps itself.
            NotFound: The stack does not exist.
            InvalidConfiguration: A component no longer fits its flavor.
            NotInstalled: The orchestrator's requirements are not installed.
        """
        graph, chosen_stack = _graph(pipeline, parameters, configuration)
        return self._services.launcher.document(
            graph, self._services.resolver.pin(stack or chosen_stack)
        )

    @outside_changes
    def resume(
        self,
        reference: str,
        pipeline: "Pipeline[...] | None" = None,
        *,
        why: str = "",
        listener: ProgressListener = NULL_LISTENER,
    ) -> RunView:
        """Resume a failed, cancelled or interrupted run, and return when it has completed.

        The run continues with its original parameters, configuration and pinned stack. Completed
        steps whose outputs still exist are not executed again.

        Args:
            reference: The run.
            pipeline: Its pipeline; None loads it from its recorded source.
            why: The reason.
            listener: Receives progress events.

        Raises:
            NotFound: The run does not exist.
            RunBusy: It is being executed.
            NotResumable: It has completed, or its pipeline has changed or cannot be loaded.
            RunFailed: A step raised; its exception is the cause.
        """
        return self.get(self._services.resumption.resume(reference, pipeline, why, listener))

    @outside_changes
    def rerun(
        self,
        reference: str,
        pipeline: "Pipeline[...] | None" = None,
        *,
        why: str = "",
        fresh_inputs: bool = False,
        listener: ProgressListener = NULL_LISTENER,
    ) -> RunView:
        """Start a new run that repeats an earlier one, and return when it has completed.

        The new run has the parameters, configuration and pinned stack of the earlier one, even if
        the stack was changed or deleted since, and refers to it by `rerun_of`. It takes the same
        versions of artifacts of other runs. Warns by `CodeChanged` if the code has changed.

        Args:
            reference: The earlier run.
            pipeline: Its pipeline; None loads it from its recorded source.
            why: The reason.
            fresh_inputs: Look up the artifacts of other runs again, such as the latest "dataset".
            listener: Receives progress events.

        Raises:
            NotFound: The run does not exist.
            InvalidFile: Its pipeline cannot be loaded.
            InvalidPipeline: The pipeline no longer accepts the parameters.
            InvalidConfiguration: A flavor no longer accepts the pinned configuration.
            RunFailed: A step raised; its exception is the cause.
        """
        reruns = self._services.reruns
        return self.get(reruns.rerun(reference, pipeline, why, listener, fresh_inputs))

    def delete(self, reference: str, why: str = "") -> RunView:
        """Delete a run. Its events stay in the log; its artifacts remain until they are pruned.

        Args:
            reference: The run.
            why: The reason.

        Returns:
            The run before its deletion.

        Raises:
            NotFound: The run does not exist.
            RunBusy: It is being executed.
            Conflict: An alias stands for the version of a model that it made, or for an artifact
                that no other run has.
        """
        from stackfold.application.runs.model_versions import deleted_run

        view = self.get(reference)
        if view.status == "running":  # possibly by an engine, without a claim
            raise RunBusy(view.name)
        with self._services.claims.claim(view.id, view.name):
            repository = self._services.repository
            aliases = partial(self._queries.aliases, view.id)
            repository.attempt(lambda: deleted_run(repository, view.id, aliases), why, locked=True)
        return view

    def diff(self, before: str, after: str) -> "RunDiff":
        """Compare two runs, with the changes made in between; raises as `get`."""
        return self._services.run_diffs.diff(before, after)

    def compare(self, references: Sequence[str]) -> "RunComparison":
        """Compare several runs, with the changes made in between.

        Args:
            references: The runs, from 2 to 12.

        Raises:
            Invalid: Their number is not from 2 to 12.
            NotFound: A run does not exist.
            Ambiguous: A reference is a prefix of several runs.
        """
        return self._services.run_diffs.compare(references)

    def load(
        self, reference: str, step: str, output: str | None = None, *, no_pickle: bool = False
    ) -> Any:
        """Return a value that a run produced, from the artifact store it was pinned to.

        Args:
            reference: The run.
            step: The step's name.
            output: The output's name; may be omitted if the step has one output.
            no_pickle: Reject pickles: loading one executes code from the store.

        Raises:
            NotFound: The run or output does not exist.
            ArtifactDamaged: The value is missing or damaged.
            PickleForbidden: It is a pickle, and `no_pickle` is set.
            UnknownClass: Its class is not imported in this program.
        """
        return self._services.run_outputs.load(reference, step, output, no_pickle)

    def why(self, reference: str, step: str | None = None) -> "Sequence[CacheReason]":
        """Explain for each step of a run why it was or was not cached; raises as `get`.

        Args:
            reference: The run.
            step: Only the step of this name; None for all.
        """
        return [*self._services.cache_reasons.of(self.describe(reference), step)]

    def tag(
        self,
        reference: str,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        why: str = "",
        *,
        step: str | None = None,
    ) -> RunView:
        """Add tags to a run or to one of its steps and remove others, while it runs or later.

        Args:
            reference: The run.
            add: Tags to add.
            remove: Tags to remove, if the run or the step has them.
            why: The reason.
            step: The step; None for the run itself. A step keeps the changes if it runs again.

        Raises:
            InvalidTag: A tag is invalid.
            NothingToChange: The tags would stay the same.
            NotFound: The run or the step does not exist.
            Ambiguous: The reference is a prefix of several runs.
            TooLarge: It would have too many tags.
        """
        from stackfold.application.runs import annotations

        id = self.get(reference).id
        annotations.tag(self._services.repository, id, step, add, remove, why)
        return self.get(id)

    def log_metadata(
        self,
        reference: str,
        metadata: Mapping[str, Any],
        why: str = "",
        *,
        step: str | None = None,
    ) -> RunView:
        """Add metadata to a run or to one of its steps; the last value of a name counts.

        Args:
            reference: The run.
            metadata: Name → JSON value.
            why: The reason.
            step: The step; None for the run itself. A step keeps the values if it runs again.

        Raises:
            Unrecordable: JSON cannot represent a value.
            TooLarge: A value is too large.
            NothingToChange: It has all of it already.
            NotFound: The run or the step does not exist.
            Ambiguous: The reference is a prefix of several runs.
        """
        from stackfold.application.runs import annotations

        id = self.get(reference).id
        annotations.log_metadata(self._services.repository, id, step, metadata, why)
        return self.get(id)


def _graph(
    pipeline: "Pipeline[...]",
    parameters: Mapping[str, Any] | None,
    configuration: "AnyConfiguration | None",
) -> "tuple[Graph, str | None]":
    """Return the graph of a pipeline and the stack that its configuration chooses, if any."""
    from stackfold.application.pipelines.unresolved_hints import note_unresolved_hints
    from stackfold.domain.pipelines.run_configuration import AS_WRITTEN, configuration_of

    chosen = configuration_of(AS_WRITTEN if configuration is None else configuration)
    graph = pipeline.graph_for(parameters or {}, chosen)
    note_unresolved_hints(pipeline, graph)
    return graph, chosen.stack
