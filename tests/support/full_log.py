"""A log in which every field of every view has a value somewhere."""

import logging
from typing import Annotated

from browsing import HOSTILE
from full_schedules import fill_schedules
from plain_deployer import kill
from policies import reasons

from stackfold import (
    Directory,
    Output,
    Workspace,
    artifact,
    get_context,
    materializer,
    pipeline,
    step,
)
from stackfold.application.deployments.releases import release_of
from stackfold.domain.deployments.deployment import Deployment
from stackfold.errors import DeploymentFailed, PromotionRefused, RunFailed
from stackfold.eventsourcing import Retries, Stack, on

MODEL = "training/train/output@1"


log = logging.getLogger("full_log")


@step(tags=["quick"])
def load() -> list[int]:
    print("loaded", HOSTILE)
    return [1, 2, 3]


@step
def train(data: list[int], slope: float) -> dict[str, float]:
    context = get_context()
    context.log_metadata({"auc": 0.9, "note": HOSTILE})
    context.log_metadata({"rows": 3}, output="output")
    context.add_tags("small", output="output")
    context.save_artifact(slope, "slopes")
    return {"slope": slope, "offset": 0.5}


@step
def check(model: dict[str, float], fail: bool) -> bool:
    if fail:
        raise ValueError(HOSTILE)
    return True


@pipeline(model="churn-model")
def training(slope: float = 2.0, fail: bool = False):
    check(train(load(), slope), fail)


class Weights(dict):
    """Is stored as a pickle, with the version of Python."""


attempts = []


@step(retries=1, enable_cache=False)
def retry() -> Annotated[Weights, "output", Output("weights", label="spring")]:
    log.info("attempt %s", HOSTILE)
    get_context().load_artifact("slopes")
    attempts.append(1)
    if len(attempts) % 2:
        raise ValueError(HOSTILE)
    return Weights(slope=1.0)


@pipeline
def retrying():
    retry()


@step(step_operator=True)
def isolate() -> Directory:
    folder = Directory()
    (folder / "one.txt").write_text(HOSTILE)
    return folder


class Sketch:
    """Its materializer makes a preview."""


@materializer(name="sketch", for_type=Sketch)
class Sketches:
    def write(self, value, file):
        file.write(b"sketch")

    def read(self, file):
        return Sketch()

    def preview(self, value):
        return HOSTILE


@step
def outline() -> Sketch:
    return Sketch()


@pipeline
def isolating():
    isolate()
    outline()


@step
def score(
    weights: Weights,
) -> Annotated[dict[str, float], "output", Output("scores", tags=["model"])]:
    get_context().log_metadata({"auc": weights["slope"] - 0.1})
    return {"slope": weights["slope"], "offset": 0.5}


@pipeline(model="fraud")
def judged():
    score(artifact("weights"))


@step
def reuse(model: dict[str, float]) -> int:
    context = get_context()
    context.save_artifact(1, "checkpoint")
    context.load_artifact("training/train/output@1")
    return 1


@pipeline
def reusing():
    return reuse(artifact("training/train/output@1"))


@on(Stack.Registered, from_start=True, retries=Retries(attempts=1))
def announce(event, delivery):
    raise LookupError(HOSTILE)


