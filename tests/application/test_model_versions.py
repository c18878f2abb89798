"""Versions gather several runs, have names, and are inputs of other pipelines."""

import subprocess
import sys
from itertools import pairwise
from typing import Annotated

import pytest

from stackfold import Workspace
from stackfold.application.runs.context import get_context
from stackfold.domain.errors import (
    FromAnotherStack,
    Invalid,
    NameTaken,
    NotFound,
    RunFailed,
)
from stackfold.domain.pipelines.declared_model import Model
from stackfold.domain.pipelines.earlier_inputs import artifact, model
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.pipeline import Pipeline, step

failing = set()


@pytest.fixture(autouse=True)
def fresh():
    failing.clear()


@step
def train(auc: float) -> float:
    return auc


@step
def evaluate(model: float) -> None:
    if model in failing:
        raise ValueError("no luck")
    get_context().log_metadata({"auc": model})


def training(auc: float = 0.9):
    evaluate(train(auc))


PIPELINE = Pipeline(training, model="fraud")


@pytest.fixture
def models(ws):
    return ws.models


def trained(ws, *values):
    return [ws.runs.start(PIPELINE, {"auc": each}) for each in values]


def states(models):
    return {each.number: (each.status, *each.aliases) for each in models.versions("fraud")}


def continuing(version):
    return Pipeline(lambda: evaluate(0.5), name="again", model=Model("fraud", version=version))


def test_a_run_continues_a_version(ws, models):
    trained(ws, 0.9, 0.91)
    models.promote("fraud", 1)
    run = ws.runs.start(continuing("production"))
    assert run.model_version == "fraud@1"
    assert [each.number for each in models.versions("fraud")] == [2, 1]
    described = models.describe_version("fraud", 1)
    assert described.runs == [described.run, run.name]
    assert described.metrics == {"auc": 0.5}
    assert ws.artifacts.load("fraud@production") == 0.9
    with pytest.raises(NotFound):
        ws.runs.start(continuing("staging"))


def test_a_run_that_continues_a_version_does_not_complete_it(ws, models):
    failing.add(0.9)
    with pytest.raises(RunFailed):
        trained(ws, 0.9)
    ws.runs.start(continuing("1"))
    assert [each.status for each in models.versions("fraud", all=True)] == ["open"]


def test_metrics_of_a_run_that_failed_do_not_count(ws, models):
    trained(ws, 0.9)
    failing.add(0.5)
    with pytest.raises(RunFailed):
        ws.runs.start(continuing("1"))
    assert models.version("fraud", 1).metrics == {"auc": 0.9}


def test_a_version_has_a_name_of_its_own(ws, models):
    labeled = PIPELINE.with_options(model=Model("fraud", label="spring-{date}", tags=["eu"]))
    run = ws.runs.start(labeled)
    (version,) = models.versions("fraud")
    assert version.label == f"spring-{run.started[:10]}"
    assert version.tags == ["eu"]
    assert models.version("fraud", version.label).number == 1
    assert ws.artifacts.load(f"fraud@{version.label}") == 0.9
    with pytest.raises(NameTaken, match="number 1: continue it"):
        ws.runs.start(labeled)
    assert len(ws.runs.list()) == 1


def test_the_first_run_registers_the_model_with_its_card(ws, models):
    declared = Model("fraud", description="Finds fraud", license="MIT", ethics="none")
    ws.runs.start(PIPELINE.with_options(model=declared))
    view = models.update("fraud", card={"license": "", "audience": "banks"})
    assert view.description == "Finds fraud"
    assert view.card == {"audience": "banks", "ethics": "none"}
    assert [each.field for each in models.diff("fraud")] == ["card license", "card audience"]
    ws.undo()
    assert models.get("fraud").card == {"license": "MIT", "ethics": "none"}
    with pytest.raises(Invalid, match="no 'licence': give license"):
        models.update("fraud", card={"licence": "MIT"})


