"""Policies: rules that are in force in a log, asked about each change before it is committed."""

import threading
import time
from contextlib import suppress

import pytest
from policies import enabled, nothing, open_with, place, reasons, rejects
from replay import assert_consistent
from workspaces import opened, stack, store

from stackfold.errors import (
    InvalidPolicy,
    NameTaken,
    NotFound,
    NothingToChange,
    PolicyCannotWrite,
    PolicyFailed,
    PolicyTooSlow,
    PolicyUnavailable,
    PolicyViolation,
    ReasonRequired,
    StackfoldError,
)
from stackfold.eventsourcing import EnabledPolicy, Policy, Stack
from stackfold.infrastructure.workspace import Workspace

__all__ = ["open_with", "place"]


# -- in force by a command only


def test_a_declared_policy_binds_nobody_until_it_is_enabled(open_with):
    ws = open_with(reasons)
    stack(ws, "prod")
    (view,) = ws.policies.list()
    assert (view.name, view.enabled, view.topics) == ("reasons", False, ())
    view = ws.policies.enable("reasons", why="OPS-1")
    assert (view.enabled, view.topics, view.by) == (True, ["stack.*"], "ada@example.com")
    assert view.description == "A change of a stack has a reason."
    error = rejects(ws, PolicyViolation, lambda: stack(ws, "test"))
    assert (error.policy, error.problem) == ("reasons", "give a reason")
    stack(ws, "test", why="OPS-2")
    store(ws, "not-governed")
    assert_consistent(ws)


def test_it_binds_every_way_to_change_a_stack(open_with, tmp_path):
    ws = open_with(reasons)
    stack(ws, "prod")
    document = ws.stacks.export("prod")
    ws.stacks.rename("prod", "production")
    ws.policies.enable("reasons")
    for command in (
        lambda: ws.stacks.update("production", description="x"),
        lambda: ws.stacks.revert("production"),
        lambda: ws.stacks.delete("production"),
        lambda: ws.stacks.copy("production", "copy"),
        lambda: ws.stacks.import_stack(document, name="imported"),
    ):
        rejects(ws, PolicyViolation, command)
    ws.stacks.delete("production", why="OPS-3")
    rejects(ws, PolicyViolation, lambda: ws.stacks.restore("production"))
    rejects(ws, PolicyViolation, ws.undo)
    rejects(ws, PolicyViolation, lambda: ws.undo(dry_run=True))
    ws.undo(why="OPS-4")
    assert_consistent(ws)


def test_it_judges_a_unit_of_work_at_its_end_as_one_change(open_with):
    seen = []

    def check(change):
        seen.append([each.topic for each in change.events])
        names = {view.name for view in change.stacks.list()}
        if "prod" not in names:
            change.reject("keep a stack 'prod'")

    ws = open_with(Policy("rule", check, topics=[Stack.Renamed, Stack.Registered]))
    stack(ws, "prod")
    ws.policies.enable("rule")
    with ws.change():
        ws.stacks.rename("prod", "old")  # between these two, there is no stack of that name
        stack(ws, "prod")
        store(ws, "of-the-same-change")
    assert seen == [["stack.renamed", "stack.registered", "component.registered"]]

    def change():
        with ws.change():
            store(ws, "gone-with-it")
            ws.stacks.rename("prod", "other")

    rejects(ws, PolicyViolation, change)


def twice(ws):
    with ws.change():
        stack(ws, "rolled-back")
        stack(ws, "kept")


def test_what_was_rolled_back_in_a_unit_is_not_judged(open_with):
    seen = []
    ws = enabled(open_with, lambda change: seen.extend(e.event.name for e in change.governed))
    with ws.change():
        stack(ws, "kept")
        with pytest.raises(NameTaken):
            twice(ws)
    assert seen == ["kept"]


def test_a_policy_sees_who_and_why_and_what_was_before(open_with, place):
    seen = []

    def check(change):
        (each,) = change.governed
        seen.append(
            (each.actor, each.correlation_id, each.why, each.undoes, each.before.name, each.event)
        )
        then = change.stacks.get("prod", as_of=change.before).description
        now = change.stacks.get("prod").description
        seen.append((then, now, bool(each.database_role)))

    ws = enabled(open_with, check, [Stack.Updated])
    stack(ws, "prod", description="old")
    with ws.acting_as("bob@example.com", correlation_id="request-1"):
        ws.stacks.update("prod", description="new", why="OPS-5")
    (*who, before, event), state = seen
    assert who == ["bob@example.com", "request-1", "OPS-5", None]
    assert (before, event.description) == ("prod", "new")
    assert state == ("old", "new", place.startswith("postgresql:"))


