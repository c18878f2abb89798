"""Policies: their declarations, those of packages, and processes that race."""

import subprocess
import sys

import pytest
from policies import nothing, open_with, place, reasons, rejects
from replay import assert_consistent
from workspaces import stack, store

from stackfold.errors import InvalidPolicy, PolicyViolation
from stackfold.eventsourcing import Policy, Stack
from stackfold.infrastructure.workspace import Workspace

__all__ = ["open_with", "place"]


# -- declarations


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "x" * 65},
        {"topics": []},
        {"topics": "stack.*"},
        {"topics": ["stack"]},
        {"topics": ["*"]},
        {"topics": [Stack]},
        {"topics": [3]},
        {"topics": [f"stack.a{number}" for number in range(101)]},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": 11},
        {"description": "x" * 1001},
    ],
)
def test_an_invalid_declaration_is_rejected(arguments):
    arguments = {"name": "rule", "topics": ["stack.*"], **arguments}
    with pytest.raises(InvalidPolicy):
        Policy(arguments.pop("name"), nothing, **arguments)


def test_a_function_that_checks_nothing_when_it_is_called_is_rejected():
    async def asynchronous(change):
        change.reject("never")

    def generator(change):
        yield change.reject("never")

    for check in (asynchronous, generator):
        with pytest.raises(InvalidPolicy):
            Policy("rule", check, topics=["stack.*"])


def test_a_topic_that_does_not_exist_is_rejected_when_the_policy_is_enabled():
    rules = [
        Policy("a", nothing, topics=["stack.updatd"]),
        Policy("b", nothing, topics=["stak.*"]),
        Policy("c", nothing, topics=["acme.approval.requested", "acme.approval.*"]),
    ]
    with Workspace.in_memory(policies=rules) as ws:
        with pytest.raises(InvalidPolicy, match=r"did you mean 'stack\.updated'"):
            ws.policies.enable("a")
        with pytest.raises(InvalidPolicy, match=r"did you mean 'stack\.\*'"):
            ws.policies.enable("b")
        ws.policies.enable("c")


def test_only_policies_of_distinct_names_can_be_declared(tmp_path):
    for given in ([nothing], [reasons, reasons], reasons, 5, "reasons", None):
        with pytest.raises(InvalidPolicy):
            Workspace.in_memory(policies=given)
        with pytest.raises(InvalidPolicy):
            Workspace.open(tmp_path, policies=given)


# -- packages


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with policies."""
    site = tmp_path / "site"

    def install_it(entry_points, module, version="1.0", name="acme"):
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[stackfold.policies]\n{entry_points}\n")
        (site / f"{name}_policies.py").write_text(module)
        sys.modules.pop(f"{name}_policies", None)

    monkeypatch.syspath_prepend(str(site))
    yield install_it
    sys.modules.pop("acme_policies", None)


NEVER = """
from stackfold.eventsourcing import policy

@policy("never", topics=["stack.*"])
def never(change):
    change.reject("never")
"""


def test_a_package_provides_a_policy_that_no_query_imports(open_with, install):
    install("never = acme_policies:never", NEVER)
    ws = open_with()
    (view,) = ws.policies.list()
    assert (view.name, view.package, view.version, view.enabled) == ("never", "acme", "1.0", False)
    ws.policies.describe("never")
    stack(ws, "prod")
    assert "acme_policies" not in sys.modules
    view = ws.policies.enable("never")
    assert (view.package, view.version, view.installed) == ("acme", "1.0", "1.0")
    assert rejects(ws, PolicyViolation, lambda: stack(ws, "test")).policy == "never"
    del sys.modules["acme_policies"]
    store(open_with(), "not-governed")
    assert "acme_policies" not in sys.modules


@pytest.mark.parametrize(
    ("entry_points", "module"),
    [
        ("never = acme_policies:never", "raise ImportError('secret=hunter2')"),
        ("never = acme_policies:never", "raise SystemExit(0)"),
        ("never = acme_policies:nothing", NEVER),
        ("never = acme_policies", NEVER),
        ("never = acme_policies:policy", NEVER),
        ("never = ][", NEVER),
        ("always = acme_policies:never", NEVER),
    ],
)
def test_a_careless_package_cannot_be_enabled(open_with, install, entry_points, module):
    install(entry_points, module)
    ws = open_with()
    (view,) = ws.policies.list()
    error = rejects(ws, InvalidPolicy, lambda: ws.policies.enable(view.name))
    assert "hunter2" not in str(error)


def test_a_policy_that_two_packages_provide_is_that_of_the_recorded_one(open_with, install):
    install("never = acme_policies:never", NEVER)
    open_with().policies.enable("never")
    install("never = other_policies:never", "raise ImportError", name="other")
    ws = open_with()
    rejects(ws, PolicyViolation, lambda: stack(ws, "prod"))
    ws.policies.disable("never", "OPS-9")
    with pytest.raises(InvalidPolicy, match="acme and other"):
        ws.policies.enable("never")


# -- other processes

ADD = """
import sys
from stackfold import Workspace
from stackfold.eventsourcing import Policy
from stackfold.errors import StackfoldError

def few(change):
    if len(change.stacks.list()) > 12:
        change.reject("at most twelve stacks")

store, home, name = sys.argv[1:]
few = Policy("few", few, topics=["stack.*"])
with Workspace.open(home or None, store or None, policies=[few]) as ws:
    try:
        ws.policies.enable("few")
    except StackfoldError as error:
        print(type(error).__name__)
    for number in range(12):
        try:
            ws.stacks.copy("default", f"{name}-{number}")
        except StackfoldError as error:
            print(type(error).__name__)
"""


@pytest.mark.slow
def test_racing_processes_never_get_a_violation_in(open_with, place):
    ws = open_with()
    where = (place, "") if place.startswith("postgresql:") else ("", place)
    command = [sys.executable, "-O", "-c", ADD, *where]
    racing = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    printed = "".join(each.communicate()[0] for each in racing)
    assert {each.returncode for each in racing} == {0}
    assert len(ws.stacks.list()) == 12
    assert printed.split().count("NothingToChange") == 1
    assert printed.split().count("PolicyViolation") == 24 - 11
    assert len(ws.policies.history("few")) == 1
    assert_consistent(ws)
