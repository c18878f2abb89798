"""A note on type hints that only a type checker can resolve."""

import warnings
from typing import Any

from stackfold.domain.errors import UnresolvedHint
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline


def note_unresolved_hints(pipeline: Pipeline[Any], graph: Graph) -> None:
    """Warn by `UnresolvedHint`, once for each step and for the pipeline, where there are some."""
    signatures = {f"step {node.step.name!r}": node.step.signature for node in graph.nodes}
    signatures[f"pipeline {pipeline.name!r}"] = pipeline.signature
    for owner, signature in signatures.items():
        if signature.unknown_hints:
            warnings.warn(UnresolvedHint(owner, signature.unknown_hints), stacklevel=5)