@step(enable_cache=False)
def who_am_i() -> str:
    return str(get_context().model)


def asking():
    who_am_i()


def test_a_step_knows_the_version(ws, models):
    run = ws.runs.start(Pipeline(asking, model="fraud"))
    assert ws.runs.load(run.id, "who_am_i") == "fraud@1"
    run = ws.runs.start(Pipeline(asking))
    assert ws.runs.load(run.id, "who_am_i") == "None"
    assert run.model_version is None


@pytest.mark.parametrize(
    "declared", ["a b", "fraud@", {"name": "fraud", "licence": "MIT"}, {"version": "1"}, 7]
)
def test_a_declaration_of_a_model_is_checked(declared):
    with pytest.raises(Invalid):
        PIPELINE.with_options(model=declared)


@step
def several(
    auc: float,
) -> tuple[Annotated[float, "weights", Output("weights", model=True)], Annotated[float, "scaler"]]:
    return auc, auc + 1


@step
def predict(model: float, scaler: float) -> float:
    return model * scaler


def making(auc: float = 0.9):
    several(auc)


def batch(version: str = "production"):
    predict(model(f"fraud@{version}"), model(f"fraud@{version}")["scaler"])


SEVERAL = Pipeline(making, model="fraud")
BATCH = Pipeline(batch)


def test_a_version_is_an_input_of_a_step_and_pinned(ws, models):
    ws.runs.start(SEVERAL)
    models.promote("fraud", 1)
    first = ws.runs.start(BATCH)
    assert ws.runs.load(first.id, "predict") == pytest.approx(0.9 * 1.9)
    ws.runs.start(SEVERAL, {"auc": 0.5})
    models.promote("fraud", 2)
    assert ws.artifacts.load("fraud@production") == 0.5
    again = ws.runs.rerun(first.id, BATCH)
    assert ws.runs.load(again.id, "predict") == pytest.approx(0.9 * 1.9)
    fresh = ws.runs.rerun(first.id, BATCH, fresh_inputs=True)
    assert ws.runs.load(fresh.id, "predict") == pytest.approx(0.5 * 1.5)
    assert "making/several/scaler@1" in str(ws.artifacts.lineage("batch/predict@1").upstream)
    assert ws.runs.start(BATCH, {"version": "1"}).status == "completed"
    assert ws.runs.describe("latest").steps[0].status == "cached"


def test_a_version_of_the_past_is_loaded(ws, models):
    trained(ws, 0.9, 0.8)
    models.promote("fraud", 1)
    then = models.history("fraud", 1)[0].position
    models.promote("fraud", 2)
    assert ws.artifacts.load("fraud@production") == 0.8
    assert ws.artifacts.load("fraud@production", as_of=then) == 0.9
    before = ws.runs.describe("latest").position - 1
    assert ws.artifacts.describe("training/train", as_of=before).version == 1
    with pytest.raises(NotFound):
        ws.artifacts.load("fraud@production", as_of=then - 1)


def test_a_version_that_is_not_promoted_is_taken_from_its_own_stack(ws, models):
    ws.runs.start(SEVERAL)
    ws.stacks.copy("default", "prod")
    ws.stacks.activate("prod")
    with pytest.raises(FromAnotherStack, match="made on stack 'default', not on 'prod'"):
        ws.runs.start(BATCH, {"version": "1"})
    allowed = {"from_stack": "default"}
    run = ws.runs.start(BATCH, {"version": "1"}, configuration=allowed)
    assert ws.runs.rerun(run.id, BATCH, fresh_inputs=True).status == "completed"
    models.promote("fraud", 1, "champion")
    assert ws.runs.start(BATCH, {"version": "1"}).status == "completed"


def test_an_alias_of_an_artifact_is_a_promotion(ws, models):
    ws.runs.start(SEVERAL)
    ws.stacks.copy("default", "prod")
    ws.stacks.activate("prod")
    taking = Pipeline(lambda: evaluate(artifact("weights@1")), name="taking")
    with pytest.raises(FromAnotherStack):
        ws.runs.start(taking)
    ws.artifacts.alias("weights@1", "approved")
    assert ws.runs.start(taking).status == "completed"


