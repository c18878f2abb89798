"""The author of changes: the user who runs a command."""

import os
from functools import cache


@cache
def author() -> str:
    """`STACKFOLD_ACTOR`; otherwise git's `user.email` in a repository, or user@host."""
    return author_and_origin()[0]


def author_and_origin() -> tuple[str, str]:
    """The author, and the setting that names it."""
    if actor := os.environ.get("STACKFOLD_ACTOR"):
        return actor, "STACKFOLD_ACTOR"
    if email := _git_email():
        return email, "git config user.email"
    return _login(), "the user and host of this process"


def _git_email() -> str:
    import subprocess  # late: most commands need no author

    try:
        folder = os.getcwd()
    except FileNotFoundError:
        # The current folder was deleted.
        return ""
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent
    try:
        answer = subprocess.run(
            ["git", "config", "user.email"],  # noqa: S607 whichever git the user's PATH has
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return answer.stdout.strip()


def _login() -> str:
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # A container may run as a user that has no name.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
