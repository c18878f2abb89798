"""Runs make versions of models; aliases stand for versions, and gates judge promotions."""

import threading

import pytest

from stackfold.application.runs.context import get_context
from stackfold.domain.errors import (
    Conflict,
    Invalid,
    InvalidAlias,
    NotFound,
    NothingToUndo,
    PromotionRefused,
    ReasonRequired,
    RunFailed,
)
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


def test_a_run_opens_a_version_as_it_starts_and_completes_it_as_it_ends(ws, models):
    (run,) = trained(ws, 0.9)
    (version,) = models.versions("fraud")
    assert (version.number, version.status, version.run) == (1, "completed", run.name)
    assert (version.stack, version.stack_revision) == ("default", 1)
    assert version.metrics == {"auc": 0.9}
    entries = {each.action + " " + each.kind: each.change for each in ws.log.entries()}
    assert entries["opened model_version"] == entries["started run"]
    assert entries["registered model"] == entries["started run"]
    assert entries["completed model_version"] == entries["completed run"]


def test_steps_from_the_cache_belong_to_a_version_too(ws, models):
    trained(ws, 0.9, 0.9)
    first, second = (models.describe_version("fraud", each) for each in (1, 2))
    assert first.artifacts == second.artifacts == ["training/train/output@1"]
    assert second.metrics == first.metrics


def test_the_version_of_a_failed_run_is_hidden_until_a_resumed_run_completes_it(ws, models):
    failing.add(0.9)
    with pytest.raises(RunFailed):
        trained(ws, 0.9)
    assert models.versions("fraud") == []
    assert [each.status for each in models.versions("fraud", all=True)] == ["open"]
    with pytest.raises(NotFound):
        models.version("fraud", "latest")
    with pytest.raises(Conflict, match="only versions whose run has completed"):
        models.promote("fraud", 1)
    failing.clear()
    ws.runs.resume("latest", PIPELINE)
    assert states(models) == {1: ("completed",)}


def test_numbers_are_not_used_again(ws, models):
    trained(ws, 0.9, 0.8)
    models.delete_version("fraud", 2)
    trained(ws, 0.7)
    models.delete("fraud")
    trained(ws, 0.6)
    assert [*states(models)] == [4]


def test_a_version_that_leaves_a_stage_is_archived_and_undo_takes_both_back(ws, models):
    trained(ws, 0.9, 0.91)
    models.promote("fraud", 1)
    models.promote("fraud", 2)
    after = {2: ("completed", "production"), 1: ("archived",)}
    assert states(models) == after
    ws.undo()
    assert states(models) == {2: ("completed",), 1: ("completed", "production")}


def test_a_version_with_another_alias_is_not_archived(ws, models):
    trained(ws, 0.9, 0.91)
    models.promote("fraud", 1)
    models.promote("fraud", 1, "champion")
    models.promote("fraud", 2)
    assert states(models) == {2: ("completed", "production"), 1: ("completed", "champion")}


def test_each_rollback_goes_back_further(ws, models):
    trained(ws, 0.9, 0.91, 0.92)
    for number in (1, 2, 3):
        models.promote("fraud", number)
    assert models.rollback("fraud").number == 2
    assert models.rollback("fraud").number == 1
    with pytest.raises(Conflict):
        models.rollback("fraud")
    assert states(models)[1] == ("completed", "production")
    assert states(models)[3] == ("archived",)


def test_a_rollback_skips_versions_that_were_deleted(ws, models):
    trained(ws, 0.9, 0.91, 0.92)
    for number in (1, 2, 3):
        models.promote("fraud", number)
    models.delete_version("fraud", 2)
    assert models.rollback("fraud").number == 1


def test_a_revert_archives_what_leaves_a_stage(ws, models):
    trained(ws, 0.9, 0.91)
    models.promote("fraud", 1)
    models.promote("fraud", 2)
    models.revert("fraud", why="back")
    assert states(models) == {2: ("archived",), 1: ("completed", "production")}