def test_no_artifact_and_model_share_a_name(ws, models):
    ws.runs.start(SEVERAL)
    with pytest.raises(NameTaken, match="as NAME@VERSION would mean both"):
        models.register("weights")
    with pytest.raises(NameTaken):
        models.rename("fraud", "weights")
    with pytest.raises(NameTaken):
        ws.runs.start(PIPELINE.with_options(model="weights"))
    models.register("free")
    ws.runs.delete("latest")
    models.register("weights")
    before = len([*ws.log.events()])
    with pytest.raises(NameTaken, match="a model named 'weights' exists already"):
        ws.runs.start(SEVERAL)
    assert len([*ws.log.events()]) == before


def test_versions_are_found_by_rules_and_compared_between_models(ws, models):
    trained(ws, 0.9, 0.8, 0.95)
    models.promote("fraud", 1)
    assert [each.number for each in models.versions("fraud", where="auc > production.auc")] == [3]
    assert [each.number for each in models.versions("fraud", where="auc < 0.92", limit=1)] == [2]
    assert models.versions("fraud", where="loss > 0") == []
    with pytest.raises(Invalid):
        models.versions("fraud", where="auc")
    ws.runs.start(PIPELINE.with_options(model="churn"), {"auc": 0.7})
    compared = {each.field: each.values for each in models.compare("fraud", [1, "churn@1"])}
    assert compared["auc"] == [0.9, 0.7]


def test_the_past_says_what_a_promoted_version_was_made_of(ws, models):
    ws.runs.start(SEVERAL)
    ws.artifacts.alias("weights@1", "approved")
    made = Pipeline(lambda: evaluate(artifact("weights@approved")), name="tuning", model="tuned")
    run = ws.runs.start(made)
    models.promote("tuned", 1, why="first one")
    then = models.history("tuned", 1)[0].position
    models.remove_alias("tuned", "production")
    assert models.describe("tuned").promotions == []
    (promotion,) = models.describe("tuned", then).promotions
    assert (promotion.number, promotion.by, promotion.why) == (1, ws.actor, "first one")
    assert (promotion.run, promotion.stack, promotion.stack_revision) == (run.name, "default", 1)
    assert promotion.inputs == {"weights@approved": "weights@1"}


PROMOTE = """
import sys
from stackfold import Workspace
from stackfold.errors import PromotionRefused, StackfoldError
with Workspace.open(sys.argv[1]) as ws:
    for number in map(int, sys.argv[2:]):
        try:
            ws.models.promote("fraud", number)
        except StackfoldError as error:
            print(type(error).__name__)
"""


def test_two_processes_never_promote_a_worse_version(tmp_path):
    with Workspace.open(tmp_path / "home") as ws:
        scores = {n: 0.5 + n % 7 / 100 + n / 1000 for n in range(1, 9)}
        for auc in scores.values():
            ws.runs.start(PIPELINE, {"auc": auc})
        ws.models.set_gate("fraud", "auc > production.auc")
        orders = ["1 5 2 7 4 8 3 6", "2 4 6 8 1 3 5 7"]
        command = [sys.executable, "-c", PROMOTE, str(tmp_path / "home")]
        racing = [subprocess.Popen([*command, *each.split()]) for each in orders]
        assert [each.wait() for each in racing] == [0, 0]
        promoted = [e.data for e in ws.log.events() if e.topic == "model.promoted"]
        assert promoted[0]["replaces"] is None
        for before, after in pairwise(promoted):
            assert after["replaces"] == before["number"]
            assert scores[after["number"]] > scores[before["number"]]
        assert ws.models.get("fraud").aliases == {"production": promoted[-1]["number"]}
        ws.log.verify()
