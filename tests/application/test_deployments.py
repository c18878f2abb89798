"""Deployments: what is recorded, how it is found, and what it answers."""

from datetime import timedelta

import numpy as np
import pytest
from plain_deployer import ELSEWHERE, kill, listening
from replay import assert_consistent
from runnable import single

from stackfold.application.eventsourcing.snapshots import EVERY
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.ports.model_deployer import Health
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import (
    ArtifactDamaged,
    CannotUndo,
    Conflict,
    DeploymentFailed,
    DeploymentUnavailable,
    InvalidInputs,
    InvalidName,
    NameTaken,
    NoManifest,
    NotFound,
    NotInStack,
    NotInstalled,
    PredictionRejected,
)
from stackfold.domain.stacks.component_type import ComponentType

DEPLOYER = ComponentType.MODEL_DEPLOYER
MODEL = "alone/only/output"


def train() -> dict[str, float]:
    return {"slope": 2.0, "offset": 0.5}


@pytest.fixture
def ws(ws):
    """A workspace with a model, and with a stack that can deploy it; no server is left running."""
    ws.flavors.register(DEPLOYER, "plain_deployer.PlainDeployer")
    ws.components.register(DEPLOYER, "plain", "plain", {"image": "plain:1"})
    stack(ws, "prod", "plain", activate=True)
    ws.runs.start(single(train))
    yield ws
    kill(ws.home)


@pytest.fixture
def served(ws):
    """One that is ready."""
    ws.deployments.deploy("churn", MODEL, why="go live")
    return ws.deployments


def stack(ws, name, deployer, **more):
    needed = {"orchestrator": "default", "artifact_store": "default"}
    ws.stacks.register(name, **needed, model_deployer=deployer, **more)


def faulty(ws, fault, **configuration):
    """Let the stack's deployer have a fault from now on, or none."""
    ws.components.update(DEPLOYER, "plain", {"fault": fault, **configuration})


def recorded(ws, name):
    """What was recorded of a deployment, oldest first."""
    return [entry.action for entry in reversed(ws.deployments.history(name))]


# -- from a model to predictions and back


def test_a_model_is_served(ws):
    view = ws.deployments.deploy("churn", MODEL, why="go live")
    assert (view.name, view.status, view.model) == ("churn", "ready", f"{MODEL}@1")
    assert (view.stack, view.stack_revision, view.deployer) == ("prod", 1, "plain")
    assert view.url.startswith("http://127.0.0.1:")
    assert recorded(ws, "churn") == ["registered", "started"]
    assert {entry.why for entry in ws.deployments.history("churn")} == {"go live"}
    assert_consistent(ws)


def test_it_predicts(served):
    assert served.predict("churn", [[1, 2], [3, 4.5]]) == [3.0, 8.25]
    assert served.predict("churn", np.array([[1, 2]], dtype="float32")) == [3.0]
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
    assert served.predict("chu", {"inputs": [tensor]}) == [3.0]


def test_what_its_server_refuses_is_told(served):
    with pytest.raises(PredictionRejected, match="'churn' cannot predict from these inputs: 2 col"):
        served.predict("churn", [[1, 2, 3]])
    with pytest.raises(InvalidInputs, match="of different lengths"):
        served.predict("churn", [[1, 2], [3]])


def test_its_logs_are_told(served):
    served.predict("churn", [[1, 2]])
    assert "".join(served.logs("churn")) == "listening\npredicted [3.0]\n"


def test_logs_are_followed_until_it_is_stopped(served):
    pieces = served.logs("churn", follow=True)
    assert next(pieces) == "listening\n"
    served.predict("churn", [[1, 2]])
    assert next(pieces) == "predicted [3.0]\n"
    served.stop("churn")
    assert [*pieces] == []


