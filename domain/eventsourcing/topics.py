"""Topics: the names of aggregates and of their events in the log.

Stackfold's aggregates have one word, such as "stack", and their events two: "stack.updated". The
aggregates of other packages have a prefix: "acme.approval", with events "acme.approval.requested".
"""

import re

LONGEST_TOPIC = 100
"""The most characters in the topic of an event."""

_WORD = "[a-z][a-z0-9_]*"
_AGGREGATE = re.compile(rf"{_WORD}\.{_WORD}")
_EVENT = re.compile(rf"{_WORD}\.{_WORD}\.{_WORD}")


def aggregate_topic(topic: str) -> str:
    """The topic of the aggregate of an event.

    Args:
        topic: The topic of the event.
    """
    return topic.rpartition(".")[0] or topic


def is_prefixed_event(topic: str) -> bool:
    """Whether a topic is that of an event of an aggregate of another package."""
    return topic.count(".") == 2 and _EVENT.fullmatch(topic) is not None


def is_prefixed_aggregate(topic: str) -> bool:
    """Whether a topic can be that of an aggregate of another package."""
    return len(topic) <= LONGEST_TOPIC and _AGGREGATE.fullmatch(topic) is not None
