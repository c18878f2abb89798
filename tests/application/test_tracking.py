"""When trackers are told of runs and steps, and what becomes of runs when they are away."""

import json
from pathlib import Path

import pytest
from runnable import single

from stackfold.application.runs.context import get_context
from stackfold.application.secrets import redaction
from stackfold.domain.errors import Invalid, InvalidPipeline, RunFailed, TrackerUnavailable
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.domain.stacks.component_type import ComponentType

TRACKER = ComponentType.EXPERIMENT_TRACKER


class Notes:
    """A stack with trackers of the tests, and what they were told."""

    def __init__(self, ws, folder: Path) -> None:
        self.ws, self.folder = ws, folder
        ws.flavors.register(TRACKER, "own_trackers.Notebook")
        ws.components.register("step_operator", "apart", "local")

    def stack(self, *names: str, **configuration) -> None:
        for name in names:
            (self.folder / name).mkdir()
            configuration = {**configuration, "folder": str(self.folder / name)}
            self.ws.components.register(TRACKER, name, "notebook", configuration)
        self.ws.stacks.register(
            "tracked",
            orchestrator="default",
            artifact_store="default",
            experiment_tracker=[*names],
            step_operator="apart",
        )

    def away(self, name="first"):
        (self.folder / name / "away").touch()

    def back(self, name="first"):
        (self.folder / name / "away").unlink()

    def told(self, name="first"):
        lines = self.folder / name / "lines"
        return (
            [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
        )

    def heard(self, name="first"):
        return [f"{what} {of}" for what, of, _ in self.told(name)]

    def run(self, pipeline, **more):
        return self.ws.runs.describe(self.ws.runs.start(pipeline, stack="tracked", **more).id)

    def latest(self):
        return self.ws.runs.describe(self.ws.runs.list()[0].id)


@pytest.fixture
def notes(workspace, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return Notes(workspace, tmp_path)


@pytest.fixture
def lines(caplog):
    """What was told of trackers."""
    return lambda: [r.getMessage() for r in caplog.records if r.name == "stackfold.trackers"]


def speak() -> int:
    get_context().tracker.log_metrics({"loss": 0.5})
    return 1


def silent() -> int:
    return 1


# -- which steps are tracked, and by what


def test_the_stacks_tracker_is_told_of_each_run_and_of_the_steps_that_speak(notes):
    notes.stack("first")
    run = notes.run(single(speak))
    assert notes.told() == [
        ["begin", run.name, {"parameters": {}, "known": None}],
        ["open", "only", {"native": False, "above": {"page": run.name}}],
        ["metrics", "only", {"loss": 0.5}],
        ["close", "only", {}],
        ["end", run.name, {"status": "completed"}],
    ]
    assert run.metadata == {"experiment_tracker": {"first": {"page": run.name}}}
    assert run.steps[0].metadata["experiment_tracker"] == {"first": {"page": "only"}}


def test_it_is_told_of_parameters_as_json_carries_them(notes):
    @step
    def take(rates) -> int:
        get_context().tracker.log_metrics({"loss": 0.5})
        return len(rates)

    @Pipeline
    def taking(rates):
        take(rates)

    notes.stack("first")
    notes.run(taking, parameters={"rates": {0: (1, Path("x")), "b": {b"y"}}})
    assert notes.told()[0][2]["parameters"] == {"rates": {"0": [1, "x"], "b": ["b'y'"]}}


@pytest.mark.parametrize(
    ("option", "opened"),
    [
        (None, []),
        (False, []),
        (True, ["first"]),
        ("first", ["first"]),
        ("second", ["second"]),
    ],
)
def test_a_step_that_asks_for_a_tracker_is_tracked_from_its_start(notes, option, opened):
    notes.stack("first", "second")
    notes.run(single(silent, experiment_tracker=option))
    assert [name for name in ("first", "second") if "open only" in notes.heard(name)] == opened


def test_only_the_default_tracker_and_those_asked_for_are_told_of_a_run(notes):
    notes.stack("first", "second", "third")
    notes.run(single(silent, experiment_tracker="third"))
    assert (notes.told("second"), len(notes.told("third"))) == ([], 4)
    assert [what for what, *_ in notes.told("first")] == ["begin", "end"]


def test_the_configuration_of_a_run_can_choose(notes):
    notes.stack("first", "second")
    chosen = RunConfiguration.model_validate({"steps": {"only": {"experiment_tracker": "second"}}})
    notes.run(single(silent), configuration=chosen)
    assert "open only" in notes.heard("second")


@pytest.mark.parametrize("option", [True, "second"])
def test_a_stack_without_what_a_step_asks_for_is_refused(notes, option):
    notes.stack(*(["first"] if option == "second" else []))
    with pytest.raises(InvalidPipeline) as caught:
        notes.run(single(silent, experiment_tracker=option))
    assert str(caught.value) in {
        "step 'only' requests an experiment tracker: stack 'tracked' has none",
        "step 'only' requests the experiment tracker 'second': stack 'tracked' has first",
    }


@pytest.mark.parametrize("operator", [False, True])
def test_without_a_tracker_the_last_values_are_recorded_all_the_same(
    notes, lines, operator, tmp_path
):
    notes.stack()
    (tmp_path / "plot.png").touch()

    def work() -> int:
        tracker = get_context().tracker
        tracker.log_metrics({"loss": 1.0, "seen": 1})
        tracker.log_metrics({"loss": float("nan")})
        tracker.log_parameters({"depth": 3, "kind": complex(1, 2)})
        if not operator:
            tracker.log_artifact(tmp_path / "plot.png")
        assert tracker.ids == {}
        return 1

    run = notes.run(single(work, step_operator=operator))
    assert run.steps[0].metadata == {
        "metrics": {"loss": "nan", "seen": 1.0},
        "parameters": {"depth": 3, "kind": "(1+2j)"},
    }
    gone = ["plot.png of step 'only' is not logged: the stack has no experiment tracker"]
    assert lines() == ([] if operator else gone)


@pytest.mark.parametrize(
    ("tell", "words"),
    [
        (lambda t: t.log_artifact("nowhere.txt"), "an artifact that does not exist: nowhere.txt"),
        (lambda t: t.log_model("nowhere", "m"), "an artifact that does not exist: nowhere"),
        (lambda t: t.log_model(object()), "an object of the class object instead of the path"),
        (lambda t: t.log_artifact([1]), "an object of the class list instead of the path"),
    ],
)
def test_what_cannot_be_told_is_refused_in_the_step(notes, tell, words):
    notes.stack("first")

    def work() -> int:
        with pytest.raises(Invalid, match=words):
            tell(get_context().tracker)
        return 1

    notes.run(single(work))


@pytest.mark.parametrize("value", ["low", None, 10**400])
def test_a_metric_that_is_no_number_costs_no_result(notes, caplog, value):
    notes.stack("first")

    def work() -> int:
        get_context().tracker.log_metrics({"loss": value, "seen": 2})
        return 1

    run = notes.run(single(work))
    assert run.steps[0].metadata["metrics"] == {"seen": 2.0}
    assert "step 'only' goes on without a metric 'loss' that is no number" in caplog.text


def test_the_value_of_a_secret_is_told_to_no_tracker(notes, monkeypatch):
    monkeypatch.setattr(redaction, "_shown", {})
    monkeypatch.setattr(redaction, "_pattern", None)
    notes.stack("first")

    def work(address: str) -> int:
        get_context().tracker.log_parameters({"url": "postgres://hunter22@db"})
        return 1

    only = step(work)

    @Pipeline
    def alone(address: str = "at hunter22"):
        only(address)

    redaction.remember("hunter22", "{{db.password}}")
    notes.run(alone)
    assert "hunter22" not in json.dumps(notes.told())
    assert ["parameters", "work", {"url": "postgres://{{db.password}}@db"}] in notes.told()


# -- how runs and steps end


def test_a_step_that_fails_is_told(notes):
    notes.stack("first")

    def fail() -> int:
        speak()
        raise ValueError("no")

    with pytest.raises(RunFailed):
        notes.run(single(fail))
    assert notes.told()[-2:] == [
        ["close", "only", {"error": "ValueError"}],
        ["end", notes.latest().name, {"status": "failed"}],
    ]


def test_a_run_that_is_cancelled_is_told(notes):
    notes.stack("first")

    def stop() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        notes.run(single(stop))
    assert notes.told()[-1] == ["end", notes.latest().name, {"status": "cancelled"}]


def test_a_run_that_goes_on_is_known_already(notes, tmp_path):
    notes.stack("first")

    def work() -> int:
        if not (tmp_path / "mended").exists():
            raise ValueError("not yet")
        return 1

    pipeline = single(work)
    with pytest.raises(RunFailed):
        notes.run(pipeline)
    run = notes.latest()
    (tmp_path / "mended").touch()
    notes.ws.runs.resume(run.id, pipeline)
    begins = [told for what, _, told in notes.told() if what == "begin"]
    assert [each["known"] for each in begins] == [None, {"page": run.name}]
    assert notes.told()[-1] == ["end", run.name, {"status": "completed"}]


# -- trackers that are away


def test_a_run_goes_on_without_a_tracker_that_is_away(notes, lines):
    notes.stack("first")
    notes.away()
    run = notes.run(single(speak))
    problem = "the experiment tracker at the notebook cannot be used: it is at home"
    assert run.status == "completed"
    assert run.metadata == {"experiment_tracker": {"first": {"problem": problem}}}
    assert run.steps[0].metadata == {"metrics": {"loss": 0.5}}
    assert lines() == [f"the run goes on without 'first': {problem}"]


def test_one_tracker_that_is_away_is_in_no_others_way(notes):
    notes.stack("first", "second")
    notes.away("first")
    run = notes.run(single(speak, experiment_tracker="second"))
    assert "metrics only" in notes.heard("second")
    assert run.metadata["experiment_tracker"]["second"] == {"page": run.name}


def test_a_step_goes_on_when_its_tracker_goes_away(notes, lines):
    notes.stack("first")

    def work() -> int:
        tracker = get_context().tracker
        tracker.log_metrics({"loss": 1.0})
        notes.away()
        tracker.log_metrics({"loss": 0.5})
        tracker.log_metrics({"loss": 0.25})
        notes.back()
        tracker.log_metrics({"loss": 0.125})
        return 1

    run = notes.run(single(work))
    assert [told for what, _, told in notes.told() if what == "metrics"] == [
        {"loss": 1.0},
        {"loss": 0.125},
    ]
    (recorded,) = run.steps
    assert recorded.metadata["metrics"] == {"loss": 0.125}
    assert recorded.metadata["experiment_tracker"]["first"] == {
        "page": "only",
        "problem": "the experiment tracker at the notebook cannot be used: it is at home",
    }
    assert len(lines()) == 1


def test_a_step_that_cannot_be_opened_or_closed_goes_on_too(notes, lines):
    notes.stack("first")

    def work() -> int:
        notes.away()
        speak()
        return 1

    @Pipeline
    def both():
        step(name="one")(work)()
        step(name="two", experiment_tracker=True)(silent)()

    assert notes.run(both).status == "completed"
    assert len(lines()) == 3, "two steps, and the end of the run"


@pytest.mark.parametrize("moment", ["begin", "open", "tell", "close"])
def test_a_strict_tracker_fails_the_run(notes, moment):
    notes.stack("first", strict=True)

    def work() -> int:
        if moment == "open":
            notes.away()
        speak()
        if moment != "open":
            notes.away()
        if moment == "tell":
            speak()
        return 1

    if moment == "begin":
        notes.away()
    with pytest.raises(RunFailed, match="it is at home") as caught:
        notes.run(single(work))
    assert isinstance(caught.value.__cause__, TrackerUnavailable)
    run = notes.latest()
    assert run.status == "failed"
    assert [each.status for each in run.steps] == ["skipped" if moment == "begin" else "failed"]


def test_a_strict_tracker_that_does_not_know_how_the_run_ended_fails_it(notes):
    notes.stack("first", strict=True)

    def work() -> int:
        return 1

    def leave(_):
        notes.away()

    with pytest.raises(RunFailed, match="it is at home"):
        notes.run(single(work, on_end=leave))
    run = notes.latest()
    assert (run.status, [each.status for each in run.steps]) == ("failed", ["completed"])


def test_what_the_step_raises_counts_more_than_a_strict_tracker(notes):
    notes.stack("first", strict=True)

    def work() -> int:
        speak()
        notes.away()
        raise ValueError("of the step")

    with pytest.raises(RunFailed, match="ValueError: of the step"):
        notes.run(single(work))
