"""Gates that are functions: named in the log, imported only if declared or allowed here."""

import sys

import pytest

from stackfold import get_context, pipeline, step
from stackfold.domain.errors import Conflict, Invalid, NotFound, PromotionRefused
from stackfold.infrastructure.workspace import Workspace

CHECKS = """
def fair(version, current):
    beaten = current.metrics["fairness"] if current else 0
    if version.metrics["fairness"] <= beaten:
        return f"is not fairer than {current.number}"

def strict(version, current):
    return version.number > 2

def broken(version, current):
    raise OSError("password=hunter2")

def wrong(version, current):
    return 3

limit = 3
"""


@step
def train(fairness: float) -> float:
    get_context().log_metadata({"fairness": fairness})
    return fairness


@pipeline(model="fraud")
def training(fairness: float):
    train(fairness)


@pytest.fixture
def ws(cli):
    with Workspace.open() as workspace:
        for fairness in (0.8, 0.7, 0.9):
            workspace.runs.start(training, {"fairness": fairness})
        yield workspace


@pytest.fixture
def checks(tmp_path, monkeypatch):
    """The name of a module in the folder `code`, which is the current one."""
    name = f"checks_{tmp_path.name}"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / f"{name}.py").write_text(CHECKS)
    monkeypatch.chdir(tmp_path / "code")
    monkeypatch.setattr(sys, "path", [*sys.path])  # which gets the folder of a function
    yield name
    sys.modules.pop(name, None)


def elsewhere(checks, tmp_path, monkeypatch):
    """Let the next command be as in a new process, in another folder."""
    sys.modules.pop(checks, None)
    sys.path[:] = [each for each in sys.path if "pytest-" not in each]
    monkeypatch.chdir(tmp_path / "here")


def test_a_function_judges_beside_a_rule(ws, cli, checks, tmp_path, monkeypatch):
    gate = f"fairness >= 0.5 and {checks}:fair"
    assert cli.ok("model", "gate", "fraud", gate, "-m", "agreed") == (
        f"model 'fraud', revision 2: gate to production: {gate}\n"
    )
    elsewhere(checks, tmp_path, monkeypatch)
    cli.ok("model", "promote", "fraud", "1")
    refused = cli.fails("model", "promote", "fraud", "2")
    assert f"fraud@2 may not be production: {checks}:fair: is not fairer than 1" in refused
    cli.ok("model", "promote", "fraud", "3")
    third, second, first = ws.models.verdicts("fraud")
    assert [each.rule for each in (third, second, first)] == [gate] * 3
    assert [each.outcome for each in (third, second, first)] == ["passed", "refused", "passed"]
    assert second.findings == ["fairness >= 0.5: 0.7 >= 0.5 is true"]
    assert second.failures == [f"{checks}:fair: is not fairer than 1"]
    assert first.findings[1] == f"{checks}:fair: passed"


def test_a_function_is_named_for_one_promotion(ws, cli, checks):
    strict = f"{checks}:strict"
    refused = cli.fails("model", "promote", "fraud", "2", "--gate", strict)
    assert f"{strict}: it returned False" in refused
    cli.ok("model", "promote", "fraud", "3", "--gate", strict)
    ws.models.set_gate("fraud", "fairness > 0.7")
    cli.ok(
        "model", "promote", "fraud", "1", "--gate", f"{checks}:fair", "--force", "-m", "so be it"
    )
    verdict = ws.models.verdicts("fraud")[0]
    assert (verdict.rule, verdict.outcome) == (f"fairness > 0.7 and {checks}:fair", "forced")


def test_what_only_a_log_names_is_not_imported(ws, cli, checks, tmp_path, monkeypatch):
    """As for a colleague on the same log, where the current folder has a file of that name."""
    cli.ok("model", "gate", "fraud", f"{checks}:fair")
    (tmp_path / "home" / "gate_functions.json").unlink()
    elsewhere(checks, tmp_path, monkeypatch)
    executed = tmp_path / "executed"
    trap = tmp_path / "here" / f"{checks}.py"
    trap.write_text(f"open({str(executed)!r}, 'w').close()\n{CHECKS}")
    sys.path.insert(0, str(tmp_path / "here"))
    refused = cli.fails("model", "promote", "fraud", "1")
    assert f"there is no gate '{checks}:fair': it is not allowed here" in refused
    with pytest.raises(NotFound):
        ws.models.set_gate("fraud", f"{checks}:strict")
    assert not executed.exists()
    assert ws.models.get("fraud").aliases == {}
    # An emergency does not wait for the function, and the log says so.
    cli.ok("model", "promote", "fraud", "1", "--force", "-m", "an emergency")
    (verdict,) = ws.models.verdicts("fraud")
    assert verdict.outcome == "forced"
    assert "it was not asked: there is no gate" in verdict.failures[0]
    assert not executed.exists()
    # Naming it allows it.
    cli.ok("model", "promote", "fraud", "3", "--gate", f"{checks}:fair")
    assert executed.exists()
    assert "unchanged" in cli.ok("model", "gate", "fraud", f"{checks}:fair")


