"""A pipeline's parameters, from the texts of a command line."""

import json
from collections.abc import Mapping
from typing import Any

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline


def from_texts(pipeline: Pipeline[...], texts: Mapping[str, str]) -> dict[str, Any]:
    """The values that texts stand for, as the pipeline's type hints want them.

    A text that does not fit its hint as it is, such as `[1, 2]` for a list, is read as JSON; one
    that has no hint is read as JSON if it is JSON.
    """
    return {name: _value(pipeline, name, text) for name, text in texts.items()}


def _value(pipeline: Pipeline[...], name: str, text: str) -> Any:
    hints = pipeline.signature.hints
    if name not in hints or (hints[name] is not Any and _fits(pipeline, name, text)):
        return text
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return text
    # What fits in neither form is refused as it was written.
    return read if _fits(pipeline, name, read) else text


def _fits(pipeline: Pipeline[...], name: str, value: object) -> bool:
    try:
        pipeline.signature.validated(name, value)
    except InvalidPipeline:
        return False
    return True
