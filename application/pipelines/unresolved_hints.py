"""Warns of type hints that cannot be resolved at run time."""

import warnings
from typing import Any

from stackfold.domain.errors import UnresolvedHint
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline


def note_unresolved_hints(pipeline: Pipeline[Any], graph: Graph) -> None:
    """Warn by `UnresolvedHint` for each step, and the pipeline, with unresolved type hints."""
    signatures = {f"step {node.step.name!r}": node.step.signature for node in graph.nodes}
    signatures[f"pipeline {pipeline.name!r}"] = pipeline.signature
    for owner, signature in signatures.items():
        if signature.unknown_hints:
            warnings.warn(UnresolvedHint(owner, signature.unknown_hints), stacklevel=5)
