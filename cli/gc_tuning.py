"""How often Python looks for garbage."""

import gc

_USUALLY = gc.get_threshold()
_LOADED = 200_000
"""More objects than loading a command makes."""


def look_rarely() -> None:
    """For commands: loading makes many objects and hardly any garbage, and to look takes time."""
    gc.set_threshold(_LOADED)


def look_as_ever() -> None:
    """For what runs for long, or is not ours."""
    gc.set_threshold(*_USUALLY)
