"""Cache: earlier executions that may stand for one that is about to begin."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from pydantic import JsonValue

from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.pipelines.step_codes import StepCodes
from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.step_call import ExecutionResult
from stackfold.domain.errors import StackfoldError
from stackfold.domain.pipelines.code import CodeFingerprints, Fingerprint
from stackfold.domain.pipelines.graph import Node, StepFunction
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.cache_key import CacheKey, InputDigest


class CacheHit(NamedTuple):
    """An execution that may stand for another."""

    answer: ExecutionResult
    run: UUID
    """The run that made the outputs."""


class Executions(Protocol):
    """Where executions are looked up."""

    def latest(self, key: str) -> CacheHit | None:
        """The latest one that completed with that cache key; None if there is none."""
        ...


class Cache:
    """The cache of one run."""

    def __init__(
        self,
        executions: Executions,
        store: ArtifactStore,
        materializers: Materializers,
        nodes: Sequence[Node],
        fingerprints: CodeFingerprints,
    ) -> None:
        """Prepare to look up what may stand for steps.

        Args:
            executions: The earlier ones.
            store: Where outputs are.
            materializers: What writes them.
            nodes: The run's steps, in topological order.
            fingerprints: Computes the fingerprints of their code, for this run only: the names in
                a function may refer to something else in the next one.
        """
        self._executions = executions
        self._store = store
        self._materializers = materializers
        self._where: dict[str, JsonValue] = {
            "flavor": store.flavor,
            "configuration": store.configuration.model_dump(mode="json"),
        }
        self._codes = StepCodes(fingerprints, nodes)
        self._written_by: dict[int, str] = {}
        self._repetitions = _repetitions(nodes)

    def code(self, node: Node) -> Fingerprint:
        """What is known of the code of a step, as it is used in a pipeline."""
        return self._codes.of(node)

    def written_by(self, step: StepFunction) -> str:
        """A digest of the materializers that may write a step's outputs, with their versions."""
        signature = step.signature
        found = self._written_by.get(id(signature))
        if found is None:
            names = [self._materializers.versions_for(each.type) for each in signature.outputs]
            found = hashlib.sha256(repr(names).encode()).hexdigest()[:16]
            self._written_by[id(signature)] = found
        return found

    def key(self, node: Node, inputs: Mapping[str, Artifact]) -> str:
        """What the execution of a node depends on, as a digest.

        Args:
            node: Which one.
            inputs: What flows into it.
        """
        return CacheKey(
            code=self.code(node).digest,
            parameters=node.parameters,
            inputs={
                name: InputDigest(
                    each.digest, each.materializer, each.type, self._codes.of_class(each.type, node)
                )
                for name, each in inputs.items()
            },
            gathered={name: type(places).__name__ for name, places in node.gathered.items()},
            outputs=node.declaration,
            materializers=self.written_by(node.step),
            store=self._where,
            repetition=self._repetitions.get(node.name, 0),
        ).digest

    def find(self, key: str) -> CacheHit | None:
        """The latest execution with that key, if all that it made can be used.

        It must be there with the right size, and what reads it must be here and allowed.
        """
        hit = self._executions.latest(key)
        return hit if hit and all(map(self._is_usable, hit.answer.outputs)) else None

    def _is_usable(self, artifact: Artifact) -> bool:
        try:
            self._materializers.named(artifact.materializer, artifact.uri, artifact.type)
            return self._store.size(artifact.uri) == artifact.size
        except StackfoldError:  # moved outside, no longer a file, out of reach, a pickle
            return False


def _repetitions(nodes: Sequence[Node]) -> dict[str, int]:
    """Node → how many equal uses there are before it, where there are any."""
    uses: Counter[object] = Counter()
    repeated = {}
    for node in nodes:
        taken = tuple((name, each.step, each.name) for name, each in node.inputs.items())
        use = (id(node.step.function), repr(node.parameters), taken)
        if uses[use]:
            repeated[node.name] = uses[use]
        uses[use] += 1
    return repeated