def fill(ws):
    """Record everything; `end` ends the server that it starts."""
    ws.flavors.register("model_deployer", "plain_deployer.PlainDeployer", why="ours")
    ws.components.register("artifact_store", "lake", "local", labels={"team": "a"}, why=HOSTILE)
    ws.components.register("model_deployer", "plain", "plain", {"image": HOSTILE})
    ws.components.register("model_deployer", "broken", "plain", {"fault": "raises"})
    ws.stacks.register(
        "prod",
        orchestrator="default",
        artifact_store="lake",
        model_deployer="plain",
        description=HOSTILE,
        labels={"tier": HOSTILE},
        activate=True,
    )
    ws.policies.enable("reasons", why="so that we know")
    fill_schedules(ws, HOSTILE)
    first = ws.runs.start(training)
    ws.runs.tag(first.name, ["best"])
    ws.runs.log_metadata(first.name, {"accuracy": 0.75})
    ws.runs.log_metadata(first.name, {"reviewer": "ada"}, step="train")
    ws.components.update("artifact_store", "lake", {"path": "lake"}, why="the disk is full")
    ws.stacks.update("prod", labels={"tier": None}, why="it was wrong")
    ws.runs.start(training)
    try:
        ws.runs.start(training, {"fail": True, "slope": 3.0}, why=HOSTILE)
    except RunFailed:
        pass
    else:
        raise AssertionError("the run did not fail")
    ws.runs.rerun(first.name, training, why="is it the same?")
    ws.deployments.deploy("churn", MODEL, why="go live")
    ws.stacks.copy("prod", "gone", why="to fail")
    ws.stacks.update("gone", model_deployer="broken", labels={"tier": "c"}, why="to fail")
    ws.runs.start(retrying, configuration={"tags": ["second"]})
    ws.components.register("step_operator", "process", "local")
    ws.stacks.update("gone", step_operator="process", why="to isolate")
    ws.runs.start(isolating, stack="gone")
    try:
        ws.deployments.deploy("lost", "retrying/retry", "gone", from_stack="prod")
    except DeploymentFailed:
        pass
    else:
        raise AssertionError("the deployment did not fail")
    fill_models(ws)
    ws.components.update("model_deployer", "broken", {"password": "{{missing.key}}"})
    ws.artifacts.register(__file__, "program", why="to keep it")
    ws.runs.start(reusing, stack="prod")
    with ws.acting_as("bob@example.com", correlation_id="REQUEST-1"):
        ws.stacks.copy("prod", "trial", why="to try")
    ws.reactions.run([announce], timeout=0)
    return ws


def fill_models(ws):
    """Versions of a model, promoted and refused, and aliases of an artifact."""
    ws.models.register("fraud", HOSTILE, ["team:risk"], card={"license": HOSTILE})
    ws.models.register("later")
    for label in ("spring", "summer"):
        configuration = {"model": {"name": "fraud", "label": label}}
        ws.runs.start(judged, stack="prod", configuration=configuration)
    ws.models.annotate_version(
        "fraud", 1, description=HOSTILE, add=["eu"], metadata={"card": "fair"}
    )
    ws.models.set_gate("fraud", "auc >= 0.9 and score.auc < 0.8")
    try:
        ws.models.promote("fraud", 1)
    except PromotionRefused:
        pass
    else:
        raise AssertionError("the gate did not refuse")
    ws.models.set_gate("fraud", "auc >= 0.9 and auc >= production.auc")
    ws.models.promote("fraud", 1, why="first one")
    ws.models.promote("fraud", 2, "staging", why="to try")
    ws.models.promote("fraud", 2, why="new features")
    ws.models.rollback("fraud", why="complaints")
    ws.deployments.deploy("fraud-api", "fraud@production", "prod", follow="production")
    ws.deployments.record("fraud-api", rate=0.1, leave_out=["age"], why="to watch it")
    ws.models.promote("fraud", 2, why="complaints were about something else")
    ask_for_an_update(ws)
    ws.artifacts.alias("weights", "approved", "checked")
    ws.artifacts.alias("training/train/output@1", "best", "checked")


def ask_for_an_update(ws):
    """Record an update as a command does that is killed right after that."""
    deployments = ws.deployments
    release = release_of(deployments._artifacts, deployments._queries, "fraud@2")
    ws._services.repository.change(
        Deployment,
        deployments.find("fraud-api").id,
        lambda each: each.request_update([release], each.rollout.because + 1),
    )


def end(ws):
    """End the server of its deployment."""
    kill(ws.home)


def full_log():
    """A workspace in memory with everything."""
    return fill(Workspace.in_memory(actor="eve@example.com", policies=[reasons]))