def test_it_is_stopped_and_started_again(ws, served):
    assert served.stop("churn", why="too dear").status == "stopped"
    assert (served.get("churn").status, served.get("churn").url) == ("stopped", "")
    with pytest.raises(DeploymentUnavailable, match="it is stopped: start it"):
        served.predict("churn", [[1, 2]])
    with pytest.raises(Conflict, match="'churn' is stopped: start or delete it"):
        served.stop("churn")
    assert served.start("churn").status == "ready"
    assert served.predict("churn", [[1, 2]]) == [3.0]
    assert recorded(ws, "churn")[2:] == ["stopped", "start requested", "started"]
    assert_consistent(ws)


def test_what_is_served_is_not_started_twice(served):
    with pytest.raises(Conflict, match="is served already: stop it first"):
        served.start("churn")


def test_a_deleted_one_leaves_nothing_and_its_name_is_free(ws, served):
    assert served.delete("churn").name == "churn"
    assert served.list() == []
    assert not [*(ws.home / "served").iterdir()]
    with pytest.raises(NotFound, match="there is no deployment 'churn'"):
        served.get("churn")
    assert recorded(ws, "churn")[-1] == "deleted"
    served.deploy("churn", MODEL)
    assert recorded(ws, "churn") == ["registered", "started"]
    assert_consistent(ws)


# -- how it is found


def test_a_killed_server_is_seen_as_down_and_started_again(ws, served):
    kill(ws.home)
    assert served.get("churn").status == served.describe("churn").status == "down"
    assert served.describe("churn").problem == "its server was killed"
    assert [view.status for view in served.list()] == ["down"]
    with pytest.raises(DeploymentUnavailable, match="its server does not answer"):
        served.predict("churn", [[1, 2]])
    assert served.start("churn").status == "ready"
    assert served.predict("churn", [[1, 2]]) == [3.0]


def test_a_killed_server_can_be_stopped_and_deleted(ws, served):
    kill(ws.home)
    assert served.stop("churn").status == "stopped"
    served.delete("churn")


def test_many_are_found_at_once(ws, served):
    for name in ("b", "c"):
        served.deploy(name, MODEL)
    served.stop("b")
    assert [(view.name, view.status) for view in served.list()] == [
        ("b", "stopped"),
        ("c", "ready"),
        ("churn", "ready"),
    ]
    listing = Listing(where=(Condition("name", "startswith", "c"),), sort_by="created")
    assert [view.name for view in served.list(listing)] == ["churn", "c"]


def test_what_another_machine_serves_is_told_and_left_alone(ws, served):
    elsewhere(ws)
    assert served.get("churn").status == "elsewhere"
    for command in (served.stop, served.delete):
        with pytest.raises(DeploymentUnavailable, match="served by another machine: ask there"):
            command("churn")
    assert recorded(ws, "churn")[-1] == "started"
    served.delete("churn", forget=True)
    assert served.list() == []


def elsewhere(ws):
    """What is recorded next is the deployment as another machine would serve it."""
    id = ws.deployments.get("churn").id
    repository = ws._services.repository
    repository.change(Deployment, id, Deployment.request_start)
    repository.change(Deployment, id, lambda d: d.start(ELSEWHERE, "http://there/"))


def test_what_its_deployer_cannot_tell_is_unknown(ws, served, monkeypatch):
    ws.flavors.implementation(DEPLOYER, "plain")
    monkeypatch.setattr("plain_deployer.PlainDeployer.health", lambda *_: 1 / 0)
    assert served.list()[0].status == "unknown"
    told = served.describe("churn")
    assert (told.status, told.problem) == ("unknown", "ZeroDivisionError: division by zero")


# -- it does not depend on what becomes of what it was made from


def test_it_outlives_its_stack_its_components_and_its_run(ws, served):
    ws.stacks.activate("default")
    ws.stacks.delete("prod")
    ws.components.delete(DEPLOYER, "plain")
    ws.flavors.delete(DEPLOYER, "plain")
    ws.runs.delete(ws.runs.list()[0].id)
    ws.artifacts.prune(grace=timedelta())
    assert served.predict("churn", [[1, 2]]) == [3.0]
    served.stop("churn")
    assert served.start("churn").status == "ready"
    view = served.describe("churn")
    assert (view.stack, view.deployer, view.type) == ("prod", "plain", "builtins.dict")


