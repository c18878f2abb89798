"""Random histories of all commands: the past never changes.

After each step:

- the read models say what a fresh fold of the log says, by `verify` and by replaying aggregates;
- a rejected command, and a dry run, have changed nothing;
- what a dry run said is what then happened;
- a revert has yielded the state that it names, as a new revision;
- undo has yielded the state before the last change that stood.

At the end every earlier position lists what was listed when it was the last one, an exported and
imported log is the same log, and a fork is what the log was.
"""

from pathlib import Path
from typing import Any

import pytest
from history import independent_fold
from history.at_work import (
    ALERTER,
    OPERATOR,
    PROJECT,
    STORE,
    AtWork,
    composition_of,
    everything,
    exact,
    facts,
    find,
    state_of,
)
from history.homes import tables
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

NEW = st.sampled_from(["s", "t", "größe"])
TYPES = st.sampled_from([STORE, OPERATOR, ALERTER])
FLAVORS = st.sampled_from(["pager", "pager", "siren"])
VALUES = st.sampled_from([None, 0, 1, 1.0, True, "1", [1], [True], {"a": None}])
TEXTS = st.sampled_from(["", "p", "q"])
LABELS = st.dictionaries(st.sampled_from("kl"), TEXTS, max_size=2)
LABEL_CHANGES = st.dictionaries(st.sampled_from("kl"), st.none() | TEXTS, max_size=2)
PLACES = st.sampled_from(["global", "global", "project"])
WHICH = st.integers(0, 3)
"""Which of those that there are."""
SEVERAL = st.lists(WHICH, max_size=2)
BACK = st.integers(1, 6)


