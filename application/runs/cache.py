"""Cache: finds an earlier execution whose outputs a step can reuse."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from pydantic import JsonValue

from stackfold.application.artifacts.folders import is_complete
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.pipelines.step_codes import StepCodes
from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.step_call import ExecutionResult
from stackfold.domain.errors import StackfoldError
from stackfold.domain.pipelines.code import CodeFingerprints, Fingerprint
from stackfold.domain.pipelines.graph import Node, StepFunction, chosen_materializer
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.cache_key import CacheKey, InputDigest


class CacheHit(NamedTuple):
    """An earlier execution whose outputs can be reused."""

    result: ExecutionResult
    run: UUID
    """The run that produced the outputs."""
    model: Mapping[str, Any] = {}
    """The declaration of the model that the execution asked for a version of; empty for none."""


class Executions(Protocol):
    """Looks up earlier executions."""

    def latest(self, key: str) -> CacheHit | None:
        """Return the latest completed execution with that cache key, if any."""
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
        """Create the cache of one run.

        Args:
            executions: Looks up earlier executions.
            store: The artifact store of the run.
            materializers: Write the outputs.
            nodes: The run's steps, in topological order.
            fingerprints: Compute code fingerprints; for one run only, as the globals that a
                function refers to may change before the next run.
        """
        self._executions = executions
        self._store = store
        self._materializers = materializers
        self._where: dict[str, JsonValue] = {
            "flavor": store.flavor,
            "configuration": store.configuration.model_dump(mode="json"),
        }
        self._codes = StepCodes(fingerprints, nodes)
        self._written_by: dict[tuple[object, ...], str] = {}
        self._repetitions = _repetitions(nodes)

    def code(self, node: Node) -> Fingerprint:
        """Return the code fingerprint of a step as used in the pipeline."""
        return self._codes.of(node)

    def written_by(self, step: StepFunction) -> str:
        """Return a digest of the materializers, and their versions, that may write the outputs.

        Raises:
            NotFound: The step chooses one that is unknown.
        """
        signature = step.signature
        # Copies with other options share the signature.
        known_as = (id(signature), *step.options.materializers.items())
        found = self._written_by.get(known_as)
        if found is None:
            names = [
                self._materializers.versions_for(each.type, chosen_materializer(step, each))
                for each in signature.outputs
            ]
            found = hashlib.sha256(repr(names).encode()).hexdigest()[:16]
            self._written_by[known_as] = found
        return found

    def key(
        self,
        node: Node,
        inputs: Mapping[str, Artifact],
        uses: Mapping[str, Artifact] = MappingProxyType({}),
    ) -> str:
        """Return the cache key of a node: a digest of everything its execution depends on.

        Args:
            node: The node.
            inputs: Input → its artifact.
            uses: Reference that the step declares → its artifact.
        """
        if uses:  # no input has such a name
            inputs = {**inputs, **{f"uses {text}": each for text, each in uses.items()}}
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
        """Return the latest execution with that key, if its outputs can be read.

        Each must exist with the recorded size, as must all files of a folder, and its materializer
        must be available and allowed.
        """
        hit = self._executions.latest(key)
        return hit if hit and all(map(self._is_usable, hit.result.outputs)) else None

    def _is_usable(self, artifact: Artifact) -> bool:
        try:
            self._materializers.named(artifact.materializer, artifact.uri, artifact.type)
            uri, digest, manifest = artifact.uri, artifact.digest, artifact.manifest
            if self._store.size(uri) != artifact.stored_size:
                return False
            return manifest is None or is_complete(self._store, uri, digest, manifest)
        except StackfoldError:  # outside the store, unreachable, or a forbidden pickle
            return False


def _repetitions(nodes: Sequence[Node]) -> dict[str, int]:
    """Node → the number of equal uses before it, if there are any."""
    uses: Counter[object] = Counter()
    repeated = {}
    for node in nodes:
        taken = tuple((name, each.step, each.name) for name, each in node.inputs.items())
        use = (id(node.step.function), repr(node.parameters), taken)
        if uses[use]:
            repeated[node.name] = uses[use]
        uses[use] += 1
    return repeated
