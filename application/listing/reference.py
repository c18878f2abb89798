"""Reference: what a name, an id or a unique prefix refers to."""

from typing import NamedTuple


class Reference(NamedTuple):
    """What a name, an id or a unique prefix stands for."""

    id: str
    name: str