def test_a_package_declares_functions(ws, checks, tmp_path):
    ws.models.allow_gate(f"{checks}:fair")
    ws.models.set_gate("fraud", f"{checks}:fair")
    (tmp_path / "home" / "gate_functions.json").unlink()
    with pytest.raises(NotFound):
        ws.models.promote("fraud", 1)
    info = tmp_path / "code" / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[stackfold.gates]\nfair = {checks}:fair\n")
    sys.path.insert(0, str(tmp_path / "code"))
    assert ws.models.promote("fraud", 1).aliases == ["production"]


def test_a_program_gives_the_function_that_the_gate_names(ws, checks, tmp_path):
    ws.models.allow_gate(f"{checks}:fair")
    ws.models.set_gate("fraud", f"{checks}:fair")
    (tmp_path / "home" / "gate_functions.json").unlink()
    seen = []
    asked = sys.modules[checks].fair
    ws.models.promote("fraud", 1, gate=asked)

    def fair(version, current):
        seen.append(version.number)

    fair.__module__, fair.__qualname__ = checks, "fair"
    ws.models.promote("fraud", 2, gate=fair)
    assert seen == [2]
    assert ws.models.verdicts("fraud")[0].rule == f"{checks}:fair"


def test_a_function_that_raises_does_not_pass(ws, cli, checks):
    broken = f"{checks}:broken"
    ws.models.allow_gate(broken)
    with pytest.raises(PromotionRefused, match=r"broken: it raised OSError \(") as refused:
        ws.models.promote("fraud", 1, gate=broken)
    assert isinstance(refused.value.__cause__, OSError)
    assert "hunter2" not in repr([*ws.log.events()])
    assert "Traceback" not in cli.fails(
        "model", "promote", "fraud", "1", "--gate", f"{checks}:broken"
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("{}:nothing", "has no function"),
        ("{}:limit", "has no function"),
        ("nowhere_{}:fair", "no module"),
        ("{}:wrong", "returned int"),
        ("fairness > 0.5", "names no gate"),
        ("{}", "NAME OPERATOR VALUE"),
    ],
)
def test_a_name_that_is_no_function_is_an_error(ws, cli, checks, name, problem):
    told = cli.fails("model", "promote", "fraud", "1", "--gate", name.format(checks))
    assert problem in told


def test_a_module_that_fails_on_import_is_one_line(ws, cli, checks, tmp_path):
    (tmp_path / "code" / f"{checks}.py").write_text("raise SystemExit('no\\nlicence')")
    told = cli.fails("model", "gate", "fraud", f"{checks}:fair")
    assert f"importing {checks} failed: SystemExit: no licence" in told
    with pytest.raises(Invalid):
        ws.models.allow_gate(f"{checks}:fair")


def test_a_gate_that_changes_meanwhile_is_judged_again(ws, checks):
    ws.models.allow_gate(f"{checks}:fair and {checks}:strict")
    ws.models.set_gate("fraud", f"{checks}:fair")
    asked = []

    def gate(version, current):
        asked.append(version.number)
        if len(asked) == 1:
            ws.models.set_gate("fraud", f"{checks}:fair and {checks}:strict")

    with pytest.raises(PromotionRefused, match="strict: it returned False"):
        ws.models.promote("fraud", 1, gate=gate)
    assert asked == [1, 1]


def test_a_moved_module_is_named_again(ws, cli, checks, tmp_path, monkeypatch):
    cli.ok("model", "gate", "fraud", f"{checks}:fair")
    (tmp_path / "code").rename(tmp_path / "moved")
    elsewhere(checks, tmp_path, monkeypatch)
    assert "no longer installed or in" in cli.fails("model", "promote", "fraud", "1")
    monkeypatch.chdir(tmp_path / "moved")
    cli("model", "gate", "fraud", f"{checks}:fair")
    elsewhere(checks, tmp_path, monkeypatch)
    cli.ok("model", "promote", "fraud", "1")


def test_a_damaged_list_is_one_line(ws, cli, checks, tmp_path):
    cli.ok("model", "gate", "fraud", f"{checks}:fair")
    (tmp_path / "home" / "gate_functions.json").write_text("[]")
    assert "is damaged: delete it" in cli.fails("model", "promote", "fraud", "1")


def test_rules_that_are_no_gates_are_rejected(ws):
    for rule in ("checks:", ":fair", "a:b:c", "checks:fair or x > 1", "checks:fair and", "a b:c"):
        with pytest.raises((Invalid, Conflict)):
            ws.models.set_gate("fraud", rule)
