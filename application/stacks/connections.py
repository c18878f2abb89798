"""Checks the connections of the components of a stack: servers, buckets, credentials."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from typing import Any, NamedTuple

from stackfold.application.ports import StackComponent
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.errors import MissingSecret, NotInstalled, StackfoldError, Violation
from stackfold.domain.stacks.component_type import ComponentType

_TIMEOUT = 60.0
"""Seconds that all checks together may take; flavors set shorter timeouts for each check."""


class Member(NamedTuple):
    """A component of a stack, with its explicit configuration."""

    type: ComponentType
    name: str
    flavor: str
    configuration: Mapping[str, Any]
    source: str = ""
    """Where a run found its class, as "module.Class"; empty if no run has pinned it."""

    @property
    def title(self) -> str:
        """Its type and name, such as "artifact store 'lake'"."""
        return f"{self.type.noun} {self.name!r}"


def unreachable(
    components: Sequence[tuple[Member, StackComponent]], seconds: float = _TIMEOUT
) -> list[Violation]:
    """Check the connections of all components at the same time, and return the failures.

    Args:
        components: The members of a stack and their built components.
        seconds: The timeout of all checks together. A check that takes longer is reported, and its
            thread is abandoned.
    """
    problems: dict[int, str] = {}
    threads = []
    for number, (_, component) in enumerate(components):

        def check(number: int = number, component: StackComponent = component) -> None:
            problem = _problem(component)
            if problem:
                problems[number] = problem

        # A daemon, as a custom flavor may never return.
        thread = threading.Thread(target=copy_context().run, args=(check,), daemon=True)
        thread.start()
        threads.append(thread)
    end = time.monotonic() + seconds
    for number, thread in enumerate(threads):
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            problems[number] = f"it did not answer within {seconds:g} seconds"
    return [
        Violation(
            f"{member.title}: {problems[number]}",
            f"check its configuration: `stackfold {member.type.command} describe {member.name}`",
        )
        for number, (member, _) in enumerate(components)
        if number in problems
    ]


def _problem(component: StackComponent) -> str:
    """Why a component cannot connect, in one line; empty if it can."""
    try:
        component.check_connection()
    except (MissingSecret, NotInstalled):
        return ""  # another rule reports it with a fix
    except StackfoldError as error:
        return redacted(str(error))
    except Exception as error:  # raised by a custom flavor or a client library
        return redacted(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
    return ""
