"""Other versions of the package of `approvals.py`, as its source text with changes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import approvals
from eventsourcing import utils

_SOURCE = Path(approvals.__file__).read_text(encoding="utf-8")


@contextmanager
def installed(name: str, **changes: str) -> Iterator[ModuleType]:
    """Another version of the package, in a process where the first one is not imported.

    Args:
        name: The name of its module.
        **changes: "was" and "now", "was_2" and "now_2" …: text of the source, and what replaces it.
    """
    source = _SOURCE
    for key, was in changes.items():
        if key.startswith("was"):
            assert was in source, was
            source = source.replace(was, changes[key.replace("was", "now")])
    # The eventsourcing library knows one class of a topic in a process.
    before = {topic: utils._topic_cache.pop(topic) for topic in _topics()}
    module = sys.modules[name] = ModuleType(name)
    try:
        exec(compile(source, name, "exec"), vars(module))
        yield module
    finally:
        for topic in _topics():
            del utils._topic_cache[topic]
        utils._topic_cache.update(before)
        del sys.modules[name]


def _topics() -> list[str]:
    return [topic for topic in utils._topic_cache if topic.startswith("acme.")]