# -- enabling and disabling


def test_an_unknown_policy_is_not_found_and_a_similar_name_is_suggested(open_with):
    ws = open_with(reasons)
    for name in ("reason", "", "../x", "a\nb", "\x1b[31m", "'; DROP TABLE policies"):
        rejects(ws, NotFound, lambda name=name: ws.policies.enable(name))
        rejects(ws, NotFound, lambda name=name: ws.policies.disable(name, "x"))
        rejects(ws, NotFound, lambda name=name: ws.policies.describe(name))
        rejects(ws, NotFound, lambda name=name: ws.policies.history(name))
    with pytest.raises(NotFound, match="did you mean 'reasons'"):
        ws.policies.enable("reason")


def test_enabling_twice_changes_nothing_and_new_topics_are_recorded(open_with):
    ws = open_with(reasons)
    ws.policies.enable("reasons")
    rejects(ws, NothingToChange, lambda: ws.policies.enable("reasons"))
    newer = open_with(Policy("reasons", nothing, topics=["stack.*", "component.*"]))
    assert newer.policies.describe("reasons").topics == ["stack.*"]
    assert newer.policies.enable("reasons").topics == ["stack.*", "component.*"]
    assert [each.action for each in ws.policies.history("reasons")] == ["updated", "enabled"]


def test_the_recorded_topics_count(open_with):
    asked = []
    enabled(open_with, nothing, ["stack.*"])
    newer = open_with(Policy("rule", asked.append, topics=["component.*"]))
    store(newer, "not-governed")
    assert asked == []
    stack(newer, "governed")
    assert len(asked) == 1


def test_disabling_needs_a_reason_and_nothing_else(open_with):
    ws = open_with(reasons)
    ws.policies.enable("reasons")
    without = open_with()
    for reason in ("", " \n"):
        rejects(without, ReasonRequired, lambda r=reason: without.policies.disable("reasons", r))
    rejects(without, ReasonRequired, without.undo)
    without.policies.disable("reasons", "its package is gone")
    rejects(without, NotFound, lambda: without.policies.disable("reasons", "again"))
    stack(without, "prod")
    entry, _ = without.policies.history("reasons")
    assert (entry.action, entry.why) == ("disabled", "its package is gone")
    assert ws.policies.enable("reasons").revision == 3


def test_undo_enables_and_disables(open_with):
    ws = open_with(reasons)
    ws.policies.enable("reasons")
    ws.undo(why="too early")
    assert not ws.policies.describe("reasons").enabled
    ws.policies.enable("reasons")
    position = ws.log.head().position
    ws.policies.disable("reasons", "OPS-6")
    ws.undo(why="OPS-7")
    assert ws.policies.describe("reasons").enabled
    assert ws.policies.describe("reasons", as_of=position).revision == 3
    assert [view.name for view in ws.policies.list(as_of=1)] == []
    actions = [each.action for each in ws.policies.history("reasons")]
    assert actions == ["reenabled", "disabled", "reenabled", "disabled", "enabled"]
    assert_consistent(ws)


def test_no_policy_governs_that_policies_are_disabled(open_with):
    def never(change):
        change.reject("never")

    with pytest.raises(InvalidPolicy):
        Policy("rule", never, topics=[EnabledPolicy.Disabled])
    ws = open_with(Policy("rule", never, topics=["policy.*"]), reasons)
    # A policy also judges the change that enables it.
    rejects(ws, PolicyViolation, lambda: ws.policies.enable("rule"))
    lenient = open_with(Policy("rule", nothing, topics=["policy.*"]))
    lenient.policies.enable("rule")
    rejects(ws, PolicyViolation, lambda: ws.policies.enable("reasons"))
    ws.policies.disable("rule", "nobody is locked out")
    ws.policies.enable("reasons")


def test_a_policy_that_a_change_disables_or_enables_judges_it(open_with):
    ws = open_with(reasons)

    def disable_first():
        with ws.change():
            ws.policies.disable("reasons", "for a moment")
            stack(ws, "prod")

    def enable_last():
        with ws.change():
            stack(ws, "prod")
            ws.policies.enable("reasons")

    rejects(ws, PolicyViolation, enable_last)
    ws.policies.enable("reasons")
    rejects(ws, PolicyViolation, disable_first)


