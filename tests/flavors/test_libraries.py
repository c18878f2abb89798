"""Models and data of common libraries are stored in the formats of these libraries."""

import importlib.util

import pytest
from round_trip import MATERIALIZERS

from stackfold.application.artifacts.values import read, write
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

SAFE = MATERIALIZERS.without_pickles()


@pytest.fixture
def round_trip(tmp_path):
    store = LocalArtifactStore(LocalArtifactStore.Configuration(), tmp_path)

    def written_and_read(value, materializers=SAFE, chosen=""):
        artifact = write("output", value, store, materializers, chosen)
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


# -- chosen by steps


def estimator():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*samples())


def test_an_estimator_is_no_pickle_where_a_step_chooses_skops(round_trip):
    library("skops")
    model, (features, _) = estimator(), samples()
    artifact, back = round_trip(model, chosen="skops")
    assert (artifact.materializer, artifact.versions) == ("skops", {})
    assert artifact.metadata["features"] == 3
    assert (back.predict(features) == model.predict(features)).all()
    several, back = round_trip({"a": model, "limit": 0.5}, chosen="skops")
    assert (several.materializer, back["limit"]) == ("collection", 0.5)


def test_skops_rejects_types_that_it_does_not_trust(round_trip):
    library("skops")
    from sklearn.preprocessing import FunctionTransformer

    with pytest.raises(TypeError, match="does not trust"):
        round_trip(FunctionTransformer(samples), chosen="skops")
    with pytest.raises(TypeError, match=r"'skops' does not accept a builtins\.int"):
        round_trip(3, chosen="skops")


def test_a_dictionary_of_arrays_is_one_file_of_safetensors(round_trip):
    library("safetensors")
    import numpy as np

    arrays = {"a": np.ones((2, 3), "f4"), "b": np.arange(3).T, "empty": np.zeros((0, 2))}
    artifact, back = round_trip(arrays, chosen="safetensors")
    assert artifact.metadata["shapes"] == {"a": [2, 3], "b": [3], "empty": [0, 2]}
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)
    for other in ({}, {"a": np.array(["x"])}, {"a": np.ones(2, ">f4")}):
        with pytest.raises(TypeError):
            round_trip(other, chosen="safetensors")


# -- keras


@pytest.fixture
def keras(monkeypatch):
    backend = next((each for each in ("jax", "torch") if importlib.util.find_spec(each)), "jax")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    return library("keras")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras on torch
def test_a_model_of_keras_is_a_keras_file(round_trip, keras):
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    features, _ = samples()
    artifact, back = round_trip(model)
    assert (artifact.materializer, artifact.files) == ("keras", 1)
    assert artifact.metadata == {"layers": 1, "parameters": 8}
    assert artifact.preview.size > 100
    predicted = [keras.ops.convert_to_numpy(each(features)) for each in (model, back)]
    assert abs(predicted[0] - predicted[1]).max() < 1e-6


def test_a_model_of_keras_with_code_is_pickled(round_trip, keras):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    for layer in (keras.layers.Lambda(lambda x: x), Mine()):
        model = keras.Sequential([keras.layers.Input((3,)), layer])
        assert MATERIALIZERS.prepare(model)[0].name == "cloudpickle"
    unbuilt = keras.Sequential([keras.layers.Dense(2)])
    assert MATERIALIZERS.prepare(unbuilt)[0].name == "cloudpickle"
