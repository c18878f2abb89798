"""Lists and dictionaries of arrays and frames are stored without a pickle."""

import pytest
from round_trip import MATERIALIZERS

from stackfold import Directory
from stackfold.application.artifacts import collections
from stackfold.application.artifacts.values import read, write
from stackfold.domain.errors import PickleForbidden
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

SAFE = MATERIALIZERS.without_pickles()


@pytest.fixture
def store(tmp_path):
    return LocalArtifactStore(LocalArtifactStore.Configuration(), tmp_path)


def round_trip(store, value, materializers=SAFE):
    artifact = write("output", value, store, materializers)
    return artifact, read(artifact, store, materializers)


def arrays():
    import numpy as np

    return [np.arange(3), np.ones((2, 2)), np.arange(3)]


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_sequence_of_arrays(store, kind):
    import numpy as np

    artifact, back = round_trip(store, kind(arrays()))
    assert (artifact.materializer, artifact.type) == ("collection", f"builtins.{kind.__name__}")
    assert type(back) is kind
    assert all(map(np.array_equal, back, arrays()))


def test_a_dictionary_of_frames_numbers_and_lists(store):
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"a": range(30_000)})
    value = {"train/x": frame, "..": {"deep": arrays()}, "auc": 0.9, "é": (1, "two")}
    artifact, back = round_trip(store, value)
    assert artifact.materializer == "collection"
    assert list(back) == list(value)
    pd.testing.assert_frame_equal(back["train/x"], frame)
    assert all(map(np.array_equal, back[".."]["deep"], arrays()))
    assert (back["auc"], back["é"]) == (0.9, (1, "two"))


def test_equal_collections_are_equal_artifacts(store):
    assert round_trip(store, arrays())[0].digest == round_trip(store, arrays())[0].digest


def test_directories_in_a_dictionary(store):
    directory = Directory()
    (directory / "a.txt").write_text("a")
    (directory / "empty").mkdir()
    _, back = round_trip(store, {"data": directory})
    assert back["data"].files == {"a.txt": 1}
    assert (back["data"] / "empty").is_dir()


class Opaque:
    pass


def cyclic():
    value = arrays()
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [lambda: [*arrays(), Opaque()], cyclic, lambda: {1: arrays()[0]}],
    ids=["opaque", "cyclic", "numbered"],
)
def test_a_collection_with_what_only_a_pickle_stores_is_pickled_as_a_whole(store, value):
    artifact, _ = round_trip(store, value(), MATERIALIZERS)
    assert artifact.materializer == "cloudpickle"
    with pytest.raises(PickleForbidden):
        write("output", value(), store, SAFE)


def test_a_directory_is_never_pickled(store):
    with pytest.raises(TypeError, match="a Directory cannot be pickled"):
        write("output", {1: Directory()}, store, MATERIALIZERS)


def test_a_very_long_collection_is_pickled(store, monkeypatch):
    monkeypatch.setattr(collections, "MOST_ELEMENTS", 2)
    assert round_trip(store, arrays(), MATERIALIZERS)[0].materializer == "cloudpickle"


def test_plain_values_stay_json(store):
    assert round_trip(store, [{"a": [1, 2]}])[0].materializer == "json"