def test_the_past_answers_which_version_was_in_production(ws, models):
    trained(ws, 0.9, 0.91)
    models.promote("fraud", 1, why="first")
    models.promote("fraud", 2, why="better")
    then, now = models.history("fraud", alias="production")[::-1]
    (before,) = models.describe("fraud", then.position).promotions
    assert (before.number, before.why, before.by) == (1, "first", ws.actor)
    (current,) = models.describe("fraud").promotions
    assert (current.number, current.why, current.position) == (2, "better", now.position)
    assert models.version("fraud", "production", then.position).number == 1


def test_undo_steps_over_what_runs_and_gates_record(ws, models):
    trained(ws, 0.9)
    with pytest.raises(NothingToUndo):
        ws.undo()
    models.promote("fraud", 1)
    models.set_gate("fraud", "auc > 2")
    trained(ws, 0.91)
    with pytest.raises(PromotionRefused):
        models.promote("fraud", 2)
    ws.undo()
    assert models.get("fraud").gates == {}
    ws.undo()
    assert models.get("fraud").aliases == {}


def test_a_gate_refuses_and_the_refusal_is_recorded(ws, models):
    trained(ws, 0.9, 0.89)
    models.set_gate("fraud", "auc >= 0.5 and auc > production.auc")
    models.promote("fraud", 1)
    with pytest.raises(PromotionRefused, match=r"0\.89 > 0\.9 is false") as refused:
        models.promote("fraud", 2)
    *_, event = ws.log.events()
    assert (event.topic, event.position) == ("model.promotion_refused", refused.value.position)
    assert event.data["verdict"]["compared"] == {"production": 1}
    with pytest.raises(ReasonRequired):
        models.promote("fraud", 2, force=True)
    models.promote("fraud", 2, force=True, why="an emergency")
    assert states(models)[2] == ("completed", "production")


def test_what_gates_found_is_read_with_who_asked_and_why(ws, models):
    trained(ws, 0.9, 0.89)
    models.promote("fraud", 1, "staging", why="no gate, so no verdict")
    models.set_gate("fraud", "auc >= 0.5 and auc > production.auc")
    models.promote("fraud", 1, why="first one")
    with pytest.raises(PromotionRefused) as refused:
        models.promote("fraud", 2)
    models.promote("fraud", 2, force=True, why="an emergency")
    forced, no, first = models.verdicts("fraud")
    assert [(each.number, each.alias, each.outcome, each.why) for each in (forced, no, first)] == [
        (2, "production", "forced", "an emergency"),
        (2, "production", "refused", ""),
        (1, "production", "passed", "first one"),
    ]
    assert (no.position, no.by) == (refused.value.position, ws.actor)
    assert no.failures == ["auc > production.auc: 0.89 > 0.9 is false"]
    assert no.findings == ["auc >= 0.5: 0.89 >= 0.5 is true"]
    assert no.compared == {"production": 1}
    assert models.verdicts("fraud", 1) == [first]
    assert models.verdicts("fraud", as_of=f"#{no.position}") == [no, first]
    assert models.verdicts("fraud", as_of=f"#{first.position - 1}") == []


def test_a_part_of_the_versions_is_read(models, ws):
    trained(ws, 0.5, 0.6, 0.7, 0.8)

    def numbers(**part):
        return [each.number for each in models.versions("fraud", **part)]

    assert numbers(limit=2) == [4, 3]
    assert numbers(below=3) == [2, 1]
    assert numbers(numbers=[4, 1, 9]) == [4, 1]
    assert numbers(numbers=[]) == []
    assert numbers(below=4, limit=1, as_of=f"#{ws.log.head().position}") == [3]


@pytest.mark.parametrize(
    "rule", ["loss < 1", "auc > production.loss", "train.auc > 0", "auc != 0.9", "auc > 1"]
)
def test_a_metric_that_is_missing_or_too_small_fails(ws, models, rule):
    trained(ws, 0.9, 0.9)
    models.promote("fraud", 1)
    models.set_gate("fraud", rule)
    with pytest.raises(PromotionRefused):
        models.promote("fraud", 2)


