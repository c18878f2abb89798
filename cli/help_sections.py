"""The sections of a help text: the commands of a group by their purpose."""

from collections.abc import Iterator, Sequence

MANY = 8
"""Groups with fewer commands have no sections."""

_ROOT = {
    "Start": ("init", "trust", "untrust", "status", "whoami", "doctor", "ui", "report", "version"),
    "Compose stacks": ("stack", "component", "flavor", "integration", "secret"),
    "Run and serve": ("pipeline", "schedule", "run", "artifact", "model", "deployment"),
    "See and control changes": ("log", "undo", "policy", "reactions"),
}
_REST_OF_ROOT = "Configure components, by type"
_GROUP = {
    "Look": (
        "list", "get", "describe", "show", "history", "diff", "compare", "metrics", "logs", "watch",
        "lineage", "load", "check", "head", "verify", "predict", "flavor",
    ),
    "Run again": ("resume", "rerun"),
    "Go back": ("revert", "restore"),
    "Copy": ("export", "download", "import", "export-requirements", "fork", "schema"),
}  # fmt: skip
_REST_OF_GROUP = "Change"


def sections(group: str, commands: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the titles of the sections of a group, each with its commands.

    Args:
        group: The name of the group; "stackfold" for the root.
        commands: The commands of the group.
    """
    is_root = group == "stackfold"
    if len(commands) < MANY and not is_root:
        yield "Commands", [*commands]
        return
    known = _ROOT if is_root else _GROUP
    placed = {name for names in known.values() for name in names}
    rest = [name for name in commands if name not in placed]
    found = {title: [name for name in names if name in commands] for title, names in known.items()}
    others = {_REST_OF_ROOT if is_root else _REST_OF_GROUP: rest}
    ordered = {**found, **others} if is_root else {"Look": found.pop("Look"), **others, **found}
    yield from ((title, names) for title, names in ordered.items() if names)
