"""Models and data of common libraries are stored in the formats of these libraries."""

import pytest
from round_trip import MATERIALIZERS

from stackfold.application.artifacts.values import read, write
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

SAFE = MATERIALIZERS.without_pickles()


@pytest.fixture
def round_trip(tmp_path):
    store = LocalArtifactStore(LocalArtifactStore.Configuration(), tmp_path)

    def written_and_read(value, materializers=SAFE):
        artifact = write("output", value, store, materializers)
        return artifact, read(artifact, store, materializers)

    return written_and_read


def library(name):
    return pytest.importorskip(name, reason=f"{name} is installed by `make test-flavors` only")


def samples():
    import numpy as np

    features = np.random.default_rng(0).normal(size=(200, 3))
    return features, (features.sum(axis=1) > 0).astype(int)


def test_a_booster_of_lightgbm(round_trip):
    lightgbm = library("lightgbm")
    features, labels = samples()
    data = lightgbm.Dataset(features, labels)
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, data, 5)
    artifact, back = round_trip(booster)
    assert (artifact.materializer, artifact.metadata) == ("lightgbm", {"trees": 5, "features": 3})
    assert (back.predict(features) == booster.predict(features)).all()
    assert round_trip(back)[0].digest == artifact.digest


def test_a_booster_of_xgboost(round_trip):
    xgboost = library("xgboost")
    features, labels = samples()
    data = xgboost.DMatrix(features, labels)
    booster = xgboost.train({"objective": "binary:logistic"}, data, 5)
    artifact, back = round_trip(booster)
    assert (artifact.materializer, artifact.metadata) == ("xgboost", {"trees": 5, "features": 3})
    assert (back.predict(data) == booster.predict(data)).all()
    assert round_trip(back)[0].digest == artifact.digest


@pytest.mark.parametrize("name", ["lightgbm.LGBMClassifier", "xgboost.XGBClassifier"])
def test_an_estimator_in_the_manner_of_sklearn_is_pickled(round_trip, name):
    module, _, kind = name.partition(".")
    features, labels = samples()
    options = {"verbose": -1} if module == "lightgbm" else {}
    model = getattr(library(module), kind)(n_estimators=5, **options).fit(features, labels)
    assert round_trip(model, MATERIALIZERS)[0].materializer == "cloudpickle"


def test_a_model_of_onnx(round_trip):
    onnx = library("onnx")
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph)
    artifact, back = round_trip(model)
    assert artifact.materializer == "onnx"
    assert artifact.metadata == {"operators": 1, "inputs": ["x"], "outputs": ["y"]}
    onnx.checker.check_model(back)
    assert back == model


@pytest.mark.parametrize("splits", [False, True])
def test_a_dataset_of_hugging_face(round_trip, splits):
    datasets = library("datasets")
    data = datasets.Dataset.from_dict({"a": list(range(100)), "t": ["x"] * 100})
    value = datasets.DatasetDict(train=data, test=data.select(range(3))) if splits else data
    artifact, back = round_trip(value)
    assert artifact.materializer == "hf-dataset"
    rows = {"train": 100, "test": 3} if splits else 100
    assert artifact.metadata == {"rows": rows, "columns": ["a", "t"]}
    assert type(back) is type(value)
    assert (back["test"] if splits else back)[2] == {"a": 2, "t": "x"}
    assert datasets.are_progress_bars_disabled() is False


def test_a_schema_of_pandera(round_trip):
    library("pandera")
    import pandera.pandas as pandera

    schema = pandera.DataFrameSchema({"a": pandera.Column(int, pandera.Check.gt(0))})
    artifact, back = round_trip(schema)
    assert (artifact.materializer, artifact.metadata) == ("pandera", {"columns": ["a"]})
    assert back == schema


def test_a_schema_with_a_function_is_pickled(round_trip):
    library("pandera")
    import pandera.pandas as pandera

    schema = pandera.DataFrameSchema({"a": pandera.Column(int, pandera.Check(lambda x: x > 0))})
    assert round_trip(schema, MATERIALIZERS)[0].materializer == "cloudpickle"


def test_a_dictionary_of_models_needs_no_pickle(round_trip):
    lightgbm = library("lightgbm")
    features, labels = samples()
    data = lightgbm.Dataset(features, labels)
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, data, 2)
    artifact, back = round_trip({"model": booster, "auc": 0.9, "samples": features})
    assert artifact.materializer == "collection"
    assert (back["model"].predict(features) == booster.predict(features)).all()
