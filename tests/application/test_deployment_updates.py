"""Deployments that move: other models at the same address, by real servers and gateways."""

import json
import threading
from collections import Counter
from urllib.request import Request, urlopen

import pytest
from plain_deployer import kill, listening
from replay import assert_consistent

from stackfold.domain.errors import (
    ArtifactInUse,
    CannotUpdate,
    Conflict,
    DeploymentFailed,
    FromAnotherStack,
    InvalidTraffic,
    NotFound,
    NothingToChange,
)
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType

DEPLOYER = ComponentType.MODEL_DEPLOYER


@step
def train(slope: float) -> dict[str, float]:
    return {"slope": slope}


def training(slope: float = 1.0):
    train(slope)


FRAUD = Pipeline(training, model="fraud")


@pytest.fixture
def ws(ws):
    """A workspace with three versions of a model; no server is left running."""
    ws.flavors.register(DEPLOYER, "plain_deployer.PlainDeployer")
    ws.components.register(DEPLOYER, "plain", "plain")
    needed = {"orchestrator": "default", "artifact_store": "default"}
    ws.stacks.register("prod", **needed, model_deployer="plain", activate=True)
    for slope in (1.0, 2.0, 3.0):
        ws.runs.start(FRAUD, {"slope": slope})
    yield ws
    kill(ws.home)


@pytest.fixture
def served(ws):
    """A deployment of the first version."""
    ws.deployments.deploy("churn", "fraud@1")
    return ws.deployments


def recorded(ws):
    return [entry.action for entry in reversed(ws.deployments.history("churn"))]


def asked(ws):
    """What clients get at the address: the prediction, and the model that answered."""
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [10.0]}
    body = json.dumps({"inputs": [tensor]}).encode()
    url = ws.deployments.list(contact=False)[0].url
    with urlopen(Request(url, body), timeout=30) as answer:
        content = json.load(answer)
        return content["outputs"][0]["data"][0], answer.headers["Stackfold-Model"]


def broken(served, fault="dies"):
    """Let each new server of the deployment have a fault."""
    built = served._services.deployers.built

    def faulty(deployer):
        found = built(deployer)
        found.configuration = found.configuration.model_copy(
            update={"fault": fault, "patience": 1.0}
        )
        return found

    served._services.deployers.built = faulty


def test_a_served_artifact_is_not_deleted(ws, served):
    for slope in (4.0, 5.0):
        ws.artifacts.save({"slope": slope}, "outside")
    served.update("churn", "outside@1")
    with pytest.raises(ArtifactInUse) as raised:
        ws.artifacts.delete("outside@1")
    assert raised.value.uses == ("deployment 'churn'",)
    served.traffic("churn", {"outside@1": 50, "outside@2": 50})
    for number in (1, 2):
        with pytest.raises(ArtifactInUse):
            ws.artifacts.delete(f"outside@{number}")
    served.delete("churn")
    ws.artifacts.delete("outside@1")
    ws.artifacts.delete("outside@2")


def test_an_artifact_that_a_rollback_would_serve_is_not_deleted(ws, served):
    # given a deployment that has served two artifacts, one after the other
    for slope in (4.0, 5.0):
        ws.artifacts.save({"slope": slope}, "outside")
    served.update("churn", "outside@1")
    served.update("churn", "outside@2")
    # when the former one is deleted, then it is kept, and a rollback serves it
    with pytest.raises(ArtifactInUse, match="used by rollbacks of deployment 'churn': ") as raised:
        ws.artifacts.delete("outside@1")
    assert raised.value.uses == ("rollbacks of deployment 'churn'",)
    assert served.rollback("churn").model == "outside@1"
    # and what no rollback serves any longer is deleted
    ws.artifacts.delete("outside@2")
    served.rollback("churn")
    ws.artifacts.delete("outside@1")


# -- one model after the other


def test_another_version_is_served_at_the_same_address(ws, served):
    before = served.get("churn")
    assert (before.version, before.traffic) == ("fraud@1", {"fraud@1": 100})
    assert asked(ws) == (10.0, "fraud@1")
    view = served.update("churn", "fraud@2", why="better")
    assert (view.url, view.version, view.model) == (
        before.url,
        "fraud@2",
        "training/train/output@2",
    )
    assert asked(ws) == (20.0, "fraud@2")
    assert served.predict("churn", [[10.0]]) == [20.0]
    assert len(listening(ws.home)) == 1, "the former server was not ended"
    assert recorded(ws) == ["registered", "started", "update requested", "switched"]
    (switched, *_) = served.history("churn")
    changes = {each.field: (each.before, each.after) for each in switched.changes}
    assert changes["version"] == ("fraud@1", "fraud@2")
    assert switched.why == "better"
    assert ws.models.describe_version("fraud", 2).deployments == ["churn"]
    assert ws.models.describe_version("fraud", 1).deployments == []
    assert served.get("churn", as_of=switched.position - 1).version == "fraud@1"
    assert_consistent(ws)


