"""The log as the pods of a cluster reach it."""

import os
from collections.abc import Mapping
from pathlib import Path

from stackfold.infrastructure.eventstore.open import chosen_store
from stackfold.infrastructure.system.database_url import only_on_loopback, parse_database_url
from stackfold.infrastructure.system.home import LOG_FILE, find_project

STORE, HOME = "STACKFOLD_STORE", "STACKFOLD_HOME"


def with_log(environment: Mapping[str, str], home: Path, shares_files: bool) -> dict[str, str]:
    """Return environment variables of pods with the address of the log.

    Args:
        environment: The other variables; they may contain the address already.
        home: The folder of the workspace.
        shares_files: Whether the pods see the files of this machine.
    """
    own = dict(environment)
    if shares_files:
        own = {HOME: str(home), **own}
    store = own.get(STORE) or chosen_store(find_project(home=home), home)
    return {STORE: store, **own} if store else own


def log_problem(environment: Mapping[str, str], home: Path, shares_files: bool) -> str:
    """Return why pods with these variables could not write to the log; empty if they can.

    Args:
        environment: Their variables, of `with_log`.
        home: The folder of the workspace.
        shares_files: Whether the pods see the files of this machine.
    """
    store = environment.get(STORE)
    if store is not None:
        if shares_files or not only_on_loopback(store):
            return ""
        location = parse_database_url(store).location
        return (
            f"its pods record what they do, but in a pod the log at {location} is "
            "on another machine: give STACKFOLD_STORE a host that pods reach"
        )
    if not shares_files:
        return (
            "its pods record what they do, but the log is a file on this machine: use one that "
            "is shared, by STACKFOLD_STORE"
        )
    if not os.path.exists(os.path.join(home, LOG_FILE)):
        return "what it starts records what it does, but this log is in memory"
    return ""
