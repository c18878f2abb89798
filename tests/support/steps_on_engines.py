"""What steps can do wherever an engine executes them: a contract of orchestrators.

The processes of engines import the pipelines from this file.
"""

import json
import time
from itertools import chain
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import pytest
from webhook_server import webhook_receiver
from workspaces import ORCHESTRATOR

from stackfold import (
    Directory,
    artifact,
    get_context,
    pipeline,
    register_artifact,
    save_artifact,
    step,
)
from stackfold.domain.errors import RunFailed
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.infrastructure.system.home import SECRETS_FOLDER
from stackfold.infrastructure.system.webhook_signatures import verified
from stackfold.infrastructure.workspace import Workspace
from stackfold.steps import validate

NEVER_CACHED = RunConfiguration(enable_cache=False)

# -- pipelines


@step
def announce() -> list[bool]:
    context = get_context()
    return [
        context.alerter.post("training began", facts={"step": context.step}),
        context.component("alerter", "oncall").post("wake up", level="error"),
    ]


@pipeline
def announcing():
    announce()


@step
def betray(fails: bool) -> int:
    """Put the secrets of a component wherever a step can put something."""
    context = get_context()
    keys = [context.alerter.secret(each) for each in ("{{hook.key}}", "{{hook.token}}")]
    text = " ".join(keys)
    print("printed", text)
    context.log_metadata({"noted": text})
    context.alerter.post("posted " + text)
    if fails:
        raise ValueError("raised " + text)
    return len(text)


@pipeline
def betraying(fails: bool = False):
    betray(fails)


@step
def rows(largest: int) -> dict[str, list[int]]:
    return {"a": [1, 2, largest], "b": [0, 0, 0]}


@step
def profile(data: dict[str, list[int]]) -> str:
    return str(get_context().data_validator.profile(data).columns["a"]["max"])


@pipeline
def checking(largest: int = 3):
    data = rows(largest)
    profile(data)
    validate(data, {"a": 3, "b": 0})


@step(retries=1)
def train(name: str, epochs: int, fails_after: int = 0) -> dict[str, int]:
    """Save a checkpoint after each epoch; the next attempt begins after the last one."""
    context = get_context()
    last = context.last_saved(name)
    for epoch in range((last["epoch"] if last else 0) + 1, epochs + 1):
        context.save_artifact(
            {"epoch": epoch},
            name,
            label=f"epoch-{epoch}",
            tags=["team:vision"],
            metadata={"loss": 1 / epoch},
        )
        if epoch == fails_after:
            raise ValueError("power cut")
    return {"epochs": epochs}


@pipeline(model="vision")
def training(fails_after: int = 0):
    train("weights", 3, fails_after)


@pipeline
def training_at_once():
    for _ in range(3):
        train("weights", 3)


@step
def evaluate(first: dict[str, int]) -> int:
    context = get_context()
    given = context.inputs["first"]
    context.log_metadata({"given": given.reference, "model": given.model_version})
    return first["epoch"] * 10 + context.load_artifact("weights@epoch-2")["epoch"]


@pipeline
def evaluating():
    evaluate(artifact("weights@1"))


@step(tags=["declared"])
def describe() -> tuple[Annotated[int, "one"], Annotated[int, "two"]]:
    context = get_context()
    context.add_tags("added")
    context.add_tags("large", output="two")
    context.log_metadata({"auc": 0.9})
    context.log_metadata({"rows": 3}, output="two")
    return 1, 2


@pipeline
def describing():
    describe()


@step
def keep(folder: str) -> list[str]:
    """Save and register artifacts by the functions that a program has, too."""
    file = Path(folder, "rows.csv")
    file.write_text("a,b\n1,2\n")
    whole = Directory()
    (whole / "weights.bin").write_bytes(b"\1\2")
    return [
        save_artifact([1, 2], "numbers", label="first").reference,
        register_artifact(file, "table", tags=["raw"]).reference,
        get_context().save_artifact(whole, "folder").reference,
    ]


@pipeline
def keeping(folder: str):
    keep(folder)


@step
def publish(auc: float) -> int:
    context = get_context()
    version = context.use_model("fraud")
    context.log_model_metadata({"auc": auc})
    return version.number


@step
def find(model: str) -> list[list[str]]:
    return [sorted(each.aliases) for each in get_context().model_registry.versions(model)]


@pipeline
def publishing(auc: float = 0.9):
    publish(auc)


