"""`stackfold doctor` finds what does not work, and says what to do about it."""

import pytest
from history.homes import opened_by_force

from stackfold.infrastructure.database.schema_version import SCHEMA

CHECKS = [
    "version", "home", "project", "log", "hashes", "clock", "active stack", "flavors", "packages",
]  # fmt: skip


def findings(cli, code=0):
    """Check → status and text; the exit code must be as given."""
    answer = cli("doctor", "-o", "csv")
    assert answer.code == code
    rows = [line.split(",", 2) for line in answer.out.splitlines()[1:]]
    return {check: (status, found) for check, status, found in rows}


def changed(home, *statements):
    with opened_by_force(home) as connection:
        for each in statements:
            connection.execute(each)


@pytest.fixture
def home(cli, tmp_path):
    """A home with a log."""
    cli.ok("status")
    return tmp_path / "home"


def test_a_new_home_has_no_problem(cli, home):
    found = findings(cli)
    assert list(found) == CHECKS
    assert {status for status, _ in found.values()} == {"ok"}


def test_each_check_is_one_line(cli, home):
    lines = cli.ok("doctor").splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * len(CHECKS)
    assert f"log.sqlite has 4 events, schema version {SCHEMA}" in lines[3]


def test_an_active_stack_that_does_not_exist_is_a_problem(cli, home, monkeypatch):
    monkeypatch.setenv("STACKFOLD_ACTIVE_STACK", "nope")
    status, found = findings(cli, code=1)["active stack"]
    assert status == "problem"
    assert "there is no stack 'nope'" in found


def test_a_component_whose_packages_are_missing_is_a_warning(cli, home):
    cli.ok("model-deployer", "register", "serving", "-f", "seldon")
    status, found = findings(cli)["packages"]
    assert status == "warning"
    assert "model deployer 'serving' cannot be used here" in found
    assert "`stackfold integration install seldon`" in found


def test_a_changed_event_is_a_problem(cli, home):
    changed(
        home,
        "UPDATE events SET state = replace(state, 'first', 'third') WHERE position = 2",
    )
    status, found = findings(cli, code=1)["hashes"]
    assert status == "problem"
    assert "#2 was changed" in found
    assert "`stackfold log verify`" in found


def test_a_log_of_a_newer_version_is_a_problem(cli, home):
    changed(home, f"PRAGMA user_version = {SCHEMA + 1}")
    found = findings(cli, code=1)
    assert list(found)[-1] == "log"
    assert found["log"][0] == "problem"
    assert "upgrade" in found["log"][1]


def test_a_home_that_others_can_enter_is_a_warning(cli, home):
    home.chmod(0o755)
    status, found = findings(cli)["home"]
    assert (status, "chmod -R go-rwx" in found) == ("warning", True)


def test_a_project_that_belongs_to_another_user_says_how_to_trust_it(cli, home, monkeypatch):
    cli.ok("init")
    monkeypatch.setattr(
        "stackfold.infrastructure.system.trust._why_untrusted", lambda *_: "it belongs to eve"
    )
    found = findings(cli, code=1)
    assert found["project"][0] == "problem"
    assert "`stackfold trust" in found["project"][1]


def test_what_keeps_the_active_stack_from_working_is_a_problem_with_its_fix(cli, home):
    cli.ok("model-deployer", "register", "serving", "-f", "seldon")
    cli.ok("stack", "register", "prod", "-o", "default", "-a", "default", "-d", "serving", "--set")
    status, found = findings(cli, code=1)["active stack"]
    assert status == "problem"
    assert found.startswith("'prod': ")
    assert "`stackfold" in found or "stackfold integration install" in found
