"""A server reads a pickle, or a folder that MLflow saved, after comparing its digest."""

import hashlib
import pickle

from stackfold.infrastructure.flavors.model_serving.model_files import (
    is_servable,
    model_digest,
    read_model,
)


def test_the_digest_of_a_file_is_its_sha256(tmp_path):
    (tmp_path / "model").write_bytes(b"model")
    assert model_digest(tmp_path / "model") == hashlib.sha256(b"model").hexdigest()


def test_the_digest_of_a_folder_depends_on_paths_and_contents_only(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "b").write_bytes(b"b")
        (tmp_path / name / "a").write_bytes(b"a")
    digest = model_digest(tmp_path / "one")
    assert model_digest(tmp_path / "other") == digest
    (tmp_path / "other" / "a").write_bytes(b"c")
    assert model_digest(tmp_path / "other") != digest
    (tmp_path / "one" / "a").rename(tmp_path / "one" / "c")
    assert model_digest(tmp_path / "one") != digest


def test_pickles_and_folders_of_mlflow_are_servable(tmp_path):
    (tmp_path / "pickle").write_bytes(pickle.dumps([1]))
    (tmp_path / "text").write_bytes(b"tree")
    (tmp_path / "folder").mkdir()
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "MLmodel").write_text("flavors: {}")
    found = {each.name: is_servable(each) for each in tmp_path.iterdir()}
    assert found == {"pickle": True, "text": False, "folder": False, "mlflow": True}
    assert read_model(tmp_path / "pickle") == [1]