def test_once_it_is_deleted_its_model_is_pruned(ws, served):
    (run,) = ws.runs.list()
    ws.runs.delete(run.id)
    (pruned,) = ws.artifacts.prune(grace=timedelta())
    assert (len(pruned.removed), pruned.referenced) == (0, 1)
    served.delete("churn")
    (pruned,) = ws.artifacts.prune(grace=timedelta())
    assert (len(pruned.removed), pruned.referenced) == (1, 0)


def test_a_changed_component_changes_no_deployment(ws, served):
    faulty(ws, "dies")
    served.stop("churn")
    assert served.start("churn").status == "ready"
    assert served.describe("churn").configuration["fault"] == ""
    assert served.describe("churn").deployer_revision == 1


# -- what is refused before anything is recorded


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("a b", MODEL), InvalidName, "cannot name a deployment"),
        (("new", "alone/only/nothing"), NotFound, "there is no artifact"),
        (("new", MODEL, "nowhere"), NotFound, "there is no stack 'nowhere'"),
        (("new", MODEL, "bare"), NotInStack, "update bare --model-deployer plain`"),
        (("new", MODEL, "default"), NotInStack, "copy default NEW`, then run `stackfold sta"),
        (("churn", MODEL), NameTaken, "a deployment named 'churn' exists already"),
    ],
)
def test_what_cannot_be_deployed_is_refused(ws, served, arguments, error, told):
    ws.stacks.register("bare", orchestrator="default", artifact_store="default")
    before = ws.log.head()
    with pytest.raises(error) as refusal:
        served.deploy(*arguments)
    assert told in str(refusal.value)
    assert ws.log.head() == before
    assert len(listening(ws.home)) == 1


def test_a_model_that_is_gone_is_refused(ws):
    ws.artifacts.prune()
    view = ws.artifacts.get(MODEL).view
    (ws.home / "artifacts" / view.digest[:2] / view.digest[2:]).unlink()
    before = ws.log.head()
    with pytest.raises(ArtifactDamaged, match="no longer exists: run its pipeline again"):
        ws.deployments.deploy("churn", MODEL)
    assert ws.log.head() == before


# -- what goes wrong


@pytest.mark.parametrize("fault", ["never ready", "dies"])
def test_one_that_does_not_become_ready_is_recorded_as_failed(ws, fault):
    faulty(ws, fault, patience=1.0)
    with pytest.raises(DeploymentFailed, match="'churn': it did not become ready: read its logs"):
        ws.deployments.deploy("churn", MODEL)
    told = ws.deployments.describe("churn")
    assert (told.status, told.url) == ("failed", "")
    assert "did not become ready" in told.problem
    assert recorded(ws, "churn") == ["registered", "failed"]
    assert "".join(ws.deployments.logs("churn")) in ("listening\n", "cannot serve this\n")
    with pytest.raises(DeploymentUnavailable, match="it failed: start it"):
        ws.deployments.predict("churn", [[1, 2]])
    assert_consistent(ws)


def test_a_fault_of_a_flavor_is_one_clear_line(ws):
    faulty(ws, "raises")
    with pytest.raises(DeploymentFailed, match="cannot serve 'churn': LookupError: the password"):
        ws.deployments.deploy("churn", MODEL)
    assert ws.deployments.get("churn").status == "failed"


def test_what_cannot_be_found_again_is_not_left_running(ws, monkeypatch):
    from stackfold.application.ports.model_deployer import Served

    implementation = ws.flavors.implementation(DEPLOYER, "plain")
    deploy = implementation.deploy
    monkeypatch.setattr(
        implementation, "deploy", lambda *given: deploy(*given) and Served({"it": object()}, "")
    )
    with pytest.raises(DeploymentFailed, match="ValidationError"):
        ws.deployments.deploy("churn", MODEL)
    assert ws.deployments.get("churn").status == "failed"
    assert not listening(ws.home)