class Histories(AtWork):
    """All commands, and the invariants after each."""

    def teardown(self) -> None:
        try:
            self.every_earlier_position_lists_what_was_listed_then()
            self.an_export_imports_as_the_same_log()
            self.a_fork_is_what_the_log_was()
        finally:
            self.ws.close()
            self.folder.cleanup()

    @initialize()
    def begin(self):
        """Enough of everything, so that most commands find something to work on."""
        self.do(lambda ws: ws.flavors.register(ALERTER, "history.own_flavors.Pager"))
        for type, flavor in ((STORE, "local"), (OPERATOR, "local"), (ALERTER, "pager")):
            for name in ("s", "t"):
                self.register_component(type, name, flavor, 1, "p", {"k": name})
        self.register_stack("s", 1, [0, 1], [0], "", {}, False, "global")

    # -- components

    @rule(type=TYPES, name=NEW, flavor=FLAVORS, value=VALUES, path=TEXTS, labels=LABELS)
    def register_component(self, type, name, flavor, value, path, labels):
        configuration = configured(type, value, path)
        flavor = flavor if type is ALERTER else "local"
        self.do(
            lambda ws: ws.components.register(type, name, flavor, configuration, labels, why="new")
        )

    @rule(type=TYPES, which=WHICH, value=VALUES, path=TEXTS, labels=LABEL_CHANGES)
    def update_component(self, type, which, value, path, labels):
        name, configuration = self.component(type, which), configured(type, value, path)
        self.do(lambda ws: ws.components.update(type, name, configuration, labels))

    @rule(type=st.sampled_from([STORE, ALERTER]), which=WHICH)
    def remove_attributes(self, type, which):
        name, attribute = self.component(type, which), "path" if type is STORE else "to"
        self.do(lambda ws: ws.components.remove_attributes(type, name, [attribute]))

    @rule(type=TYPES, which=WHICH, new=NEW)
    def rename_component(self, type, which, new):
        name = self.component(type, which)
        self.do(lambda ws: ws.components.rename(type, name, new))

    @rule(type=TYPES, which=WHICH, new=NEW)
    def copy_component(self, type, which, new):
        name = self.component(type, which)
        self.do(lambda ws: ws.components.copy(type, name, new))

    @rule(type=TYPES, which=WHICH)
    def delete_component(self, type, which):
        name = self.component(type, which)
        self.do(lambda ws: ws.components.delete(type, name))

    # -- flavors

    @rule(flavor=st.sampled_from(["Pager", "Siren"]))
    def register_flavor(self, flavor):
        self.do(lambda ws: ws.flavors.register(ALERTER, f"history.own_flavors.{flavor}"))

    @rule(flavor=FLAVORS)
    def delete_flavor(self, flavor):
        self.do(lambda ws: ws.flavors.delete(ALERTER, flavor))

    # -- stacks

    @rule(
        name=NEW,
        store=WHICH,
        operators=SEVERAL,
        alerters=SEVERAL,
        text=TEXTS,
        labels=LABELS,
        activate=st.booleans(),
        place=PLACES,
    )
    def register_stack(self, name, store, operators, alerters, text, labels, activate, place):
        held = {"orchestrator": "default", **self.held(store, operators, alerters)}
        self.do(
            lambda ws: ws.stacks.register(
                name, description=text, labels=labels, activate=activate, **held
            ),
            place,
        )

    @rule(
        which=WHICH,
        store=st.none() | WHICH,
        operators=SEVERAL,
        alerters=SEVERAL,
        text=st.none() | TEXTS,
        labels=LABEL_CHANGES,
        add=st.booleans(),
    )
    def update_stack(self, which, store, operators, alerters, text, labels, add):
        name, held = self.stack(which), self.held(store, operators, alerters)
        self.do(lambda ws: ws.stacks.update(name, description=text, labels=labels, add=add, **held))

    @rule(which=WHICH, type=TYPES, component=st.none() | WHICH)
    def remove_from_stack(self, which, type, component):
        name = self.stack(which)
        names = [] if component is None else [self.component(type, component)]
        self.do(lambda ws: ws.stacks.remove_components(name, {type: names}))

    @rule(which=WHICH, types=st.sampled_from([[OPERATOR], [ALERTER], [OPERATOR, ALERTER]]))
    def set_default(self, which, types):
        """Make the last one of each type the first one."""
        name = self.stack(which)
        held = next((view.components for view in self.now.globally.stacks if view.name == name), {})
        wanted = {type: held[type][-1] for type in types if held.get(type)}
        self.do(lambda ws: ws.stacks.set_default(name, wanted))

    @rule(which=WHICH, new=NEW)
    def rename_stack(self, which, new):
        name = self.stack(which)
        self.do(lambda ws: ws.stacks.rename(name, new))

    @rule(which=WHICH, new=NEW)
    def copy_stack(self, which, new):
        name = self.stack(which)
        self.do(lambda ws: ws.stacks.copy(name, new))

    @rule(which=WHICH, new=NEW)
    def import_stack(self, which, new):
        name = self.stack(which)
        self.do(
            lambda ws: ws.stacks.import_stack(
                ws.stacks.export(name), new, on_conflict="rename", origin="here"
            )
        )

    @rule(which=WHICH, recursive=st.booleans())
    def delete_stack(self, which, recursive):
        name = self.stack(which)
        self.do(lambda ws: ws.stacks.delete(name, recursive=recursive))

    # -- activations

    @rule(which=WHICH, place=PLACES)
    def activate(self, which, place):
        """It is active in that place from now on; the other place's choices stay."""
        name, other = self.stack(which), {"global": "project", "project": "global"}[place]
        elsewhere = self.choices(other)
        if self.do(lambda ws: ws.stacks.activate(name), place):
            views = (self.now.in_project if place == "project" else self.now.globally).stacks
            assert [view.name for view in views if view.active] == [name]
            assert self.choices(other) == elsewhere

    @rule(place=PLACES)
    def activate_the_one_before(self, place):
        """`-` is the stack that was active here when the scope's choice was last another one."""
        before = self.choices(place)
        self.do(lambda ws: ws.stacks.activate("-"), place)
        if len(after := self.choices(place)) > len(before):
            assert after[-1] == before[-2]

    # -- going back

    @rule(which=WHICH, back=BACK)
    def revert_stack(self, which, back):
        target = self.revision(self.now.globally.stacks, which, back)
        if target is None:
            return
        done = self.dry_run_and_do(
            lambda ws, **how: ws.stacks.revert(target.id, target.revision, **how)
        )
        if done:
            self.became(target, done)

    @rule(which=WHICH, back=BACK, confirmed=st.booleans())
    def revert_stack_with_components(self, which, back, confirmed):
        """As of a position, everything behind the stack is what it was then."""
        position = self.position(back)
        stack = self.stack(which)
        id = next(view.id for view in self.now.globally.stacks if view.name == stack)
        done = self.dry_run_and_do(
            lambda ws, **how: ws.stacks.revert(
                id, as_of=position, with_components=True, confirmed=confirmed, **how
            )
        )
        if done:
            then = self.seen[position]
            assert state_of(find(self.now, id)) == state_of(find(then, id))
            assert composition_of(id, self.now) == composition_of(id, then)

    @rule(type=TYPES, which=WHICH, back=BACK)
    def revert_component(self, type, which, back):
        target = self.revision(self.now.globally.components[type], which, back)
        if target is None:
            return
        done = self.dry_run_and_do(
            lambda ws, **how: ws.components.revert(type, target.id, target.revision, **how)
        )
        if done:
            self.became(target, done)

    @rule(which=WHICH)
    def restore_stack(self, which):
        target = self.gone(which, self.ever(lambda state: state.globally.stacks))
        if target:
            done = self.dry_run_and_do(lambda ws, **how: ws.stacks.restore(target.id, **how))
            if done:
                self.became(target, done)

    @rule(type=TYPES, which=WHICH)
    def restore_component(self, type, which):
        target = self.gone(which, self.ever(lambda state: state.globally.components[type]))
        if target:
            done = self.dry_run_and_do(
                lambda ws, **how: ws.components.restore(type, target.id, **how)
            )
            if done:
                self.became(target, done)

    @rule(times=st.integers(1, 4))
    def undo(self, times):
        for _ in range(times):
            was_standing = [*self.standing]
            done = self.dry_run_and_do(lambda ws, **how: ws.undo(**how))
            assert bool(done) == bool(was_standing), "undo must go on to the beginning"
            if done:
                self.standing = was_standing
                assert facts(self.now) == self.standing.pop()

    # -- what holds after every step

    @invariant()
    def the_log_verifies(self):
        found = self.ws.log.verify()
        assert found.intact, found
        assert (found.events, found.head) == (self.last, str(self.ws.log.head()))

    @invariant()
    def the_read_models_say_what_the_aggregates_say(self):
        replayed = independent_fold.replay(self.ws._database)
        assert exact(self.now.globally) == exact(independent_fold.everything(replayed))
        assert exact(self.now.in_project) == exact(independent_fold.everything(replayed, PROJECT))
        assert self.now.flavors == independent_fold.flavors(replayed)

    def every_earlier_position_lists_what_was_listed_then(self):
        for position, then in self.seen.items():
            assert exact(everything(self.ws, as_of=position)) == exact(then.globally)
            assert exact(everything(self.there("project"), position)) == exact(then.in_project)

    def an_export_imports_as_the_same_log(self):
        file, home = Path(self.folder.name, "log.jsonl"), Path(self.folder.name, "imported")
        head = self.ws.log.export(file)
        assert Workspace.import_log(file, home) == head == self.ws.log.head()
        with Workspace.open(home) as imported:
            assert tables(imported) == tables(self.ws)
            assert imported.log.verify(str(head)).intact
            again = Path(self.folder.name, "again.jsonl")
            imported.log.export(again)
            assert again.read_bytes() == file.read_bytes()

    def a_fork_is_what_the_log_was(self):
        position = sorted(self.seen)[len(self.seen) // 2]
        home = Path(self.folder.name, "forked")
        assert self.ws.log.fork(position, home).position == position
        with Workspace.open(home) as forked:
            assert exact(everything(forked)) == exact(self.seen[position].globally)
            assert forked.log.verify().intact


class HistoriesInAFile(Histories):
    """The same in a file, which is closed and opened again."""

    def opened(self) -> Workspace:
        return Workspace.open(Path(self.folder.name, "home"))

    @rule()
    def open_again(self):
        self.ws.close()
        self.ws = self.opened()
        assert exact(self.listed()) == exact(self.now)

    @rule()
    def rebuild(self):
        before = tables(self.ws)
        assert self.ws.log.rebuild() == self.last
        assert tables(self.ws) == before


def configured(type: ComponentType, value: Any, path: str) -> dict[str, Any]:
    match type:
        case ComponentType.ARTIFACT_STORE:
            return {"path": path} if path else {}
        case ComponentType.ALERTER:
            return {"to": value, **({"level": path} if path else {})}
    return {}


def run(machine: type[Histories], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_any_history_in_memory():
    run(Histories, examples=15, steps=30)


def test_any_history_in_a_file():
    run(HistoriesInAFile, examples=4, steps=15)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Histories, HistoriesInAFile])
def test_many_long_histories(machine):
    run(machine, examples=60, steps=60)