def test_a_second_rollback_does_not_toggle(ws, served):
    served.update("churn", "fraud@2")
    served.update("churn", "fraud@3")
    assert served.rollback("churn").version == "fraud@2"
    assert served.rollback("churn").version == "fraud@1"
    with pytest.raises(Conflict, match="cannot be rolled back: it served no other"):
        served.rollback("churn")
    assert asked(ws) == (10.0, "fraud@1")


def test_a_failed_start_keeps_the_former_model(ws, served):
    broken(served)
    with pytest.raises(DeploymentFailed):
        served.update("churn", "fraud@2")
    found = served.describe("churn")
    assert (found.status, found.version) == ("ready", "fraud@1")
    assert found.problem.startswith("its last update failed: ")
    assert asked(ws) == (10.0, "fraud@1")
    assert recorded(ws)[-2:] == ["update requested", "update failed"]
    assert len(listening(ws.home)) == 1
    assert_consistent(ws)


def test_what_a_log_rejects_is_taken_back(ws, served, monkeypatch):
    repository = ws._services.repository
    change = repository.change

    def rejected(kind, id, command, *more):
        def checked(aggregate):
            command(aggregate)
            if any(event.TOPIC == "deployment.switched" for event in aggregate.pending_events):
                raise Conflict("the log is full")

        return change(kind, id, checked, *more)

    monkeypatch.setattr(repository, "change", rejected)
    with pytest.raises(Conflict, match="the log is full"):
        served.update("churn", "fraud@2")
    monkeypatch.undo()
    assert asked(ws) == (10.0, "fraud@1")
    assert recorded(ws)[-1] == "update failed"
    assert len(listening(ws.home)) == 1


def test_requests_in_progress_are_answered(ws, served):
    answers, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            answers.append(asked(ws))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        served.update("churn", "fraud@2")
        served.update("churn", "fraud@3")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {*answers} <= {(10.0, "fraud@1"), (20.0, "fraud@2"), (30.0, "fraud@3")}
    assert len(answers) > 4


@pytest.mark.parametrize(
    ("shares", "error", "problem"),
    [
        ({"fraud@1": 90, "fraud@2": 9}, InvalidTraffic, "add up to 99"),
        ({"fraud@1": 90, "training/train@1": 10}, InvalidTraffic, "are the same model"),
        ({"fraud@1": 100, "fraud@2": 0}, InvalidTraffic, "from 1 to 100"),
        ({}, InvalidTraffic, "from 1 to 100"),
        ({"fraud@9": 100}, NotFound, "there is no model version 'fraud@9'"),
        ({"fraud@1": 100}, NothingToChange, "'churn'"),
    ],
)
def test_what_cannot_be_served_changes_nothing(ws, served, shares, error, problem):
    before = ws.log.head()
    with pytest.raises(error, match=problem):
        served.traffic("churn", shares)
    assert ws.log.head() == before


def test_without_a_gateway_it_is_not_updated(ws, monkeypatch):
    monkeypatch.setattr(type(ws._services.gateways), "can_route", lambda *_: False)
    ws.deployments.deploy("churn", "fraud@1")
    assert ws.deployments.predict("churn", [[10.0]]) == [10.0]
    with pytest.raises(CannotUpdate, match="requests reach its server directly"):
        ws.deployments.update("churn", "fraud@2")


# -- several at once


def test_two_versions_share_the_requests(ws, served):
    view = served.traffic("churn", {"fraud@2": 30, "fraud@1": 70})
    assert view.traffic == {"fraud@1": 70, "fraud@2": 30}
    assert view.version == "fraud@1"
    answers = Counter(asked(ws) for _ in range(200))
    assert {*answers} == {(10.0, "fraud@1"), (20.0, "fraud@2")}
    # The odds of a share outside of this are below one in a million.
    assert 25 < answers[20.0, "fraud@2"] < 97
    assert len(listening(ws.home)) == 2
    assert ws.models.describe_version("fraud", 2).deployments == ["churn"]
    first = listening(ws.home)
    served.traffic("churn", {"fraud@1": 10, "fraud@2": 90})
    assert {*listening(ws.home)} == {*first}, "servers that run are kept"
    assert served.rollback("churn").traffic == {"fraud@1": 100}
    assert len(listening(ws.home)) == 1
    assert_consistent(ws)


def test_all_are_started_again(ws, served):
    view = served.traffic("churn", {"fraud@1": 50, "fraud@2": 50})
    kill(ws.home)
    assert [each.name for each in served.down()] == ["churn"]
    assert served.start("churn").url == view.url
    assert {asked(ws)[1] for _ in range(60)} == {"fraud@1", "fraud@2"}
    served.stop("churn")
    assert not listening(ws.home)
    assert served.start("churn").url == view.url
    served.delete("churn")
    assert not listening(ws.home)


# -- following