def test_a_dry_run_of_enabling_shows_what_is_governed(open_with):
    ws = open_with(reasons)
    assert ws.policies.enable("reasons", dry_run=True).topics == ["stack.*"]
    assert not ws.policies.describe("reasons").enabled


# -- a process without the policy


def test_without_the_policy_only_what_it_governs_is_rejected(open_with):
    open_with(reasons).policies.enable("reasons")
    ws = open_with()
    error = rejects(ws, PolicyUnavailable, lambda: stack(ws, "prod", why="OPS-8"))
    assert (error.policy, error.topics) == ("reasons", ["stack.registered"])
    assert "policies:reasons" in str(error)
    store(ws, "other")
    ws.log.rebuild()
    assert ws.policies.describe("reasons").installed is None
    assert_consistent(ws)


def test_copies_of_a_log_have_its_policies(open_with, tmp_path):
    ws = open_with(reasons)
    ws.policies.enable("reasons")
    ws.log.fork(None, tmp_path / "fork")
    ws.log.export(tmp_path / "log.jsonl")
    Workspace.import_log(tmp_path / "log.jsonl", tmp_path / "imported")
    for home in ("fork", "imported"):
        with opened(tmp_path / home) as copy:
            assert copy.policies.describe("reasons").enabled
            with pytest.raises(PolicyUnavailable):
                stack(copy, "prod")
            assert_consistent(copy)


# -- policies that misbehave


@pytest.mark.parametrize(
    ("raised", "problem"),
    [
        (ValueError("password=hunter2"), "raised ValueError"),
        (SystemExit(0), "raised SystemExit"),
        (RecursionError(), "raised RecursionError"),
    ],
)
def test_another_exception_rejects_in_the_name_of_the_policy(open_with, raised, problem):
    def check(change):
        raise raised

    ws = enabled(open_with, check)
    error = rejects(ws, PolicyFailed, lambda: stack(ws, "prod"))
    assert error.problem == problem
    assert error.__cause__ is raised
    assert "hunter2" not in str(error)


def test_an_error_of_stackfold_rejects_as_it_is(open_with):
    ws = enabled(open_with, lambda change: change.stacks.get("missing"), ["component.*"])
    error = rejects(ws, NotFound, lambda: store(ws, "s"))
    assert error.reference == "missing"
    assert "'rule'" in error.__notes__[0]


def test_a_policy_that_returns_something_does_not_accept(open_with):
    ws = enabled(open_with, lambda change: False)
    assert rejects(ws, PolicyFailed, lambda: stack(ws, "a")).problem.startswith("returned bool")


def test_a_slow_policy_rejects(open_with):
    ws = enabled(open_with, lambda change: time.sleep(0.2), timeout=0.05)
    error = rejects(ws, PolicyTooSlow, lambda: stack(ws, "prod"))
    assert error.seconds > error.timeout == 0.05
    ws.policies.disable("rule", "slow")
    stack(ws, "prod")


def test_a_policy_changes_nothing(open_with):
    def commands():
        yield lambda: stack(ws, "another")
        yield lambda: ws.policies.disable("rule", "by itself")
        yield ws.undo
        yield lambda: ws.secrets.create("key", {"a": "b"})
        yield ws.log.rebuild

        def unit():
            with ws.change() as change:
                change.execute("CREATE TABLE mine (id INTEGER)")

        yield unit

    def check(change):
        for command in commands():
            with pytest.raises(PolicyCannotWrite):
                command()
        raise LookupError("everything was tried")

    ws = enabled(open_with, check, timeout=10)
    error = rejects(ws, PolicyFailed, lambda: stack(ws, "prod"))
    assert isinstance(error.__cause__, LookupError)


def test_a_policy_that_waits_for_another_thread_ends(open_with):
    def check(change):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()

    def read():
        # On PostgreSQL it may have a connection of its own.
        with suppress(StackfoldError):
            ws.stacks.list()

    ws = enabled(open_with, check, timeout=0.1)
    with suppress(PolicyTooSlow):
        stack(ws, "prod")
    stack(open_with(Policy("rule", nothing, topics=["stack.*"])), "test")


def test_of_two_policies_the_first_by_name_is_reported(open_with):
    def never(change):
        change.reject("never")

    rules = [Policy(name, never, topics=["stack.*"]) for name in ("b", "a")]
    ws = open_with(*rules)
    for name in ("b", "a"):
        ws.policies.enable(name)
    assert rejects(ws, PolicyViolation, lambda: stack(ws, "prod")).policy == "a"
