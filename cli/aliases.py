"""Words that people who come from other tools try first, and the commands they stand for."""

ALIASES = {"ls": "list", "show": "describe", "rollback": "revert", "rm": "delete"}
"""Alias → the command of the same group that it runs; the group's own commands take precedence."""
OF_GROUPS = {
    "artifact": {"download": "export"},
    "log": {"show": "list"},
    "stack": {"activate": "set"},
}
"""Group → what an alias means there instead."""

HELP_OPTIONS = ["-h", "--help"]


def aliases_of(group: str, commands: dict[str, object]) -> dict[str, str]:
    """Return the aliases that a group understands, and the command of each."""
    found = {**ALIASES, **OF_GROUPS.get(group, {})}
    return {
        alias: command
        for alias, command in found.items()
        if alias not in commands and command in commands
    }
