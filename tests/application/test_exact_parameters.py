"""What is recorded of parameters, read back, is what the steps got: wherever it is read."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import BaseModel

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration


@dataclass
class Base:
    name: str = "b"


@dataclass
class Derived(Base):
    depth: int = 1


class Model(BaseModel):
    base: Base


@step
def tell(it, base: Base = Base(), rates=(0.5,)) -> str:  # noqa: B008
    return repr((it, base, rates))


@Pipeline
def telling(it=None, base: Base = Base()):  # noqa: B008
    tell(it, base)


VALUE = {0: 1.0, "a": (1, 2), "path": Path("x"), "zone": ZoneInfo("Europe/Berlin"), "set": {3}}
TOLD = repr((VALUE, Derived("d", 3), (0.5,)))
NEVER_CACHED = RunConfiguration(enable_cache=False)


def started(runs, **more):
    return runs.start(telling, {"it": VALUE, "base": Derived("d", 3)}, **more)


def test_a_step_gets_what_was_given_and_so_does_a_rerun(runs):
    first = started(runs)
    assert runs.load(first.id, "tell") == TOLD
    again = runs.rerun(first.id, telling)
    assert runs.describe(again.id).steps[0].status == "cached"
    rerun = runs.start(telling, {"it": 1}, configuration=NEVER_CACHED)
    assert runs.load(rerun.id, "tell") == repr((1, Base(), (0.5,)))


def test_a_run_that_is_described_tells_the_values(runs):
    described = runs.describe(started(runs).id)
    assert described.parameters == {"it": VALUE, "base": Derived("d", 3)}
    (told,) = described.steps
    assert told.parameters == {"it": VALUE, "base": Derived("d", 3), "rates": (0.5,)}
    assert told.parameter_form == described.parameter_form == "exact"


def test_two_values_never_share_a_result(runs):
    values = [
        (1, 2), [1, 2], {1, 2}, "x", b"x", Path("x"), {1: "a"}, {"1": "a"}, 1, True, 1.0, -0.0, 0.0,
        Base(), Derived(), Model(base=Base()), Model(base=Derived()), {"name": "b"},
        {"a": 1, "b": 2}, {"b": 2, "a": 1},
    ]  # fmt: skip
    for value in values:
        run = runs.start(telling, {"it": value})
        assert runs.load(run.id, "tell") == repr((value, Base(), (0.5,)))
        assert runs.describe(run.id).steps[0].status == "completed"
    for value in values:
        assert runs.describe(runs.start(telling, {"it": value}).id).steps[0].status == "cached"


def test_the_parameters_of_steps_in_a_configuration_are_recorded_exactly_too(runs):
    chosen = {"rates": (np.float64(0.5), {1: None}), "base": Derived(depth=9)}
    configuration = RunConfiguration.model_validate({"steps": {"tell": {"parameters": chosen}}})
    first = runs.start(telling, {"it": 1}, configuration=configuration)
    told = repr((1, Derived(depth=9), (0.5, {1: None})))
    assert runs.load(first.id, "tell") == told
    again = runs.rerun(first.id, telling)
    assert runs.load(again.id, "tell") == told
    assert runs.describe(again.id).configuration == {
        "steps": {"tell": {"parameters": {"rates": (0.5, {1: None}), "base": Derived(depth=9)}}}
    }


def test_a_difference_of_kind_is_told(runs):
    first, second = (runs.start(telling, {"it": each}) for each in ((1, 2), [1, 2]))
    (reason,) = runs.why(second.id)
    assert reason.reason == "parameter 'it': (1, 2) -> [1, 2]"
    changes = runs.diff(first.id, second.id).differences
    told = [(each.field, each.before, each.after) for each in changes if each.about == "parameters"]
    assert told == [("it", "(1, 2)", [1, 2]), ("tell.it", "(1, 2)", [1, 2])]


# -- as older versions recorded it


@pytest.fixture
def old(ws):
    """A run as it was recorded when parameters were mere JSON."""
    chosen = RunConfiguration.model_validate({"steps": {"tell": {"parameters": {"rates": [1]}}}})
    run = ws.runs.start(telling, {"it": {"$in": [1]}, "base": Base("d")}, configuration=chosen)
    plain = {"it": {"$in": [1]}, "base": {"name": "d"}}
    with ws._database.write() as cursor:
        shared = ws._database.shared
        cursor.execute(
            "ALTER TABLE events DISABLE TRIGGER USER"
            if shared
            else "DROP TRIGGER events_stay_as_they_are"
        )
        found = cursor.execute(
            "SELECT position, topic, state FROM events WHERE topic LIKE 'run.%'"
        ).fetchall()
        for position, topic, state in found:
            old = json.loads(bytes(state))
            if old.pop("parameter_form", None):
                old |= {"key": "0" * 64} if "key" in old else {}
                old["parameters"] = plain | ({"rates": [1]} if topic != "run.started" else {})
            cursor.execute(
                "UPDATE events SET state = ? WHERE position = ?",
                [json.dumps(old).encode(), position],
            )
    ws.log.rebuild()
    return run


def test_a_run_of_an_older_version_is_read_as_it_was_recorded(ws, old):
    described = ws.runs.describe(old.id)
    assert described.parameters == {"it": {"$in": [1]}, "base": {"name": "d"}}
    assert described.parameter_form == described.steps[0].parameter_form == "plain"
    again = ws.runs.rerun(old.id, telling)
    assert ws.runs.load(again.id, "tell") == repr(({"$in": [1]}, Base("d"), [1]))
    assert not [e for e in ws.runs.diff(old.id, again.id).differences if e.about == "parameters"]


def test_why_says_that_keys_have_a_new_form(ws, old):
    again = ws.runs.rerun(old.id, telling)
    (reason,) = ws.runs.why(again.id)
    assert reason.status == "completed"
    assert reason.reason == "keys have a new form since that run: each step is executed once more"


# -- a default is not shared


def test_what_a_step_does_to_its_default_is_over_when_it_ends(runs):
    @step(enable_cache=False)
    def grow(rows=[]) -> int:  # noqa: B006
        rows.append(1)
        return len(rows)

    @Pipeline
    def growing():
        grow()
        grow()

    for _ in range(2):
        run = runs.start(growing)
        assert [runs.load(run.id, name) for name in ("grow", "grow_2")] == [1, 1]
        assert [each.parameters for each in runs.describe(run.id).steps] == [{"rows": []}] * 2


# -- in other processes

PROGRAM = """
import sys
from dataclasses import dataclass
from stackfold import RunConfiguration, Workspace, pipeline, step

