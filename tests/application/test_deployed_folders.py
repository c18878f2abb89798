"""Model deployers get the files of a model that is a folder, and serve what they can read."""

import json
import os

import pytest
from models_to_serve import FLOWERS, Thresholds, measuring

from stackfold import Directory, Workspace, pipeline, step
from stackfold.application.ports.model_deployer import ModelToServe
from stackfold.errors import ArtifactDamaged, DeploymentFailed
from stackfold.infrastructure.flavors.mlflow.model_deployer import MlflowModelDeployer
from stackfold.infrastructure.flavors.model_serving.model_files import is_servable, model_digest
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel
from stackfold.infrastructure.flavors.model_serving.server_program import Options


@step
def save() -> Directory:
    directory = Directory()
    (directory / "weights").mkdir()
    (directory / "weights" / "large.bin").write_bytes(bytes(100_000))
    (directory / "MLmodel").write_text("flavors: {}")
    return directory


@pipeline
def saving():
    save()


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as ws:
        ws.flavors.register("model_deployer", "copying_deployer.CopyingDeployer")
        ws.components.register("model_deployer", "copying", "copying")
        needed = {"orchestrator": "default", "artifact_store": "default"}
        ws.stacks.register("prod", **needed, model_deployer="copying")
        ws.stacks.activate("prod")
        ws.runs.start(saving)
        yield ws


def test_its_files_are_copied(ws):
    ws.deployments.deploy("saved", "saving/save")
    assert (ws.home / "copied" / "saved.files").read_text() == "2"
    saved = ws.home / "copied" / "saved"
    found = {each.relative_to(saved).as_posix() for each in saved.rglob("*")}
    assert found == {"weights", "weights/large.bin", "MLmodel"}
    assert (saved / "weights" / "large.bin").read_bytes() == bytes(100_000)


def test_one_with_a_missing_file_is_not_deployed(ws):
    for path in (ws.home / "artifacts").rglob("*"):
        if path.is_file() and path.stat().st_size == 100_000:
            path.unlink()
    with pytest.raises(ArtifactDamaged, match="no longer exists"):
        ws.deployments.deploy("saved", "saving/save")


# -- what servers of this machine read


def to_serve(kind, files, load):
    def copy(path):
        path.mkdir()
        for name, text in files.items():
            (path / name).write_text(text)

    return ModelToServe(
        id="1", name="model", artifact="a/b/c@1", type=kind, uri="file:///a", digest="0" * 64,
        versions={}, stack="prod", stack_revision=1, load=load, copy=copy, files=len(files),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deployments" / "1"


@pytest.fixture
def deployer(tmp_path):
    return MlflowModelDeployer(MlflowModelDeployer.Configuration(), tmp_path)


def test_a_folder_of_a_materializer_becomes_a_pickle(deployer, folder, monkeypatch):
    monkeypatch.chdir(folder.parents[1])
    model = to_serve("tests.Thresholds", {"0.txt": "2.5"}, lambda: Thresholds([2.5, 4.9]))
    deployer._create_folder(model, folder)
    path = folder / "model"
    assert path.is_file()
    options = Options(str(path), model_digest(path), "model", folder=os.fspath(folder))
    (predicted,) = ServedModel.read(options).predict_arrays(FLOWERS).values()
    assert [*predicted] == [0, 1, 2]
    with pytest.raises(SystemExit):
        ServedModel.read(options._replace(digest="0" * 64))


def test_a_folder_of_mlflow_stays_one(deployer, folder):
    files = {"MLmodel": json.dumps({"flavors": {}}), "model.bin": "x"}
    deployer._create_folder(to_serve("stackfold.Directory", files, None), folder)
    assert is_servable(folder / "model")


def test_any_other_folder_is_no_model(deployer, folder):
    with pytest.raises(DeploymentFailed, match="a folder without the file MLmodel of MLflow"):
        deployer._create_folder(to_serve("stackfold.Directory", {"a": "b"}, None), folder)


def test_the_materializer_of_the_models_in_tests_writes_folders(ws):
    ws.runs.start(measuring)
    assert ws.artifacts.get("measuring/measure").view.files == 2
    assert ws.artifacts.load("measuring/measure").limits == [2.5, 4.9]
