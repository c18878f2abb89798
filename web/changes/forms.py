"""Forms of changes: a dry run is shown, and is recorded if it is confirmed with a reason.

A form can only confirm what its page has shown: the result of the dry run is signed, and compared
under the write lock with what is recorded.
"""

from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NeedsConfirmation,
    PolicyViolation,
    StackfoldError,
)
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.changes.kind import Command, Fields, Kind, NotConfirmed, Refused
from stackfold.web.changes.kinds import FIELDS, kind_of
from stackfold.web.changes.offers import Offer, digest_of, is_signed, number, token_of
from stackfold.web.changes.reruns import Repeat, Reruns, repeat_of
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.problem import status_of
from stackfold.web.pages.visit import Frame, Visit

MOST_SINCE = 10
MOST_RECORDED = 60
LONGEST = 2000
"""The most characters of a reason, which has no limit elsewhere than that of the log."""


NO_REASON = "the reason is given when the change is confirmed"
"""The reason in a dry run, for policies that require one."""


class OutcomeChanged(Conflict):
    """A change would record something else than what was confirmed, so nothing was recorded."""

    def __init__(self) -> None:
        super().__init__("something changed since you looked, nothing was recorded: look again")


class ChangePage(NamedTuple):
    """The content of the page of a change that was not made yet."""

    frame: Frame
    verb: str
    title: str
    offer: Offer
    token: str
    """The signature of the offer; empty if a policy rejects the change for the reason given."""
    entries: tuple[HistoryEntry, ...]
    """What would be recorded."""
    consequence: str
    """What would change besides, which must be confirmed; empty for nothing."""
    refused: bool
    """Whether the gate refuses it, which is recorded if it is tried without being confirmed."""
    repeat: Repeat | None
    """The run that would be started, if this is not a change of configuration."""
    back: str
    """The address of what would be changed."""
    other: str
    """The address of the same revert with or without components; empty if there is none."""
    with_components: bool
    problem: str
    """Why the last attempt recorded nothing; empty if this is the first."""
    since: tuple[HistoryEntry, ...]
    """What changed since the last attempt was shown."""
    why: str
    """The reason, as it was written."""
    longest: int
    """The most characters of a reason."""


class RecordedPage(NamedTuple):
    """The content of the page of a change that was made."""

    frame: Frame
    entries: tuple[HistoryEntry, ...]
    more: bool


class Moved(NamedTuple):
    """The address that shows what was recorded."""

    address: str


class Shown(NamedTuple):
    """A page with its status."""

    status: int
    page: ChangePage


class Forms:
    """Shows and makes changes."""

    def __init__(self, secret: bytes, reruns: Reruns) -> None:
        """Create it.

        Args:
            secret: Signs what is shown.
            reruns: Starts runs.
        """
        self._secret = secret
        self._reruns = reruns

    def show(
        self, visit: Visit, problem: str = "", seen: int | None = None, why: str = ""
    ) -> ChangePage:
        """Read what a change would record.

        Args:
            visit: The visit of its page.
            problem: Why the last attempt recorded nothing.
            seen: The position of the log that the last attempt was shown at.
            why: The reason of the last attempt.

        Raises:
            StackfoldError: The change is impossible.
        """
        visit = visit._replace(as_of=None, as_of_time=None)
        name, fields, ws = visit.names["kind"], _fields(visit), visit.workspace
        frame = visit.frame("")
        entries: tuple[HistoryEntry, ...] = ()
        repeat, expected, rejected = None, 0, False
        against: NeedsConfirmation | NotConfirmed | None = None
        if name == "rerun":
            repeat = repeat_of(visit, fields)
            verb, title = "Run again", f"Run {repeat.run.name} again"
            command = f"stackfold run rerun {repeat.run.name}"
        else:
            kind = kind_of(name)
            verb, title, command = kind.verb, kind.title(fields), kind.command(fields)
            expected = kind.expected(ws, fields)
            why = why or visit.query.get("why", "").strip()
            try:
                entries, against = _dry_run(ws, kind, fields, why or NO_REASON)
            except PolicyViolation as error:  # another reason may satisfy the policy
                rejected, problem = True, problem or str(error)
        offer = Offer(
            name, tuple(fields.items()), ws.actor, frame.head, expected, digest_of(entries)
        )
        changed = seen is not None and frame.head > seen
        since = (
            ws.log.entries(since=f"#{seen + 1}", detail="changes", limit=MOST_SINCE)
            if seen is not None and changed
            else ()
        )
        other = ""
        if name == "revert" and "stack" in fields:
            components = "" if fields.get("components") else "1"
            other = frame.url(visit.path, **{**fields, "components": components})
        return ChangePage(
            frame=frame._replace(title=title, commands=(command,)),
            verb=verb,
            title=title,
            offer=offer,
            token="" if rejected else token_of(offer, self._secret),
            entries=entries,
            consequence=against.consequence if against else "",
            refused=isinstance(against, Refused),
            repeat=repeat,
            back=frame.url(_path_of(fields)),
            other=other,
            with_components=bool(fields.get("components")),
            problem=problem,
            since=tuple(since),
            why=why,
            longest=LONGEST,
        )

    def make(self, visit: Visit, form: Fields) -> Shown | Moved:
        """Make the change that a form confirms.

        Args:
            visit: The visit of its page.
            form: The fields of the form.

        Returns:
            The address of what was recorded; or the page again, if nothing was.

        Raises:
            Forbidden: The form is not one that was shown to who sends it.
            StackfoldError: The change is impossible.
        """
        fields, why = _fields(visit), form.get("why", "").strip()
        offer = Offer(
            kind=visit.names["kind"],
            fields=tuple(fields.items()),
            actor=visit.workspace.actor,
            seen=number(form, "seen"),
            expected=number(form, "expected"),
            outcome=form.get("outcome", ""),
        )
        token = form.get("token", "")
        if not is_signed(offer, token, self._secret):
            raise Forbidden(
                "this form was not shown to you here: open the page of the change again"
            )
        try:
            if not why:
                raise Invalid("the reason is missing, nothing was recorded: say why")
            if offer.kind == "rerun":
                repeat_of(visit, fields)
                name = self._reruns.start(visit.workspace, fields["run"], why, token)
                return Moved(f"{visit.root}/runs/{name}" if name else f"{visit.root}/runs")
            confirmed = form.get("confirmed") == "1" and form.get("refused") != "1"
            first, last = _recorded(visit.workspace, offer, why, confirmed)
            return Moved(f"{visit.root}/changes/recorded?first={first}&last={last}")
        except StackfoldError as error:
            try:
                seen = offer.seen if isinstance(error, Conflict) else None
                page = self.show(visit, str(error), seen, form.get("why", ""))
            except StackfoldError:
                raise error from None
            return Shown(status_of(error), page)