def test_a_comparison_with_no_version_passes(ws, models):
    trained(ws, 0.9)
    models.set_gate("fraud", "evaluate.auc > production.auc and auc = 0.9")
    assert models.promote("fraud", 1).aliases == ["production"]


@pytest.mark.parametrize(
    "rule",
    ["", "auc", "auc > x", "status = completed", "auc > 0.9 or auc < 1", "tag = a", "auc > 1.x"],
)
def test_a_rule_must_compare_metrics(ws, models, rule):
    models.register("fraud")
    with pytest.raises(Invalid):
        models.set_gate("fraud", rule)


def test_a_function_judges_outside_of_the_lock(ws, models):
    trained(ws, 0.9, 0.91)
    seen = []

    def gate(version, current):
        with ws.change(why="not locked"):
            seen.append((version.number, current and current.number))
        return None if version.number == 1 else "too new"

    models.promote("fraud", 1, gate=gate)
    with pytest.raises(PromotionRefused, match="too new"):
        models.promote("fraud", 2, gate=gate)
    assert seen == [(1, None), (2, 1)]


def test_a_function_is_asked_again_if_another_version_was_promoted_meanwhile(ws, models):
    trained(ws, 0.9, 0.91, 0.92)
    seen = []

    def gate(version, current):
        seen.append(current and current.number)
        if len(seen) == 1:
            models.promote("fraud", 2)

    models.promote("fraud", 3, gate=gate)
    assert seen == [None, 2]


@pytest.mark.parametrize(
    "alias", ["7", "v7", "latest", "Production", "archived", "deadbeef", "a b"]
)
def test_an_alias_means_one_thing(ws, models, alias):
    trained(ws, 0.9)
    with pytest.raises(InvalidAlias):
        models.promote("fraud", 1, alias)


def test_promotions_by_several_threads_leave_one_version_in_a_stage(ws, models):
    trained(ws, 0.9, 0.91, 0.92)
    threads = [threading.Thread(target=models.promote, args=("fraud", n)) for n in (1, 2, 3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = [*states(models).values()]
    assert sorted(found)[:2] == [("archived",), ("archived",)]
    assert ("completed", "production") in found


def test_a_version_is_named_where_an_artifact_is(ws, models):
    trained(ws, 0.9, 0.91)
    models.promote("fraud", 1)
    assert ws.artifacts.load("fraud@production") == 0.9
    assert ws.artifacts.load("fraud@2/output") == 0.91
    assert ws.artifacts.load("fraud@latest/train/output") == 0.91
    for reference in ("fraud@3", "fraud@champion", "fraud@1/other"):
        with pytest.raises(NotFound):
            ws.artifacts.load(reference)


def test_the_run_of_a_version_with_an_alias_is_kept(ws, models):
    first, _ = trained(ws, 0.9, 0.91)
    models.promote("fraud", 1)
    with pytest.raises(Conflict, match="which is production"):
        ws.runs.delete(first.id)
    models.promote("fraud", 2)
    ws.runs.delete(first.id)
    assert models.version("fraud", 1).run == first.id


def test_the_version_of_a_deleted_run_that_failed_is_abandoned(ws, models):
    failing.add(0.9)
    with pytest.raises(RunFailed):
        trained(ws, 0.9)
    ws.runs.delete("latest")
    assert [each.status for each in models.versions("fraud", all=True)] == ["abandoned"]


def test_read_models_are_rebuilt_from_the_log(ws, models):
    trained(ws, 0.9, 0.91)
    models.promote("fraud", 1)
    models.promote("fraud", 2)
    models.rollback("fraud")
    before = (models.list(), models.versions("fraud"))
    ws.log.rebuild()
    assert (models.list(), models.versions("fraud")) == before
    ws.log.verify()
