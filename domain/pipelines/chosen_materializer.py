"""The materializer that a step chooses for an output, by its class or its name."""

from typing import Annotated

from pydantic import BeforeValidator

MARK = "__stackfold_materializer__"
"""The attribute of a class that the decorator `materializer` sets to the name of the format."""


def materializer_name(given: object) -> str:
    """Return the name of a materializer, given by itself or as a decorated class.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(given, str) and given:
        return given
    # Not that of a base class, which has another `read`.
    name = vars(given).get(MARK) if isinstance(given, type) else None
    if isinstance(name, str):
        return name
    what = given.__name__ if isinstance(given, type) else repr(given)
    raise ValueError(
        f"{what:.80} is no materializer: give a class with the decorator @materializer, or the "
        "name of a materializer"
    )


MaterializerName = Annotated[str, BeforeValidator(materializer_name)]