def test_an_answer_that_is_no_tensor_is_told(ws, served, monkeypatch):
    from stackfold.application.ports.tensors import Tensor

    wrong = [Tensor("y", "FP64", [3], [1.0])]
    monkeypatch.setattr("plain_deployer.PlainDeployer.predict", lambda *_: wrong)
    with pytest.raises(DeploymentUnavailable, match="invalid answer: the tensor 'y' has 1 values"):
        served.predict("churn", [[1, 2]])


def test_several_answers_are_told_by_their_names(ws, served, monkeypatch):
    from stackfold.application.ports.tensors import Tensor

    two = [Tensor("a", "INT64", [2], [1, 2]), Tensor("b", "BYTES", [1, 1], ["x"])]
    monkeypatch.setattr("plain_deployer.PlainDeployer.predict", lambda *_: two)
    assert served.predict("churn", [[1, 2]]) == {"a": [1, 2], "b": [["x"]]}


# -- for a cluster


def test_a_manifest_is_made_and_nothing_is_recorded(ws):
    before = ws.log.head()
    manifest = ws.deployments.manifest("churn", MODEL)
    assert manifest.startswith("image: plain:1\nmodel: churn\nuri: file:///")
    assert ws.log.head() == before
    faulty(ws, "", image="")
    with pytest.raises(NoManifest, match="it has no image: give it one"):
        ws.deployments.manifest("churn", MODEL)


def test_only_deploying_takes_what_a_flavor_requires(ws, served, monkeypatch):
    monkeypatch.setattr(ws.flavors, "missing", lambda type, name: NotInstalled(type, name, "x", []))
    with pytest.raises(NotInstalled):
        ws.deployments.deploy("other", MODEL)
    assert ws.deployments.get("churn").status == "ready"
    assert ws.deployments.predict("churn", [[1, 2]]) == [3.0]
    assert ws.deployments.manifest("other", MODEL).startswith("image: plain:1")
    assert ws.deployments.stop("churn").status == "stopped"


# -- the past


def test_who_served_what_when(ws, served):
    began = ws.log.head().position
    served.stop("churn")
    served.delete("churn")
    (view,) = served.list(as_of=began)
    assert (view.name, view.status, view.model) == ("churn", "started", f"{MODEL}@1")
    assert served.get("churn", as_of=began + 1).status == "stopped"
    assert served.describe("churn", as_of=began).reference["address"].startswith("127")
    assert served.list(as_of=began - 2) == []
    with pytest.raises(NotFound):
        served.get("churn", as_of=began + 2)


def test_the_log_tells_it_in_words(ws, served):
    served.stop("churn")
    entries = [*ws.log.entries(kind="deployment", name="churn", newest_first=False)]
    assert [entry.action for entry in entries] == ["registered", "started", "stopped"]
    told = {change.field: (change.before, change.after) for change in entries[2].changes}
    assert told["status"] == ("started", "stopped")
    assert told["url"][1] is None


def test_undo_takes_no_deployment_back_and_does_not_step_over_one(ws, served):
    with pytest.raises(CannotUndo, match="is deployment 'churn' started, which cannot be undone"):
        ws.undo()
    served.stop("churn")
    with pytest.raises(CannotUndo, match="delete the deployment, after which undo continues"):
        ws.undo(dry_run=True)
    served.delete("churn")
    assert [entry.kind for entry in ws.undo()] == ["activation", "stack"]


def test_a_long_history_is_not_replayed_from_its_beginning(ws, served):
    repository = ws._services.repository
    id = served.get("churn").id
    while repository.load(Deployment, id).version < EVERY:
        repository.change(Deployment, id, Deployment.request_start)
    whole = repository.load(Deployment, id, EVERY - 1)
    whole.request_start()
    revived = repository.load(Deployment, id)
    assert vars(revived).keys() == vars(whole).keys()
    for name in ("name", "rollout", "follows", "stack_id", "stack", "stack_revision",
                 "deployer", "status", "deleted", "version"):  # fmt: skip
        assert getattr(revived, name) == getattr(whole, name)
    assert served.start("churn").status == Health.READY
    assert_consistent(ws)
