"""Lists and dictionaries of arrays and frames are stored without a pickle."""

from datetime import date
from enum import Enum

import pytest
from round_trip import MATERIALIZERS

from stackfold import Directory, Workspace, pipeline, step
from stackfold.application.artifacts import collections
from stackfold.application.artifacts.folders import open_folder
from stackfold.application.artifacts.values import read, write
from stackfold.domain.errors import PickleForbidden
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

TAKEN: list[int] = []
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
    [lambda: [*arrays(), Opaque()], cyclic, lambda: {Opaque(): arrays()[0]}],
    ids=["opaque", "cyclic", "opaque key"],
)
def test_a_collection_with_what_only_a_pickle_stores_is_pickled_as_a_whole(store, value):
    artifact, _ = round_trip(store, value(), MATERIALIZERS)
    assert artifact.materializer == "cloudpickle"
    with pytest.raises(PickleForbidden):
        write("output", value(), store, SAFE)


def test_a_directory_is_never_pickled(store):
    with pytest.raises(TypeError, match="a Directory cannot be pickled"):
        write("output", {Opaque(): Directory()}, store, MATERIALIZERS)


class Colour(Enum):
    RED = 1


@pytest.mark.parametrize(
    "key", [1, -2.5, True, None, (1, "a"), date(2026, 3, 1), Colour.RED, "", "exact", "\n/.."]
)
def test_keys_are_any_values_with_an_exact_form(store, key):
    artifact, back = round_trip(store, {key: arrays()[0], "other": 1})
    assert artifact.materializer == "collection"
    assert [*back] == [key, "other"]
    assert type(next(iter(back))) is type(key)


def test_pictures_tables_and_empty_collections_in_one_another(store):
    pa = pytest.importorskip("pyarrow")
    image = pytest.importorskip("PIL.Image")
    import numpy as np

    value = {
        "pictures": [image.new("RGB", (2, 3), "red"), image.new("L", (1, 1))],
        "nothing": [[], {}, ()],
        "deep": ([({"x": (np.zeros(0),)},)],),
        "mixed": [b"bytes", 1, None, pa.table({"a": [1]}), np.float32(2)],
    }
    artifact, back = round_trip(store, value)
    assert artifact.materializer == "collection"
    assert [each.size for each in back["pictures"]] == [(2, 3), (1, 1)]
    assert back["pictures"][0].tobytes() == value["pictures"][0].tobytes()
    assert back["nothing"] == value["nothing"]
    assert back["deep"][0][0][0]["x"][0].shape == (0,)
    assert (back["mixed"][:3], back["mixed"][4]) == ([b"bytes", 1, None], np.float32(2))


def test_one_element_is_read_alone(store):
    artifact, _ = round_trip(store, arrays())
    folder = open_folder(store, artifact.uri, artifact.digest, artifact.manifest)
    import numpy as np

    with folder.open("00001") as file:
        assert np.array_equal(np.load(file), arrays()[1])


def test_many_elements_are_few_objects(store):
    import numpy as np

    artifact, back = round_trip(store, [np.array([number]) for number in range(1000)])
    assert artifact.files == 1001
    assert len([*store.list_artifacts()]) < 60
    assert [int(each[0]) for each in back] == [*range(1000)]


def test_collections_are_part_of_cache_keys_by_their_content():
    import numpy as np

    @step
    def make(size: int) -> list[np.ndarray]:
        return [np.zeros(3), np.ones(min(size, 2))]

    @step
    def take(values: list[np.ndarray]) -> int:
        TAKEN.append(len(values))
        return len(values)

    @pipeline
    def taking(size: int = 1):
        take(make(size))

    with Workspace.in_memory() as ws:
        for size in (1, 2, 3, 2):
            ws.runs.start(taking, {"size": size})
    assert len(TAKEN) == 2  # of 2 and 3, the elements are equal


def test_a_very_long_collection_is_pickled(store, monkeypatch):
    monkeypatch.setattr(collections, "MOST_ELEMENTS", 2)
    assert round_trip(store, arrays(), MATERIALIZERS)[0].materializer == "cloudpickle"


def test_plain_values_stay_json(store):
    assert round_trip(store, [{"a": [1, 2]}])[0].materializer == "json"