def recorded(visit: Visit) -> RecordedPage:
    """Read what a change has recorded."""
    visit = visit._replace(as_of=None, as_of_time=None)
    first, last = (whole_number(name, visit.query.get(name, "")) for name in ("first", "last"))
    entries = [
        *visit.workspace.log.entries(
            since=f"#{first}",
            until=f"#{last}",
            detail="changes",
            limit=MOST_RECORDED + 1,
            newest_first=False,
        )
    ]
    title = f"Recorded as #{first}" + (f" to #{last}" if last > first else "")
    return RecordedPage(
        visit.frame(title, f"stackfold log --since '#{first}' --until '#{last}'"),
        tuple(entries[:MOST_RECORDED]),
        len(entries) > MOST_RECORDED,
    )


def _recorded(ws: Workspace, offer: Offer, why: str, confirmed: bool) -> tuple[int, int]:
    """Make a change; returns the first and the last position that it recorded.

    Raises:
        OutcomeChanged: It would have recorded something else than what was shown.
        Forbidden: A gate refuses it, which was recorded.
    """
    kind = kind_of(offer.kind)
    how = Command(why, offer.expected, confirmed)
    refused: Refused | None = None
    with ws.change(why=why):
        before = ws.log.head().position
        try:
            entries = kind.execute(ws, dict(offer.fields), how)
        except Refused as error:
            refused = error  # as on the command line, the log has what the gate found
        else:
            if digest_of(entries) != offer.outcome:
                raise OutcomeChanged
        after = ws.log.head().position
    if refused:
        raise Forbidden(f"{refused.consequence} (recorded at {after})") from refused
    return before + 1, after


def _dry_run(
    ws: Workspace, kind: Kind, fields: Fields, why: str
) -> tuple[tuple[HistoryEntry, ...], NeedsConfirmation | NotConfirmed | None]:
    """What a change would record, and what must be confirmed."""
    try:
        return tuple(kind.execute(ws, fields, Command(why, dry_run=True))), None
    except (NeedsConfirmation, NotConfirmed) as error:
        how = Command(why, dry_run=True, confirmed=True)
        return tuple(kind.execute(ws, fields, how)), error


def _fields(visit: Visit) -> dict[str, str]:
    return {name: visit.query[name] for name in FIELDS if visit.query.get(name)}


def _path_of(fields: Fields) -> str:
    if "type" in fields:
        return f"/components/{fields['type']}/{fields.get('component', '')}"
    if "run" in fields:
        return f"/runs/{fields['run']}"
    if "model" in fields:
        version = f"/versions/{fields['version']}" if "version" in fields else ""
        return f"/models/{fields['model']}{version}"
    if "artifact" in fields:
        return f"/artifacts/{fields['artifact']}"
    return f"/stacks/{fields['stack']}" if "stack" in fields else "/"
