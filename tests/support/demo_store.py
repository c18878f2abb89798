"""A log to look at in the browser: five stacks, five people and forty runs of three weeks.

Among them are failures, artifacts of every kind that a page shows, and names and texts that
attack a page. `demo` makes it in a folder, through the public library.
"""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from browsing import HOSTILE
from freezegun import freeze_time
from freezegun.api import TickingDateTimeFactory
from plain_deployer import kill

from stackfold import Directory, Output, Workspace, artifact, get_context, pipeline, step
from stackfold.errors import PromotionRefused, RunFailed

ADA, BOB, EVE, LIN = "ada@example.com", "bob@example.com", "eve@example.com", "lin@example.com"
MALLORY = "<b>mallory</b>\"'@example.com"
DAYS = 21


class Opaque:
    """An object of which a page knows nothing: it is stored as a pickle."""


@step
def load(rows: int, region: str) -> Annotated[Any, Output("customers", label="{region}-{rows}")]:
    import pandas as pd

    print(f"reading {rows:,} rows of {region}")
    chance = random.Random(rows)
    return pd.DataFrame(
        {
            "customer": [f"c{at:05}" for at in range(400)],
            "region": [region] * 400,
            "spend": [round(chance.gauss(120, 40), 2) for _ in range(400)],
            "churned": [chance.random() < 0.2 for _ in range(400)],
        }
    )


@step
def validate(data: Any, most_missing: float) -> dict[str, Any]:
    print("columns: " + ", ".join(map(str, data.columns)))
    return {"rows": len(data), "missing": 0.0, "allowed": most_missing}


@step
def train(data: Any, learning_rate: float, depth: int, full: bool) -> dict[str, float]:
    if full:
        raise OSError("no space is left on the device of the artifact store")
    chance = random.Random(f"{learning_rate}{depth}{len(data)}")
    for epoch in range(3):
        print(f"epoch {epoch + 1}: loss {0.6 / (epoch + 1) / (1 + learning_rate):.4f}")
    auc = 0.9 + learning_rate / 4 - depth / 400 + chance.random() / 500
    get_context().log_metadata({"auc": round(auc, 4), "loss": round(0.2 / (1 + depth), 4)})
    return {"slope": 2.0, "offset": 0.5}


@step
def evaluate(model: dict[str, float], data: Any) -> dict[str, Any]:
    get_context().log_metadata({"recall": 0.81, "precision": 0.77})
    get_context().add_tags("reviewed")
    return {"confusion": [[312, 18], [22, 48]], "notes": "recall is what the team looks at"}


@step
def draw(data: Any) -> Any:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (480, 260), "white")
    pen = ImageDraw.Draw(picture)
    for at in range(40):
        height = 20 + (at * 37) % 190
        pen.rectangle((10 + at * 11.5, 245 - height, 18 + at * 11.5, 245), fill=(70, 110, 190))
    return picture


@step
def plot(data: Any) -> Any:
    import plotly.graph_objects as go

    return go.Figure(go.Bar(x=["north", "south"], y=[3, 5]), {"title": {"text": HOSTILE[:25]}})


@step
def embed(data: Any) -> Any:
    import numpy as np

    return np.arange(60, dtype="float32").reshape(12, 5)


@step
def write(data: Any) -> Directory:
    folder = Directory()
    (folder / "notes.txt").write_text(HOSTILE)
    (folder / "regions").mkdir()
    for region in ("north", "south", "east", "west"):
        (folder / "regions" / f"{region}.csv").write_text(f"region,customers\n{region},100\n")
    return folder


@step
def keep(data: Any) -> Any:
    return Opaque()


@step
def attack(text: str) -> Any:
    print(text * 3)
    get_context().log_metadata({"note": text, text[:20]: 1})
    return {text: [text], "page": f"<svg onload=alert(3)>{text}"}


@step
def score(rows: int) -> list[float]:
    print(f"scored {rows} rows")
    return [round(0.1 * at, 1) for at in range(10)]


@step
def fail_with(text: str, data: Any) -> None:
    raise ValueError(text)


@pipeline(model="churn")
def training(
    rows: int = 20_000,
    region: str = "emea",
    learning_rate: float = 0.1,
    depth: int = 6,
    full: bool = False,
):
    data = load(rows, region)
    validate(data, 0.02)
    model = train(data, learning_rate, depth, full)
    evaluate(model, data)
    draw(data)


@pipeline
def report(region: str = "emea", rows: int = 500):
    data = load(rows, region)
    plot(data)
    embed(data)
    write(data)
    keep(data)


@pipeline
def scoring(rows: int = 1000):
    score(rows)


@step
def count(customers: Any) -> dict[str, int]:
    return {"customers": len(customers)}


@pipeline(model="segments")
def segmenting():
    count(artifact("customers@approved"))


@pipeline
def hostile(text: str = HOSTILE, fail: bool = True):
    found = attack(text)
    fail_with(text, found)


class _Story(NamedTuple):
    """Writes what happened, at its time."""

    ws: Workspace
    clock: TickingDateTimeFactory
    begun: datetime

    def at(self, days: float) -> None:
        """Go to a time, in days since the begin."""
        self.clock.move_to(self.begun + timedelta(days=days))

    def run(self, by: str, pipeline: Any, stack: str, why: str = "", **parameters: Any) -> None:
        with self.ws.acting_as(by):
            try:
                self.ws.runs.start(pipeline, parameters, stack=stack, why=why)
            except RunFailed:
                return


def demo(home: Path) -> Workspace:
    """Make the log in a folder, and return its workspace; `end` ends what it started."""
    warm_up()
    begun = datetime.now(UTC) - timedelta(days=DAYS)
    with freeze_time(begun, tick=True) as clock:
        ws = Workspace.open(home, actor=ADA)
        story = _Story(ws, clock, begun)
        _setup(story)
        _three_weeks(story)
    _models(ws)
    _deployments(ws)
    return ws


