"""Declarations of aggregates by programs and by installed packages, and what is rejected."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import approvals
import pytest
import yaml
from approvals import APPROVALS, READ_MODEL, Approval

from stackfold import Workspace
from stackfold.application.eventsourcing.aggregate_set import PackagedAggregate
from stackfold.errors import InvalidAggregate
from stackfold.eventsourcing import (
    STACKFOLD_AGGREGATES,
    Aggregate,
    AggregateReference,
    AggregateType,
    EventMetadata,
    Revertible,
    TemporalProjection,
)
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.system.aggregate_packages import InstalledAggregates


class Packages:
    """Installed packages that declare some aggregates; counts how often they are read."""

    def __init__(self, *found):
        self.found, self.reads = found, 0

    def aggregates(self):
        self.reads += 1
        return self.found

    def package_of(self, module):
        return {"approvals": "acme-approvals-of-module"}.get(module)


def packaged(load, topic="acme.approval", problem=""):
    return PackagedAggregate(topic, "acme-approvals", load, problem)


def raises():
    raise SystemExit("no licence")


# -- of installed packages


def test_entry_points_are_read_when_a_topic_with_a_prefix_is_looked_up():
    packages = Packages(packaged(lambda: APPROVALS))
    known = STACKFOLD_AGGREGATES.with_packages(packages)
    assert known.type_of("stack.updated").topic == "stack"
    assert known.event_class("stack.exploded") is None
    assert known.package_of("stack.updated") is None
    assert packages.reads == 0
    assert known.event_class("acme.approval.decided") is Approval.Decided
    assert known.type_of("acme.approval") is APPROVALS
    assert known.package_of("acme.approval.decided") == "acme-approvals"
    assert packages.reads == 1
    assert known.type_of("acme.other.decided") is None


def test_an_entry_point_may_name_a_reference():
    reference = AggregateReference("acme.approval", "approvals:APPROVALS")
    known = STACKFOLD_AGGREGATES.with_packages(Packages(packaged(lambda: reference)))
    assert known.type_of("acme.approval") is APPROVALS
    assert known.read_model("acme.approval") is READ_MODEL


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (packaged(raises), "SystemExit: no licence"),
        (packaged(lambda: 1 / 0), "ZeroDivisionError"),
        (packaged(lambda: "text"), "is a str"),
        (packaged(lambda: APPROVALS, "acme.other"), "has the topic 'acme.approval'"),
        (packaged(lambda: APPROVALS, problem="declared twice"), "declared twice"),
        (
            packaged(lambda: AggregateReference("acme.approval", "approvals:NONE")),
            "AttributeError",
        ),
    ],
)
def test_what_cannot_be_used_is_known_with_its_problem(found, problem):
    known = STACKFOLD_AGGREGATES.with_packages(Packages(found))
    assert known.type_of(found.topic) is None
    assert problem in known.problem_of(found.topic)
    assert [each.topic for each in known.types()] == [*STACKFOLD_AGGREGATES.topics]


def test_what_the_program_declares_precedes_entry_points():
    packages = Packages(packaged(raises))
    known = STACKFOLD_AGGREGATES.with_packages(packages).with_types(APPROVALS)
    assert known.type_of("acme.approval.decided") is APPROVALS
    assert packages.reads == 0


def test_the_package_is_the_distribution_of_the_module_or_else_the_module():
    declared = AggregateType(Approval, projection=APPROVALS.projection)
    known = STACKFOLD_AGGREGATES.with_packages(Packages()).with_types(declared)
    assert known.package_of("acme.approval.decided") == "acme-approvals-of-module"
    known = STACKFOLD_AGGREGATES.with_types(declared)
    assert known.package_of("acme.approval.decided") == "approvals"


@pytest.mark.parametrize(
    ("module", "package"),
    [("pydantic.main", "pydantic"), ("yaml", "PyYAML"), ("approvals", None), ("nothing", None)],
)
def test_the_distribution_of_a_module_is_found_by_its_name_or_its_files(module, package):
    assert yaml
    assert InstalledAggregates().package_of(module) == package


# -- what is rejected at declaration


class Other(NamedTuple):
    """A row without a name."""

    title: str


def class_with(topic, *topics, base=Aggregate):
    """An aggregate class that the eventsourcing library does not register."""
    kind = type("Kind", (base,), {})
    kind.TOPIC = topic
    for number, each in enumerate(topics):
        event = type(f"Event{number}", (kind.Event,), {"__module__": __name__, "TOPIC": each})
        setattr(kind, f"Event{number}", event)
    return kind


def declared_with(topic, *topics, **options):
    return AggregateType(class_with(topic, *topics), **options)


def projection(**changes):
    return TemporalProjection(READ_MODEL._replace(**changes), approvals.apply)


INVALID = {
    "no prefix": (declared_with("approval", "approval.made"), "must be a prefix"),
    "an empty topic": (declared_with("", "x.made"), "must be a prefix"),
    "three words": (declared_with("a.b.c", "a.b.c.made"), "must be a prefix"),
    "capitals": (declared_with("Acme.approval", "Acme.approval.made"), "must be a prefix"),
    "a quote": (declared_with("acme.a'b", "acme.a'b.made"), "must be a prefix"),
    "a line break": (declared_with("acme.a\n", "acme.a\n.made"), "must be a prefix"),
    "too long": (declared_with("a." + "b" * 200, "a.made"), "at most 100"),
    "a noun of Stackfold": (declared_with("stack.approval", "stack.approval.made"), "belongs"),
    "the name of Stackfold": (declared_with("stackfold.a", "stackfold.a.made"), "belongs"),
    "no event": (declared_with("acme.a"), "no event"),
    "an event of another topic": (declared_with("acme.a", "acme.b.made"), "'acme.a.' and one"),
    "an event without a word": (declared_with("acme.a", "acme.a"), "'acme.a.' and one"),
    "an event of two words": (declared_with("acme.a", "acme.a.b.c"), "'acme.a.' and one"),
    "not revertible": (declared_with("acme.a", "acme.a.made", revertible=True), "Revertible"),
    "a read model of another topic": (
        declared_with("acme.a", "acme.a.made", projection=projection()),
        "its read model has the topic",
    ),
    "a table without the prefix": (
        AggregateType(Approval, projection=projection(table="stacks")),
        "must begin with 'acme_'",
    ),
    "a table that is no identifier": (
        AggregateType(Approval, projection=projection(table="acme_x; DROP TABLE events")),
        "must begin with 'acme_'",
    ),
    "a table with a long name": (
        AggregateType(Approval, projection=projection(table="acme_" + "x" * 60)),
        "exceeds 40",
    ),
    "no name": (
        AggregateType(Approval, projection=projection(row=Other, unique=("title",))),
        "needs a column 'name'",
    ),
    "version 0": (AggregateType(Approval, version=0), "must be a number from 1"),
    "no declaration": ("acme.approval", "neither an AggregateType"),
    "a reference without a prefix": (AggregateReference("approval", "a:B"), "must be a prefix"),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_declaration_is_rejected_when_the_workspace_is_opened(case):
    declared, problem = INVALID[case]
    with pytest.raises(InvalidAggregate, match=problem):
        Workspace.in_memory(aggregates=[declared])


def test_a_topic_or_table_cannot_be_declared_twice():
    with pytest.raises(InvalidAggregate, match="declared twice"):
        Workspace.in_memory(aggregates=[APPROVALS, APPROVALS])
    same_table = AggregateType(
        class_with("acme.other", "acme.other.made", base=Revertible),
        projection=projection(topic="acme.other"),
    )
    with pytest.raises(InvalidAggregate, match="'acme_approvals' belongs to"):
        Workspace.in_memory(aggregates=[APPROVALS, same_table])


# -- on the command line


def installed(folder, name, value, module=""):
    """Install a package that declares the aggregate `acme.approval`; returns its folder."""
    folder.mkdir(exist_ok=True)
    if module:
        (folder / f"{value.partition(':')[0]}.py").write_text(module)
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[stackfold.aggregates]\nacme.approval = {value}\n")
    return folder


def stackfold(home, *arguments, packages=None):
    environment = {**os.environ, "STACKFOLD_HOME": str(home), "STACKFOLD_ACTOR": "ada"}
    if packages:
        environment["PYTHONPATH"] = str(packages)
    done = subprocess.run(
        [sys.executable, "-m", "stackfold", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def home(tmp_path):
    with Workspace.open(tmp_path / "home", actor="ada", aggregates=[APPROVALS]) as ws:
        ws.repository.save(Approval.request("prod"))
    return tmp_path / "home"


def test_an_installed_package_works_on_the_command_line(home, tmp_path):
    source = Path(approvals.__file__).read_text(encoding="utf-8")
    packages = installed(tmp_path / "site", "acme-approvals", "acme_approvals:APPROVALS", source)
    listed = stackfold(home, "log", "list", "--type", "acme.approval", packages=packages)
    assert listed[0] == 0
    assert "acme.approval 'prod' requested" in listed[1]
    assert stackfold(home, "log", "rebuild", packages=packages)[2] == ""
    code, out, _ = stackfold(home, "undo", packages=packages)
    assert (code, out.splitlines()[0]) == (0, "acme.approval 'prod' deleted, revision 2")


@pytest.mark.slow
def test_a_broken_package_gets_one_line_and_breaks_no_other_command(home, tmp_path):
    packages = installed(tmp_path / "site", "acme-broken", "acme_broken:X", "import nothing_here\n")
    assert stackfold(home, "stack", "list", packages=packages)[::2] == (0, "")
    assert stackfold(home, "stack", "copy", "default", "prod", packages=packages)[::2] == (0, "")
    code, _, err = stackfold(home, "log", "rebuild", packages=packages)
    assert (code, err.count("\n")) == (0, 1)
    assert "'acme.approval' is left out: loading its declaration failed: ModuleNotFound" in err
    assert stackfold(home, "log", "verify", packages=packages)[0] == 0


def test_two_packages_that_declare_one_topic_are_both_named(home, tmp_path):
    packages = installed(tmp_path / "site", "acme-one", "acme_one:X")
    installed(packages, "acme-two", "acme_two:X")
    code, _, err = stackfold(home, "log", "rebuild", packages=packages)
    assert code == 0
    assert "the packages 'acme-one' and 'acme-two' declare it: uninstall one of them" in err


# -- as stored


def test_the_package_is_a_field_of_the_stored_event():
    mapper = EventMapper(STACKFOLD_AGGREGATES.with_types(APPROVALS))
    state = (
        b'{"by":"ada","package":"acme-approvals","state":"approved",'
        b'"timestamp":"2026-01-01T00:00:00.000001+00:00","why":"It works"}'
    )
    event = mapper.load("acme.approval.decided", str(UUID(int=1)), 2, state)
    assert event.event_metadata == EventMetadata("ada", "It works", package="acme-approvals")
    assert mapper.to_stored_event(event).state == state
    earlier = state.replace(b'"package":"acme-approvals",', b"")
    without = mapper.load("acme.approval.decided", str(UUID(int=1)), 2, earlier)
    assert without.event_metadata == EventMetadata("ada", "It works")
