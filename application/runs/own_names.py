"""Names of their own that the outputs of a step get."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.signature import OutputDefinition
from stackfold.domain.runs.artifact import OwnName


def own_names(
    step: str,
    outputs: Sequence[OutputDefinition],
    arguments: Mapping[str, Any],
    started: datetime | None,
) -> dict[str, OwnName]:
    """Output → its own name and label, for the outputs that have one.

    Args:
        step: The step's name in its run, for errors.
        outputs: The declared outputs of the step.
        arguments: Input → value, for the inputs that are no artifacts.
        started: When the run started; None for now.

    Raises:
        InvalidName: The value of a parameter makes an invalid name.
        InvalidPipeline: A placeholder is an input whose value is an artifact.
    """
    found: dict[str, OwnName] = {}
    for output in outputs:
        if output.own:
            at = (started or datetime.now(UTC)).astimezone(UTC)
            times = {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H-%M-%S}"}
            try:
                found[output.name] = output.own.of({**times, **arguments})
            except KeyError as error:
                raise InvalidPipeline(
                    f"step {step!r} names output {output.name!r} by {error}, which is an artifact "
                    "here: give it a plain value"
                ) from error
    return found
