"""InputArtifacts: the outputs of completed steps that other steps of a run still need."""

from collections import Counter
from collections.abc import Iterable, Mapping

from stackfold.domain.pipelines.graph import Node
from stackfold.domain.runs.artifact import Artifact


class InputArtifacts:
    """Artifacts by step and output name, each until its last consumer has completed."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Create an empty collection.

        Args:
            nodes: The steps to execute, which consume the artifacts.
        """
        self._consumers = Counter(
            (output.step, output.name) for node in nodes for output in node.inputs.values()
        )
        self._artifacts: dict[tuple[str, str], Artifact] = {}

    def of(self, node: Node) -> dict[str, Artifact]:
        """Input name → artifact, for a step whose upstream steps have all completed."""
        return {
            name: self._artifacts[output.step, output.name] for name, output in node.inputs.items()
        }

    def pin(self, references: Mapping[str, Artifact]) -> None:
        """Add the artifacts of earlier runs that steps take by their references."""
        for reference, artifact in references.items():
            if self._consumers["", reference]:
                self._artifacts["", reference] = artifact

    def add(self, step: str, outputs: Iterable[Artifact]) -> None:
        """Add the outputs of a completed step; those without a consumer are ignored."""
        for artifact in outputs:
            if self._consumers[step, artifact.name]:
                self._artifacts[step, artifact.name] = artifact

    def release(self, node: Node) -> None:
        """Remove the artifacts that only this step, which has completed, still needed."""
        for output in node.inputs.values():
            key = output.step, output.name
            self._consumers[key] -= 1
            if not self._consumers[key]:
                del self._artifacts[key]
