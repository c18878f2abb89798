"""Executes commands on a log, globally and in a project, and records what is listed after each."""

import json
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

from history.homes import tables
from history.independent_fold import USED, Everything
from hypothesis.stateful import RuleBasedStateMachine

from stackfold.domain.errors import StackfoldError
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.queries.scope import Scope
from stackfold.infrastructure.workspace import Workspace

STORE, OPERATOR, ALERTER = (
    ComponentType.ARTIFACT_STORE,
    ComponentType.STEP_OPERATOR,
    ComponentType.ALERTER,
)
PROJECT = "project:p"


class State(NamedTuple):
    """What was listed when a position was the last one of the log."""

    globally: Everything
    in_project: Everything
    flavors: list[tuple[str, str]]


class AtWork(RuleBasedStateMachine):
    """What there is, what there was, and how a command is done."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="histories-")
        self.ws = self.opened()
        self.standing: list[tuple[str, str]] = []
        """What there was before each change that was not taken back, oldest first."""
        self.now = self.listed()
        self.seen = {self.last: self.now}

    def opened(self) -> Workspace:
        return Workspace.in_memory()

    @property
    def last(self) -> int:
        return self.ws.log.head().position

    def there(self, place: str) -> Workspace:
        """A workspace on the same log, in a project or not."""
        if place == "global":
            return self.ws
        return Workspace(self.ws._database, self.ws.home, lambda: Scope(project=PROJECT))

    def listed(self) -> State:
        return State(
            everything(self.ws),
            everything(self.there("project")),
            sorted(
                (flavor.type, flavor.name)
                for flavor in self.ws.flavors.list(ALERTER)
                if flavor.integration == "own"
            ),
        )

    def do(self, command: Callable[[Workspace], Any], place: str = "global") -> Any:
        """Execute a command; returns its result, or None if it was rejected without any change."""
        before, last, refusal = tables(self.ws), self.last, None
        try:
            done = command(self.there(place))
        except StackfoldError as error:
            refusal = error
        if refusal:
            assert tables(self.ws) == before, f"rejected, but something changed: {refusal}"
            assert "\n" not in str(refusal)
            return None
        assert self.last > last, "executed, but nothing was recorded"
        self.standing.append(facts(self.now))
        self.now = self.seen[self.last] = self.listed()
        return done

    def dry_run_and_do(self, command: Callable[..., Any]) -> Any:
        """Execute a command with `dry_run`, then without; both must have the same result."""
        before = tables(self.ws)
        try:
            told = command(self.ws, dry_run=True)
        except StackfoldError as error:
            told = error
        assert tables(self.ws) == before, "the dry run changed something"
        done = self.do(command)
        if done is None:
            assert isinstance(told, StackfoldError), f"shown by the dry run as {told}, but rejected"
        else:
            assert [entry._replace(when="") for entry in told] == [
                entry._replace(when="") for entry in done
            ]
            assert [entry.position for entry in done] == [
                *range(self.last - len(done) + 1, self.last + 1)
            ]
        return done

    def became(self, target: Any, done: Any) -> None:
        """Something is what it was, as a revision that it has never had."""
        (entry,) = done
        found = find(self.now, target.id)
        assert state_of(found) == state_of(target)
        earlier = [view.revision for view in self.ever(everybody) if view.id == target.id][:-1]
        assert found.revision == entry.revision > max(earlier)

    def position(self, back: int) -> int:
        """One of the latest positions after which something was listed."""
        positions = sorted(self.seen)
        return positions[max(0, len(positions) - 1 - back)]

    def ever(self, views: Callable[[State], list[Any]]) -> list[Any]:
        """Everything that was listed, oldest first."""
        return [view for position in sorted(self.seen) for view in views(self.seen[position])]

    def stack(self, which: int) -> str:
        """The name of one of the stacks that there are; the default one comes last."""
        names = sorted(view.name for view in self.now.globally.stacks)
        names.sort(key="default".__eq__)
        return names[which % len(names)]

    def component(self, type: ComponentType, which: int) -> str:
        """The name of one of the components that there are, or of none."""
        names = sorted(view.name for view in self.now.globally.components[type])
        return names[which % len(names)] if names else "none"

    def held(self, store: int | None, operators: list[int], alerters: list[int]) -> dict[str, Any]:
        """What a stack is to be made of."""
        held: dict[str, Any] = {}
        if store is not None:
            held["artifact_store"] = self.component(STORE, store)
        for type, several in ((OPERATOR, operators), (ALERTER, alerters)):
            if several:
                held[type.value] = [self.component(type, which) for which in several]
        return held

    def revision(self, living: list[Any], which: int, back: int) -> Any:
        """The view of an existing, changed aggregate some revisions ago."""
        changed = [view for view in living if view.revision > 1]
        if not changed:
            return None
        id = changed[which % len(changed)].id
        past = {view.revision: view for view in self.ever(everybody) if view.id == id}
        return past[sorted(past)[max(0, len(past) - 1 - back)]]

    def gone(self, which: int, ever: list[Any]) -> Any:
        """The last view of an aggregate that no longer exists."""
        last = {view.id: view for view in ever}
        gone = [view for id, view in last.items() if not find(self.now, id)]
        return gone[which % len(gone)] if gone else None

    def choices(self, place: str) -> list[Any]:
        """The stacks that a scope has chosen, one after the other."""
        scope = PROJECT if place == "project" else "global"
        rows = self.ws._database.read(
            "SELECT stack FROM activations WHERE scope = ? ORDER BY since", [scope]
        )
        return [stack for (stack,) in rows]


def everything(ws: Workspace, as_of: int | None = None) -> Everything:
    return Everything(
        sorted(ws.stacks.list(as_of=as_of)),
        {type: sorted(ws.components.list(type, as_of=as_of)) for type in USED},
    )


def exact(value: Any) -> str:
    """As text, in which 1, 1.0 and True differ."""
    return json.dumps(value, sort_keys=True)


def state_of(view: Any) -> str:
    """What a revert brings back: all but revision, author and times, and what others decide."""
    elsewhere = ("revision", "updated", "by", "active", "stacks", "components")
    fields = {name: value for name, value in view._asdict().items() if name not in elsewhere}
    if hasattr(view, "components"):
        fields["types"] = {type: len(held) for type, held in view.components.items()}
    return exact(fields)


def facts(state: State) -> tuple[str, str]:
    """The current state, without authors and revisions."""

    def plain(place: Everything) -> Any:
        views = [*place.stacks, *(view for held in place.components.values() for view in held)]
        return [view._replace(revision=0, updated="", by="") for view in views]

    return exact(plain(state.globally)), exact([plain(state.in_project), state.flavors])


def everybody(state: State) -> list[Any]:
    """All the stacks and components that were listed."""
    components = (view for held in state.globally.components.values() for view in held)
    return [*state.globally.stacks, *components]


def find(state: State, id: str) -> Any:
    """The fields of a view."""
    return next((view for view in everybody(state) if view.id == id), None)


def composition_of(id: str, state: State) -> str:
    """The components of a stack, by id."""
    name = find(state, id).name
    held = [view for view in everybody(state) if name in getattr(view, "stacks", ())]
    return exact(sorted((view.id, state_of(view)) for view in held))
