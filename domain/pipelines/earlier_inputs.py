"""Inputs of earlier runs: artifacts and versions of models that a pipeline function takes."""

from typing import Any

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.graph_builder import current
from stackfold.domain.runs.artifact_reference import ArtifactReference


def artifact(reference: str) -> Any:
    """Return an artifact of an earlier run as an input for steps, in a pipeline function.

    It is looked up once, when a run starts; the run records which version it was.

    Args:
        reference: The artifact, such as "dataset", "dataset@3" or "training/train/model@good".

    Raises:
        InvalidPipeline: It is not called in a pipeline function.
    """
    graph = current()
    if graph is None:
        raise InvalidPipeline(
            f"artifact({reference!r}) is called outside a pipeline function: elsewhere, load it "
            "with workspace.artifacts.load"
        )
    return graph.reference(reference)


class ModelInput(ArtifactReference):
    """A version of a model as an input for steps, or another output of its runs.

    It stands for the main output of the run that made the version; `["scaler"]` is another one.
    """

    def __init__(self, reference: str) -> None:
        """Use `model` instead."""
        self._reference = reference

    def __getitem__(self, output: str) -> Any:
        """An output of the runs of the version.

        Args:
            output: Its name, or "step/output".
        """
        return ModelInput(f"{self._reference}/{output}")

    @property
    def given_as(self) -> str:
        """The reference that the run records."""
        return self._reference


def model(reference: str) -> Any:
    """Return a version of a model as an input for steps, in a pipeline function.

    It is looked up once, when a run starts; the run records which artifact it was:

        predict(model("fraud@production"), model("fraud@production")["scaler"])

    Args:
        reference: The version: "fraud@production", "fraud@3" or "fraud@latest".

    Raises:
        InvalidPipeline: It is not called in a pipeline function, or names no version.
    """
    if current() is None:
        raise InvalidPipeline(
            f"model({reference!r}) is called outside a pipeline function: elsewhere, load it "
            "with workspace.artifacts.load"
        )
    if not all(reference.partition("@")):
        raise InvalidPipeline(f"model({reference!r}) names no version: write MODEL@VERSION")
    return ModelInput(reference)
