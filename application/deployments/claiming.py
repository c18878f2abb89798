"""Claims on deployments, so that one process at a time starts, stops or deletes each."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from stackfold.application.eventsourcing.claims import Claims
from stackfold.domain.errors import Busy, RunBusy


@contextmanager
def claimed(claims: Claims, id: str, name: str) -> Iterator[None]:
    """Claim a deployment for the block.

    Args:
        claims: The claims on the log.
        id: The id of the deployment.
        name: Its name, for the error.

    Raises:
        Busy: Another process has claimed it.
    """
    with ExitStack() as claim:
        try:
            claim.enter_context(claims.claim(id, name))
        except RunBusy:
            raise Busy(f"another command is using deployment {name!r}: wait for it") from None
        yield
