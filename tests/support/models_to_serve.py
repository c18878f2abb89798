"""Models that pipelines make, and what a deployer is told of them."""

import sys
import time
from pathlib import Path
from uuid import uuid4

import cloudpickle
import numpy
from sklearn.linear_model import LogisticRegression

from stackfold.application.artifacts.own_materializers import materializer
from stackfold.application.ports.model_deployer import ModelToServe
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

# A server cannot import the tests.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

STORE = ComponentType.ARTIFACT_STORE
FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 4.7, 1.5], [6.3, 3.3, 6.0, 2.5]]


@step(enable_cache=False)
def train() -> LogisticRegression:
    from sklearn.datasets import load_iris

    return LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))


@Pipeline
def training():
    train()


def making(kind):
    """A pipeline that makes another model: an instance of a class."""

    @step(enable_cache=False)
    def make():
        return kind()

    def making():
        make()

    return Pipeline(making)


class Sleeping:
    """A model that takes its time to be loaded."""

    def __reduce__(self):
        return time.sleep, (60,)


class Broken:
    """A model that cannot be loaded."""

    def __reduce__(self):
        return int, ("this is no number",)


class Versatile:
    """A model of one's own that answers as it is told to."""

    def predict(self, asked):
        if hasattr(asked, "columns"):
            return asked["price"] * asked["amount"] + asked["name"].str.len()
        match asked[0][0]:
            case 0:
                raise RuntimeError("the model\nis out of order")
            case 1:
                return numpy.array([1.0, numpy.nan])
            case 2:
                return numpy.array([1.0, numpy.inf])
            case 3:
                return time.sleep(30)
        return {"twice": asked * 2, "first": numpy.array([f"{row[0]:g}" for row in asked])}


class Zeros:
    """A model that is worse than the others."""

    def predict(self, asked):
        return numpy.zeros(len(asked), dtype=int)


class Thresholds:
    """A model that its materializer stores as a folder."""

    def __init__(self, limits):
        self.limits = limits

    def predict(self, asked):
        return numpy.array([sum(row[2] > limit for limit in self.limits) for row in asked])


@materializer(name="test-thresholds", for_type=Thresholds)
class ThresholdsAsFolder:
    def write_folder(self, value, folder):
        for number, limit in enumerate(value.limits):
            (folder / f"{number}.txt").write_text(str(limit))

    def read_folder(self, folder):
        return Thresholds([float(each.read_text()) for each in sorted(folder.iterdir())])


@step(enable_cache=False)
def measure() -> Thresholds:
    return Thresholds([2.5, 4.9])


@Pipeline
def measuring():
    measure()


def made(home, pipeline=training, name="flowers", stack="default"):
    """A model that a pipeline has made, as it is to be served."""
    with Workspace.open(home) as ws:
        run = ws.runs.start(pipeline, stack=stack)
        (artifact,) = ws.runs.artifacts(run.id)
        kept = ws.components.get(STORE, ws.stacks.get(stack).components[STORE][0])
        store = ws.flavors.build(STORE, kept.flavor, kept.configuration)

    def copy(path):
        with store.open(artifact.uri, artifact.digest) as file:
            Path(path).write_bytes(file.read())

    def load():
        with Workspace.open(home) as ws:
            return ws.artifacts.load(artifact.reference)

    return ModelToServe(
        id=str(uuid4()),
        name=name,
        artifact=artifact.reference,
        type=artifact.type,
        uri=artifact.uri,
        digest=artifact.digest,
        versions=artifact.versions,
        stack=run.stack,
        stack_revision=run.stack_revision,
        load=load,
        copy=copy,
        environment=store.environment(),
    )