def test_a_promotion_moves_the_deployments_that_follow(ws):
    ws.models.promote("fraud", 1)
    view = ws.deployments.deploy("churn", "fraud@production", follow="production")
    assert (view.follows, view.behind) == ("fraud@production", "")
    assert ws.deployments.catch_up() == []
    ws.models.promote("fraud", 3)
    assert ws.deployments.get("churn").behind == "serves 1, production is 3"
    (found,) = ws.deployments.catch_up()
    assert (found.deployment, found.version, found.outcome) == ("churn", "fraud@3", "updated")
    assert ws.deployments.get("churn").behind == ""
    assert asked(ws) == (30.0, "fraud@3")
    (entry, *_) = ws.deployments.history("churn")
    assert entry.why == "production is fraud@3"
    assert ws.deployments.catch_up() == []


def test_rollback_and_undo_of_a_promotion_move_it_as_well(ws):
    ws.models.promote("fraud", 1)
    ws.deployments.deploy("churn", "fraud@production", follow="production")
    ws.models.promote("fraud", 2)
    ws.deployments.catch_up()
    ws.models.rollback("fraud")
    ws.deployments.catch_up("fraud")
    assert asked(ws) == (10.0, "fraud@1")
    assert {entry.kind for entry in ws.undo()} == {"model", "model_version"}
    ws.deployments.catch_up()
    assert asked(ws) == (20.0, "fraud@2")


def test_what_was_chosen_by_hand_stays_until_the_next_promotion(ws):
    ws.models.promote("fraud", 2)
    ws.deployments.deploy("churn", "fraud@production", follow="production")
    ws.deployments.update("churn", "fraud@1")
    ws.models.promote("fraud", 2, "champion")
    assert ws.deployments.catch_up() == []
    assert ws.deployments.get("churn").behind == "serves 1, production is 2"
    ws.models.promote("fraud", 3)
    assert [each.version for each in ws.deployments.catch_up()] == ["fraud@3"]
    ws.deployments.unfollow("churn")
    ws.models.promote("fraud", 1)
    assert ws.deployments.catch_up() == []
    view = ws.deployments.follow("churn", "fraud")
    assert (view.follows, view.version) == ("fraud@production", "fraud@1")


def test_a_version_that_does_not_start_is_tried_once(ws):
    ws.models.promote("fraud", 1)
    ws.deployments.deploy("churn", "fraud@1", follow="production")
    broken(ws.deployments)
    ws.models.promote("fraud", 2)
    (found,) = ws.deployments.catch_up()
    assert (found.outcome, found.version) == ("failed", "fraud@2")
    assert ws.deployments.catch_up() == []
    assert asked(ws) == (10.0, "fraud@1")
    assert ws.deployments.get("churn").behind == "serves 1, production is 2"


def test_a_worker_moves_it(ws):
    from stackfold.infrastructure.reactions.installed import installed_reactions

    ws.models.promote("fraud", 1)
    ws.deployments.deploy("churn", "fraud@1", follow="production")
    ws.models.promote("fraud", 2)
    ws.models.promote("fraud", 3)
    reactions = installed_reactions(["follow-models", "resume-deployments"])
    views = ws.reactions.run(reactions, timeout=0)
    assert {view.parked for view in views} == {0}
    assert asked(ws) == (30.0, "fraud@3")
    assert recorded(ws).count("switched") == 1, "only the newest promotion is served"
    for view in views:
        ws.reactions.reset(view.name, after=0)
    ws.reactions.run(reactions, timeout=0)
    assert recorded(ws).count("switched") == 1


def test_only_versions_of_a_model_are_followed(ws):
    with pytest.raises(NotFound, match="no version of 'fraud' has it"):
        ws.deployments.deploy("churn", "fraud@1", follow="production")
    ws.runs.start(Pipeline(training, name="plain"), {"slope": 4.0})
    with pytest.raises(CannotUpdate, match="is no version of a model to follow"):
        ws.deployments.deploy("churn", "plain/train", follow="production")
    assert not ws.deployments.list()


def test_an_update_takes_what_is_not_promoted_from_another_stack_only_if_that_is_wanted(ws, served):
    ws.stacks.register("dev", orchestrator="default", artifact_store="default")
    ws.runs.start(FRAUD, {"slope": 4.0}, stack="dev")
    for move in (
        lambda **more: served.update("churn", "fraud@4", **more),
        lambda **more: served.traffic("churn", {"fraud@1": 90, "fraud@4": 10}, **more),
    ):
        with pytest.raises(FromAnotherStack, match="fraud@4"):
            move()
        with pytest.raises(FromAnotherStack):
            move(from_stack="prod")
    assert served.get("churn").status == "ready"
    served.traffic("churn", {"fraud@1": 90, "fraud@4": 10}, from_stack="dev")
    served.traffic("churn", {"fraud@1": 50, "fraud@4": 50})  # both are served already
    ws.models.promote("fraud", 4)
    served.update("churn", "fraud@4")
    assert asked(ws) == (40.0, "fraud@4")
