"""Converts command-line texts to the parameters of a pipeline."""

import json
from collections.abc import Mapping
from typing import Any

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline


def from_texts(pipeline: Pipeline[...], texts: Mapping[str, str]) -> dict[str, Any]:
    """Convert texts to values according to the pipeline's type hints.

    A text that is not valid for its hint, such as `[1, 2]` for a list, is parsed as JSON. Without
    a hint, a text is parsed as JSON if possible.
    """
    return {name: _value(pipeline, name, text) for name, text in texts.items()}


def _value(pipeline: Pipeline[...], name: str, text: str) -> Any:
    hints = pipeline.signature.hints
    if name not in hints or (hints[name] is not Any and _is_valid(pipeline, name, text)):
        return text
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return text
    # If neither is valid, the error shows the text as given.
    return read if _is_valid(pipeline, name, read) else text


def _is_valid(pipeline: Pipeline[...], name: str, value: object) -> bool:
    try:
        pipeline.signature.validated(name, value)
    except InvalidPipeline:
        return False
    return True
