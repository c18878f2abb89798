"""What ties the changes of a reaction to the event that caused them: their correlation id.

It is "ROOT;reaction=NAME;hops=NUMBER". The root is the correlation id of the first event, or its
position. The hops count the reactions between that event and the change, which ends loops.
"""

import re

MOST_HOPS = 10
"""Events that so many reactions led to, one after the other, are parked instead of handled."""

_LONGEST = 255
_FORM = re.compile(r"(?P<root>.*);reaction=(?P<reaction>[^;]*);hops=(?P<hops>\d{1,4})", re.DOTALL)


def hops_of(correlation_id: object) -> int:
    """The number of reactions that led to an event with a correlation id."""
    found = _FORM.fullmatch(correlation_id) if isinstance(correlation_id, str) else None
    return int(found["hops"]) if found else 0


def caused_by(correlation_id: object, position: int, reaction: str) -> str:
    """The correlation id of the changes that a reaction makes.

    Args:
        correlation_id: That of the event which it handles, if it has one.
        position: The position of the event.
        reaction: The name of the reaction.
    """
    root = correlation_id if isinstance(correlation_id, str) and correlation_id else f"#{position}"
    found = _FORM.fullmatch(root)
    root, hops = (found["root"], int(found["hops"])) if found else (root, 0)
    end = f";reaction={reaction};hops={hops + 1}"
    return f"{root[: _LONGEST - len(end)]}{end}"
