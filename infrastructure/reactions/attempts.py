"""Calls the handler of a reaction, and logs what became of each delivery."""

import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.acting import Acting
from stackfold.application.reactions.causes import MOST_HOPS, caused_by, hops_of
from stackfold.application.reactions.reaction import (
    Delivery,
    Postponed,
    Reaction,
    delivery_id,
)
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.errors import ReactionLoop, UnreadableEvent
from stackfold.infrastructure.eventstore.hash_chain import Record
from stackfold.infrastructure.eventstore.records import event_of
from stackfold.infrastructure.projections.follower import Load

LOGGER = logging.getLogger("stackfold.reactions")
"""Its records have the attributes `reaction`, `outcome`, and, for a delivery, `delivery_id`,
`position`, `topic`, `attempt`, and `seconds` or `error`."""

_LONGEST = 500


class Failed(NamedTuple):
    """The failure of a handler."""

    problem: str
    """One line, without secrets."""
    permanent: bool = False
    """Whether another attempt is pointless."""
    postponed: float = 0.0
    """Seconds after which the handler asked to be called again, which is no failure."""


class Attempts:
    """Calls the handler of one reaction."""

    def __init__(
        self,
        reaction: Reaction,
        workspace: Any,
        acting: Acting,
        load: Load,
        declares: Callable[[str], bool],
        secret: Callable[[str], str],
    ) -> None:
        """Create it.

        Args:
            reaction: Has the handler.
            workspace: Is given to the handler.
            acting: Knows who acts.
            load: Loads a stored event.
            declares: (topic) → whether this process knows the class of such events.
            secret: Resolves references to secrets.
        """
        self._reaction, self._workspace, self._acting = reaction, workspace, acting
        self._load, self._declares, self._secret = load, declares, secret

    def call(self, record: Record, attempt: int) -> Failed | None:
        """Hand an event to the reaction; returns the failure, None if it succeeded."""
        begun = time.monotonic()
        try:
            self._call(record, attempt)
        except Postponed as postponed:
            return Failed(str(postponed), postponed=max(postponed.seconds, 0.01))
        except (Exception, SystemExit) as error:
            permanent = isinstance(error, ReactionLoop | UnreadableEvent)
            text = redacted(" ".join(f"{type(error).__name__}: {error}".split()))
            return Failed(text[:_LONGEST], permanent)
        seconds = round(time.monotonic() - begun, 4)
        self._log(logging.INFO, "handled", record, attempt, seconds=seconds)
        return None

    def _call(self, record: Record, attempt: int) -> None:
        name = self._reaction.name
        recorded = event_of(record)
        correlation = recorded.data.get("correlation_id")
        hops = hops_of(correlation)
        if hops >= MOST_HOPS:
            raise ReactionLoop(name, str(correlation), hops)
        event: Any = recorded
        if not self._reaction.untyped and self._declares(record.topic):
            event = self._load(
                record.topic, record.originator_id, record.originator_version, record.state
            )
        delivery = Delivery(
            delivery_id(name, recorded.head), name, attempt, recorded, self._workspace, self._secret
        )
        caused = caused_by(correlation, record.position, name)
        with self._acting.as_actor(self._acting.actor(), caused):
            self._reaction.handler(event, delivery)

    # -- logging

    def log_retry(self, record: Record, failed: Failed, attempts: int, delay: float) -> None:
        """Log that a delivery is retried after a number of seconds."""
        outcome = "postponed" if failed.postponed else "retried"
        level = logging.DEBUG if failed.postponed else logging.WARNING
        self._log(
            level, outcome, record, attempts, f" in {delay:.1f} s: {failed.problem}",
            error=failed.problem, seconds=round(delay, 3),
        )  # fmt: skip

    def log_parking(self, record: Record, failed: Failed, attempts: int) -> None:
        """Log that a delivery is parked."""
        end = f" after {attempts} attempts: {failed.problem}"
        self._log(logging.ERROR, "parked", record, attempts, end, error=failed.problem)

    def log_unavailable(self, error: Exception) -> None:
        """Log that the log cannot be used now."""
        problem = redacted(str(error))
        LOGGER.warning(
            "%s: waits: %s", self._reaction.name, problem,
            extra={"reaction": self._reaction.name, "outcome": "waits", "error": problem},
        )  # fmt: skip

    def log_lost_turn(self) -> None:
        """Log that another worker moved the checkpoint."""
        LOGGER.info(
            "%s: continues from a checkpoint that another worker or a reset set",
            self._reaction.name,
            extra={"reaction": self._reaction.name, "outcome": "continues"},
        )

    def _log(
        self, level: int, outcome: str, record: Record, attempt: int, end: str = "", **more: Any
    ) -> None:
        name = self._reaction.name
        LOGGER.log(
            level, "%s: #%d %s %s%s", name, record.position, record.topic, outcome, end,
            extra={
                "reaction": name,
                "outcome": outcome,
                "delivery_id": delivery_id(name, f"{record.position}:{record.hash.hex()}"),
                "position": record.position,
                "topic": record.topic,
                "attempt": attempt,
                **more,
            },
        )  # fmt: skip