def warm_up() -> None:
    """Use everything once: schemas that pydantic makes at a false time are wrong."""
    with Workspace.in_memory() as ws:
        ws.components.register("artifact_store", "lake", "local")
        ws.stacks.register("prod", orchestrator="default", artifact_store="lake", activate=True)
        ws.runs.start(training)
        ws.runs.start(report)


def end(ws: Workspace) -> None:
    """End the servers of the deployments, and close the workspace."""
    kill(ws.home)
    ws.close()


def _setup(story: _Story) -> None:
    ws = story.ws
    # A page names the place of its log; the values of a component are texts.
    ws.components.register("artifact_store", "lake", "local", why="the bucket of the team")
    ws.components.register("artifact_store", "scratch", "local", why="what may be lost")
    ws.components.register("orchestrator", "threads", "local", {"max_parallel": 4})
    ws.flavors.register("model_deployer", "plain_deployer.PlainDeployer")
    ws.components.register("model_deployer", "serving", "plain", {"image": "registry/serve:1"})
    ws.stacks.register(
        "prod", orchestrator="threads", artifact_store="lake", model_deployer="serving",
        description="What the customers get.", labels={"tier": "gold", "owner": "ml-platform"},
        activate=True, why="goes live",
    )  # fmt: skip
    ws.stacks.copy("prod", "nightly", why="retraining at night")
    with ws.acting_as(BOB):
        ws.stacks.register("staging", orchestrator="default", artifact_store="scratch",
                           why="try things out")  # fmt: skip
    with ws.acting_as(MALLORY):
        ws.components.register("artifact_store", "odd", "local", why=HOSTILE)
        ws.stacks.register("odd", orchestrator="default", artifact_store="odd",
                           description=HOSTILE, labels={"tier": HOSTILE}, why=HOSTILE)  # fmt: skip


def _three_weeks(story: _Story) -> None:
    ws = story.ws
    for day in range(1, 19):
        story.at(day)
        story.run(ADA, training, "prod", "the daily model" if day == 1 else "",
                  learning_rate=0.1 + 0.01 * (day % 4), depth=5 + day % 3,
                  rows=20_000 + (day >= 9) * 5_000)  # fmt: skip
        if day % 3 == 0:
            story.at(day + 0.1)
            story.run(EVE, training, "nightly", rows=30_000, full=day in {9, 12})
        if day % 5 == 0:
            story.at(day + 0.2)
            story.run(BOB, report, "staging", region=("emea", "apac")[day % 2])
        if day == 6:
            with ws.acting_as(LIN):
                ws.components.update("artifact_store", "lake", {"path": str(ws.home / "lake-2")},
                                     why="the first disk is full at 91 %")  # fmt: skip
        if day == 11:
            with ws.acting_as(EVE):
                ws.stacks.update("nightly", artifact_store="scratch", why="cheaper storage")
        if day == 13:
            with ws.acting_as(LIN):
                ws.stacks.update("nightly", artifact_store="lake", why="scratch runs full")
    for number in range(3):
        story.at(18.3 + number / 10)
        story.run(LIN, scoring, "staging", rows=100 * number)
        story.run(MALLORY, hostile, "odd", HOSTILE, fail=True)
    story.at(19)
    with ws.acting_as(BOB):
        ws.components.update(
            "orchestrator",
            "threads",
            {"max_parallel": 2},
            why="half of the machine is needed for the report of the quarter",
        )
        ws.stacks.update("prod", artifact_store="scratch", why="the lake is read-only today")
    for number in range(2):
        story.at(19.5 + number)
        story.run(ADA, training, "prod", learning_rate=0.15, full=True)
    story.at(20.7)
    with ws.acting_as(LIN):
        ws.stacks.update("staging", description="To try things out: emptied every Sunday.",
                         labels={"owner": "bob"}, why="who to ask")  # fmt: skip


def _models(ws: Workspace) -> None:
    """What was promoted, refused and rolled back, and which data was approved."""
    models = ws.models
    with ws.acting_as(LIN):
        models.update("churn", "Who leaves in the next 30 days.", ["team:growth"], why="for all")
        models.set_gate("churn", "auc >= 0.9 and auc >= production.auc", why="agreed on 3 March")
    versions = sorted(models.versions("churn"), key=lambda each: each.metrics["auc"])
    worst, middle, best = versions[0].number, versions[8].number, versions[-1].number
    with ws.acting_as(ADA):
        models.promote("churn", middle, why="the first one that the team trusts")
        models.promote("churn", versions[9].number, "champion", why="what we compare with")
        ws.artifacts.alias("customers@1", "approved", "checked by hand")
    with ws.acting_as(EVE):
        try:
            models.promote("churn", worst, why="it is smaller")
        except PromotionRefused:
            models.annotate_version("churn", worst, description="Too small.", add=["rejected"])
        models.promote("churn", best, "staging", why="shadow traffic")
        models.promote("churn", best, why="new features")
        ws.artifacts.alias("customers@2", "approved", "without test accounts")
    with ws.acting_as(BOB):
        models.rollback("churn", why="complaints from support since this morning")
    with ws.acting_as(MALLORY):
        models.register("odd", HOSTILE, why=HOSTILE)
        models.set_gate("odd", "auc > 0", why=HOSTILE)
    ws.runs.start(segmenting, stack="prod")


def _deployments(ws: Workspace) -> None:
    with ws.acting_as(EVE):
        ws.deployments.deploy("churn", "training/train/output", "prod", why="the new model")
        ws.deployments.deploy("churn-canary", "training/train/output", "prod")
        ws.deployments.stop("churn-canary", why="it is as good as the old model")
