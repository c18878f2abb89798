"""Asks what the components of a stack connect to: servers, buckets, credentials."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from typing import Any, NamedTuple

from stackfold.application.ports import StackComponent
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.errors import MissingSecret, NotInstalled, StackfoldError, Violation
from stackfold.domain.stacks.component_type import ComponentType

_SECONDS = 60.0
"""How long all of them together may take; flavors have shorter limits of their own."""


class Member(NamedTuple):
    """A component of a stack, as it is configured."""

    type: ComponentType
    name: str
    flavor: str
    configuration: Mapping[str, Any]
    source: str = ""
    """Where a run found its class, if one did."""

    @property
    def title(self) -> str:
        """Such as "artifact store 'lake'"."""
        return f"{self.type.noun} {self.name!r}"


def unreachable(
    components: Sequence[tuple[Member, StackComponent]], seconds: float = _SECONDS
) -> list[Violation]:
    """What the components connect to that cannot be used, all asked at the same time.

    Args:
        components: The components, set up.
        seconds: How long they may take together. One that takes longer is reported, and its thread
            is left behind.
    """
    problems: dict[int, str] = {}
    threads = []
    for number, (_, component) in enumerate(components):

        def ask(number: int = number, component: StackComponent = component) -> None:
            problem = _problem(component)
            if problem:
                problems[number] = problem

        # A daemon, as a flavor of somebody's own may never return.
        thread = threading.Thread(target=copy_context().run, args=(ask,), daemon=True)
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
            f"see how it is configured by `stackfold {member.type.command} describe {member.name}`",
        )
        for number, (member, _) in enumerate(components)
        if number in problems
    ]


def _problem(component: StackComponent) -> str:
    """Why a component cannot use what it connects to, in one line; empty if it can."""
    try:
        component.check_connection()
    except (MissingSecret, NotInstalled):
        return ""  # reported without connecting, with what fixes it
    except StackfoldError as error:
        return redacted(str(error))
    except Exception as error:  # of a flavor of somebody's own, or a client library
        return redacted(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
    return ""
