"""Executing the steps of one run, and recording what comes of each."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

from stackfold.application.ledger import Ledger
from stackfold.application.materializers import Materializers
from stackfold.application.ports import ArtifactStore, StepOperator
from stackfold.application.steps import StepCall, one_line, traceback_text, trimmed
from stackfold.domain.artifact import Artifact
from stackfold.domain.errors import RunFailed
from stackfold.domain.graph import Graph, Node
from stackfold.domain.run import Run, Taken


class Execution:
    """One run while it runs. Every step is one save."""

    def __init__(
        self,
        run: Run,
        graph: Graph,
        ledger: Ledger,
        why: str,
        store: ArtifactStore,
        materializers: Materializers,
        operators: Mapping[str, StepOperator],
    ) -> None:
        """Prepare to execute the steps of a run.

        Args:
            run: As it was started.
            graph: What it consists of.
            ledger: Where it is recorded;
            why: and for which reason.
            store: Where outputs go and inputs come from.
            materializers: What writes and reads them.
            operators: Step → the operator that executes it; the others are executed here.
        """
        self._run = run
        self._ledger = ledger
        self._why = why
        self._store = store
        self._materializers = materializers
        self._operators = operators
        self._nodes = {node.name: node for node in graph.nodes}
        self._artifacts: dict[tuple[str, str], Artifact] = {}
        # An artifact is remembered while there is a step to come that takes it.
        self._takers = Counter(
            (output.step, output.name) for node in graph.nodes for output in node.inputs.values()
        )
        self._failed: _Failure | None = None
        self._recorded = True

    def execute(self, name: str) -> None:
        """Execute a step, and record that it completed or failed.

        Raises:
            BaseException: What the step raised.
        """
        node = self._nodes[name]
        started = datetime.now(UTC)
        inputs = {
            name: self._artifacts[output.step, output.name] for name, output in node.inputs.items()
        }
        call = StepCall(name, node.step, node.arguments, inputs, self._store, self._materializers)
        operator = self._operators.get(name)
        try:
            outputs = operator.execute(call) if operator else call()
        except BaseException as error:
            self._failed = failure = _Failure.of(error, name)
            self._record(
                lambda: self._run.step_failed(
                    step=name, started=started, error=failure.error, traceback=failure.traceback
                )
            )
            raise
        ids: dict[str, Taken] = {name: artifact.id for name, artifact in inputs.items()}
        self._record(
            lambda: self._run.step_completed(
                step=name,
                started=started,
                parameters=dict(node.parameters),
                inputs=ids,
                outputs=outputs,
            )
        )
        self._remember(node, outputs)

    def complete(self) -> None:
        """Record that every step completed."""
        self._record(self._run.complete)

    def fail(self, error: BaseException) -> RunFailed:
        """Record that the run failed, and return the refusal that says so.

        Args:
            error: What the orchestrator raised; usually what a step raised.
        """
        failure = self._failed or _Failure.of(error)
        if not self._recorded:
            # What was not recorded is still pending, and would come along.
            self._run = self._ledger.load(Run, self._run.id)
        self._record(lambda: self._run.fail(failure.error))
        failed = RunFailed(self._run.name, failure.step, failure.error, failure.traceback)
        failed.__cause__ = failure.cause.with_traceback(failure.frames)
        return failed

    def _record(self, command: Callable[[], None]) -> None:
        self._recorded = False
        with self._ledger.signed(self._why):
            command()
        self._ledger.save(self._run)
        self._recorded = True

    def _remember(self, node: Node, outputs: tuple[Artifact, ...]) -> None:
        for output in node.inputs.values():
            taken = output.step, output.name
            self._takers[taken] -= 1
            if not self._takers[taken]:
                del self._artifacts[taken]
        for artifact in outputs:
            if self._takers[node.name, artifact.name]:
                self._artifacts[node.name, artifact.name] = artifact


class _Failure(NamedTuple):
    """What was raised, before its way through the orchestrator adds other frames to it."""

    step: str
    cause: BaseException
    frames: TracebackType | None
    error: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException, step: str = "") -> Self:
        error = trimmed(error)
        return cls(step, error, error.__traceback__, one_line(error), traceback_text(error))