@pipeline
def finding():
    find("fraud")


@step
def search() -> list[str]:
    context = get_context()
    return [*context.components("alerter"), context.component("feature_store", "none").flavor]


@pipeline
def searching():
    search()


# -- what comes of them


class StepsOnEngineContract:
    """What a step reaches where an engine executes it, with the log in a home or in PostgreSQL."""

    @pytest.fixture
    def engine(self):
        """The flavor and the configuration of the orchestrator."""
        raise NotImplementedError("override the fixture 'engine'")

    @pytest.fixture(params=["in a home", "in PostgreSQL"])
    def ws(self, request, tmp_path, monkeypatch):
        """A workspace whose log the processes of an engine reach."""
        if request.param == "in a home":
            with Workspace.open(tmp_path / "home") as workspace:
                yield workspace
            return
        with request.getfixturevalue("postgres").lent() as url:
            monkeypatch.setenv("STACKFOLD_STORE", url)
            with Workspace.open(tmp_path / "home", url) as workspace:
                yield workspace

    @pytest.fixture
    def receiver(self):
        with webhook_receiver() as receiver:
            yield receiver

    @pytest.fixture
    def secrets(self, ws):
        """The secrets of the alerter."""
        secrets = {"key": f"signs-{uuid4().hex}", "token": f"opens-{uuid4().hex}"}
        ws.secrets.create("hook", secrets)
        return secrets

    @pytest.fixture
    def run(self, ws, engine, secrets, receiver, tmp_path):
        """A function that runs a pipeline on a stack with the engine."""
        flavor, configuration = engine
        ws.components.register(ORCHESTRATOR, "engine", flavor, configuration)
        for name in ("hook", "oncall"):
            ws.components.register(
                "alerter",
                name,
                "webhook",
                {
                    "url": f"{receiver.url}{name}",
                    "signing_key": "{{hook.key}}",
                    "headers": {"X-Token": "{{hook.token}}"},
                },
            )
        ws.flavors.register("data_validator", "plain_validator.Limits")
        ws.components.register("data_validator", "limits", "limits")
        ws.flavors.register("model_registry", "file_registry.FileRegistry")
        ws.components.register(
            "model_registry", "files", "files", {"path": str(tmp_path / "registry")}
        )
        ws.stacks.register(
            "engine",
            orchestrator="engine",
            artifact_store="default",
            alerter=["hook", "oncall"],
            data_validator="limits",
            model_registry="files",
        )

        def started(pipeline, **parameters):
            return ws.runs.start(pipeline, parameters, configuration=NEVER_CACHED, stack="engine")

        return started

    # -- components

    def test_a_step_posts_by_the_alerters_of_its_stack(self, ws, run, receiver, secrets):
        done = run(announcing)
        assert ws.runs.load(done.id, "announce") == [True, True]
        assert [each.path for each in receiver.received] == ["/hook", "/oncall"]
        for each in receiver.received:
            assert each.headers["x-token"] == secrets["token"]
            id = each.headers["webhook-id"]
            assert verified(id, time.time(), each.headers, each.body, secrets["key"])
        content = json.loads(receiver.received[0].body)
        assert (content["text"], content["facts"]) == ("training began", {"step": "announce"})
        assert content["thread"] == done.name

    @pytest.mark.parametrize("fails", [False, True])
    def test_the_secrets_of_a_component_are_written_nowhere(
        self, ws, run, receiver, secrets, fails, tmp_path, capfd
    ):
        if fails:
            with pytest.raises(RunFailed) as failed:
                run(betraying, fails=True)
            shown = f"{failed.value} {failed.value.traceback} {failed.value.__cause__!r}"
            assert "raised" in shown
        else:
            done = run(betraying)
            assert ws.runs.load(done.id, "betray") == len(" ".join(secrets.values()))
            shown = ""
        recorded = ws.runs.describe("latest")
        (log,) = ["".join(ws.runs.logs(recorded.id, each.name)) for each in recorded.steps]
        assert "printed" in log
        assert "noted" in recorded.steps[0].metadata
        posted = receiver.received[0].body.decode()
        assert "posted" in posted
        events = [*ws.log.events()]
        everything = [shown, *capfd.readouterr(), repr(recorded), log, posted, repr(events)]
        for value in secrets.values():
            assert [each for each in everything if value in each] == []
            assert files_with(value, tmp_path) == []

    def test_a_step_validates_data(self, ws, run):
        done = run(checking)
        assert ws.runs.load(done.id, "profile") == "3"
        report = ws.runs.load(done.id, "validate")
        assert (report.passed, report.total, report.tool) == (True, 2, "limits")
        with pytest.raises(RunFailed, match="1 of 2 checks failed: a: limit: 1 of 3 rows"):
            run(checking, largest=41)
        assert ws.artifacts.load("validation").failures[0].examples == ("41",)
        failed = ws.runs.describe("latest").steps[-1]
        assert (failed.name, failed.metadata["failed_checks"]) == ("validate", 1)

    def test_a_step_reads_the_model_registry(self, ws, run):
        ws.stacks.activate("engine")  # whose registry has the versions
        for number, auc in enumerate((0.8, 0.9), start=1):
            assert ws.runs.load(run(publishing, auc=auc).id, "publish") == number
            assert ws.models.describe_version("fraud", number).metadata["auc"] == auc
            ws.models.promote("fraud", number, "production" if number == 2 else "staging")
        assert ws.runs.load(run(finding).id, "find") == [["staging"], ["production"]]

    def test_a_component_that_the_stack_lacks_is_an_error_of_the_step(self, ws, run):
        with pytest.raises(RunFailed, match="stack 'engine' has no feature store"):
            run(searching)

    # -- artifacts

    def test_another_pipeline_loads_what_a_step_saved(self, ws, run):
        made = run(training)
        (trained,) = ws.runs.describe(made.id).steps
        assert [each.reference for each in trained.saved] == ["weights@1", "weights@2", "weights@3"]
        second = ws.artifacts.describe("weights@epoch-2")
        assert (second.tags, second.metadata) == (["team:vision"], {"loss": 0.5})
        done = run(evaluating)
        assert ws.runs.load(done.id, "evaluate") == 12
        (step,) = ws.runs.describe(done.id).steps
        assert step.used == {"weights@epoch-2": "weights@2"}
        assert step.metadata["given"] == "weights@1"
        assert step.metadata["model"] == "vision@1"
        for reference in ("weights@1", "weights@2"):
            lineage = ws.artifacts.lineage(reference)
            assert [(each.run, each.step) for each in lineage.upstream] == [(made.name, "train")]
            assert [(each.run, each.step) for each in lineage.downstream] == [
                (done.name, "evaluate")
            ]

    def test_another_attempt_continues_from_the_last_checkpoint(self, ws, run):
        made = run(training, fails_after=2)
        (trained,) = ws.runs.describe(made.id).steps
        assert trained.retried == ["ValueError: power cut"]
        assert [ws.artifacts.load(f"weights@{n}")["epoch"] for n in (1, 2, 3)] == [1, 2, 3]
        assert len(ws.artifacts.versions("weights")) == 3

    def test_steps_save_checkpoints_of_one_name_at_once(self, ws, run):
        made = run(training_at_once)
        steps = ws.runs.describe(made.id).steps
        saved = [[each.reference for each in step.saved] for step in steps]
        assert {*chain(*saved)} == {f"weights@{number}" for number in range(1, 10)}
        for references in saved:
            assert [ws.artifacts.load(each)["epoch"] for each in references] == [1, 2, 3]

    def test_a_step_saves_and_registers_artifacts_in_the_log_of_its_run(self, ws, run, tmp_path):
        done = run(keeping, folder=str(tmp_path))
        assert ws.runs.load(done.id, "keep") == ["numbers@1", "table@1", "folder@1"]
        assert ws.artifacts.load("numbers@first") == [1, 2]
        assert ws.artifacts.load("table") == b"a,b\n1,2\n"
        assert ws.artifacts.describe("table").tags == ["raw"]
        assert (ws.artifacts.load("folder") / "weights.bin").read_bytes() == b"\1\2"

    def test_a_step_adds_tags_and_metadata(self, ws, run):
        (step,) = ws.runs.describe(run(describing).id).steps
        assert step.tags == ["declared", "added"]
        assert step.metadata["auc"] == 0.9
        one, two = (ws.artifacts.describe(each.id) for each in step.outputs)
        assert (one.tags, one.metadata) == ([], {})
        assert (two.tags, two.metadata["rows"]) == (["large"], 3)


def files_with(value, folder):
    """The files below a folder that contain a text, except those of the secret store."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.parent.name != SECRETS_FOLDER
        and value.encode() in path.read_bytes()
    ]