never = RunConfiguration(enable_cache=False)

@dataclass
class Base:
    name: str = "b"

@dataclass
class Derived(Base):
    depth: int = 1

@step
def tell(it, base: Base) -> str:
    import os
    if os.environ.get("FAIL"):
        raise ValueError("not yet")
    return repr((sorted(map(str, it)), type(it).__name__, base))

@pipeline
def telling(it, base: Base):
    tell(it, base)

if __name__ == "__main__":
    given = {"it": {*"abcdef", (1, 2)}, "base": Derived(depth=3)}
    if sys.argv[1:] == ["process"]:
        with Workspace.open() as ws:
            ws.components.register("orchestrator", "apart", "local", {"isolation": "process"})
            ws.stacks.register("apart", orchestrator="apart", artifact_store="default")
        print(telling.run(**given, stack="apart", configuration=never).load("tell"))
    else:
        telling(**given)
"""
SAID = "(['(1, 2)', 'a', 'b', 'c', 'd', 'e', 'f'], 'set', Derived(name='b', depth=3))"


@pytest.fixture
def script(tmp_path):
    """Runs the program, or a command, in a process of its own; returns what it printed."""
    (tmp_path / "main.py").write_text(PROGRAM)

    def run(*command, **variables):
        done = subprocess.run(
            [sys.executable, *command],
            env={
                "STACKFOLD_HOME": str(tmp_path / "home"),
                "STACKFOLD_QUIET": "1",
                "PATH": "",
                **variables,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    return run


def described(script, name):
    return json.loads(script("-m", "stackfold", "run", "describe", name, "--output", "json"))


def names(script):
    """The runs, the latest first."""
    listed = json.loads(script("-m", "stackfold", "run", "list", "--output", "json"))
    return [each["name"] for each in listed]


@pytest.mark.slow
def test_other_processes_read_the_same_and_find_it_in_the_cache(script):
    script("main.py", PYTHONHASHSEED="1")
    script("main.py", PYTHONHASHSEED="2")
    cached, executed = (described(script, name) for name in names(script))
    assert [each["steps"][0]["status"] for each in (executed, cached)] == ["completed", "cached"]
    assert executed["parameters"] == {
        "it": ["a", "b", "c", "d", "e", "f", [1, 2]],
        "base": {"name": "b", "depth": 3},
    }
    assert script("main.py", "process", PYTHONHASHSEED="3") == f"{SAID}\n"


@pytest.mark.slow
def test_a_run_is_resumed_and_repeated_with_the_very_values(script):
    script("main.py", FAIL="yes")
    (name,) = names(script)
    for command in ("resume", "rerun"):
        script("-m", "stackfold", "run", command, name, PYTHONHASHSEED="1")
        assert described(script, names(script)[0])["status"] == "completed"
        shown = script("-m", "stackfold", "artifact", "load", "telling/tell/output")
        assert shown == f"{SAID}\n"


@pytest.mark.slow
def test_a_class_that_the_pipelines_code_has_no_more_is_refused_in_one_line(script, tmp_path):
    script("main.py")
    (tmp_path / "main.py").write_text(PROGRAM.replace("Derived", "Other"))
    (name,) = names(script)
    assert script("-m", "stackfold", "run", "rerun", name) == (
        "error: the recorded parameter 'base' of pipeline 'telling' was a main.Derived, which "
        "the pipeline's module does not provide: define or import it there\n"
    )


def test_a_parameter_that_cannot_be_recorded_leaves_no_run(runs):
    with pytest.raises(InvalidPipeline, match="'it' of pipeline 'telling' cannot be recorded"):
        runs.start(telling, {"it": object()})
    assert runs.list() == []
