"""Operations: the log, the server, policies and reactions."""

from typing import NamedTuple

from stackfold.application.history.views import Detail, HistoryEntry, LogEvent
from stackfold.application.policies.views import PolicyView
from stackfold.application.reactions.views import FailedDelivery, ReactionView
from stackfold.application.stacks.views import IdentityView, StatusView
from stackfold.web.api.operations import Call, Limit, Number, Operations, Page, Past

LOG = Operations("log")
SERVER = Operations("server")
POLICIES = Operations("policies")
REACTIONS = Operations("reactions")


class Head(NamedTuple):
    """The end of the log. Stored elsewhere, it proves that nothing was cut off."""

    position: int
    """The last position."""
    recorded_at: str
    """When its event was recorded: RFC 3339, UTC."""
    hash: str
    """The hash of the log up to it, in hexadecimal."""


@SERVER.get("/status")
def get_status(call: Call, *, as_of: Past = None) -> StatusView:
    """Get where the log is, and which stack is active and why."""
    return call.workspace.status(as_of)


@SERVER.get("/whoami")
def get_actor(call: Call) -> IdentityView:
    """Get who acts: the actor that the server takes from the request, or that of the server."""
    return call.workspace.identity()


@LOG.get("/log/head")
def get_head(call: Call) -> Head:
    """Get the end of the log."""
    head = call.workspace.log.head()
    return Head(head.position, head.recorded_at, head.hash.hex())


@LOG.get("/log")
def list_entries(
    call: Call,
    *,
    by: str | None = None,
    kind: tuple[str, ...] = (),
    name: str | None = None,
    detail: Detail = "all",
    grep: str | None = None,
    since: str | None = None,
    as_of: Past = None,
    limit: Limit = 100,
) -> Page[HistoryEntry]:
    """List what each event changed, by whom and why, newest first.

    Args:
        by: Only events of this actor.
        kind: Only events of this kind: `stack`, a component type, `flavor`, `activation`,
            `deployment`, `policy` or `run`; of any of them, if several are given.
        name: Only events of what had this name after the event.
        detail: `changes` omits events of runs, `runs` only those of their steps.
        grep: Only events whose name, actor, reason or recorded values contain this text, in any
            case. At most 100,000 events are searched.
        since: Only events that were recorded at or after this point.
        as_of: Only events that were recorded up to this point.
        limit: The most entries.
    """
    position = call.position(as_of)
    found = call.workspace.log.entries(
        since=since,
        until=f"#{position}",
        by=by,
        kinds=[each.replace("-", "_") for each in kind],
        name=name,
        detail=detail,
        grep=grep,
        limit=limit + 1,
    )
    entries = [*found]
    last = entries[limit].position if len(entries) > limit else None
    return call.following(entries, limit, position, as_of=last)


@LOG.get("/log/events")
def list_events(
    call: Call, *, after: Number = 0, as_of: Past = None, limit: Limit = 100
) -> Page[LogEvent]:
    """List events as they were recorded, oldest first.

    To follow the log, ask again with the position of the last event as `after`.

    Args:
        after: Only events after this position.
        as_of: Only events that were recorded up to this point.
        limit: The most events.
    """
    position = call.position(as_of)
    # Positions have no gaps.
    upto = min(position, after + limit + 1)
    events = [*call.workspace.log.events(after, upto)]
    last = events[limit - 1].position if len(events) > limit else None
    return call.following(events, limit, position, after=last, as_of=position)


@POLICIES.get("/policies")
def list_policies(call: Call, *, as_of: Past = None) -> list[PolicyView]:
    """List the enabled policies, and those that the server could enable."""
    return [*call.workspace.policies.list(as_of)]


@POLICIES.get("/policies/{policy}")
def get_policy(call: Call, *, policy: str, as_of: Past = None) -> PolicyView:
    """Get a policy.

    Args:
        policy: The name of the policy.
    """
    return call.workspace.policies.describe(policy, as_of)


@POLICIES.get("/policies/{policy}/history")
def get_policy_history(
    call: Call, *, policy: str, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get when a policy was enabled, updated and disabled, newest first.

    Args:
        policy: The name of the policy.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    found = call.workspace.policies.history(policy, None if as_of else limit)
    position = call.position(as_of)
    return [entry for entry in found if entry.position <= position][:limit]


@REACTIONS.get("/reactions")
def list_reactions(call: Call) -> list[ReactionView]:
    """List the reactions that were run on the log, by name."""
    return [*call.workspace.reactions.list()]


@REACTIONS.get("/reactions/{reaction}/failures")
def list_failures(call: Call, *, reaction: str) -> list[FailedDelivery]:
    """List the events on which a reaction failed, by position.

    Args:
        reaction: The name of the reaction.
    """
    return [*call.workspace.reactions.failed(reaction)]
