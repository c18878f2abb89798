"""An image with a real Python: what pip installs in it, and what runs in a container of it.

Its base image has the Python that runs the tests, as none can be pulled from anywhere.
"""

import json
from uuid import uuid4

import pytest
from engine_containers import Container

from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

PIPELINE = """
from models.words import WORD
from stackfold import pipeline, step


@step
def load(rows: int = 3) -> list[str]:
    return [WORD] * rows


@step
def total(words: list[str]) -> int:
    print(*words)
    return len(words)


@pipeline
def training(rows: int = 3):
    total(load(rows))
"""


@pytest.fixture(scope="module")
def image(index, python, buildah, hub, tmp_path_factory):
    """The image of a pipeline on a stack with an S3 store."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "models").mkdir()
    (folder / "models" / "words.py").write_text("WORD = 'größe'\n")
    (folder / "train.py").write_text(PIPELINE)
    with Workspace.open(tmp_path_factory.mktemp("home")) as ws:
        settings = {**buildah, "base_image": python, "requirements": ["tabulate==0.9.0"]}
        ws.components.register(ComponentType.IMAGE_BUILDER, "builder", "local", settings)
        uri = f"{hub.host}/t{uuid4().hex[:8]}"
        ws.components.register(ComponentType.CONTAINER_REGISTRY, "hub", "default", {"uri": uri})
        ws.components.register(
            ComponentType.ARTIFACT_STORE, "s3", "s3", {"path": "s3://bucket/store"}
        )
        ws.stacks.register(
            "boxes",
            orchestrator="default",
            artifact_store="s3",
            image_builder="builder",
            container_registry="hub",
        )
        pipeline = ws.pipelines.load(str(folder / "train.py"))
        return ws.images.build(pipeline, stack="boxes").reference


@pytest.fixture(scope="module")
def container(image, buildah):
    with Container(buildah, image) as made:
        yield made


def test_the_pipeline_runs_in_it(container):
    done = container.run("stackfold", "pipeline", "run", "train.py")
    assert done.returncode == 0, done.stderr
    assert "completed on stack 'default'" in done.stdout
    logs = container.run("stackfold", "run", "logs", "training", "total")
    assert logs.stdout == "größe größe größe\n"


def test_it_contains_the_requirements_of_stack_and_builder(container):
    program = "import json, obstore, tabulate; print(json.dumps([tabulate.__version__]))"
    done = container.run("python3", "-c", program)
    assert json.loads(done.stdout) == ["0.9.0"], done.stderr


def test_stackfold_is_the_one_that_built_it(container):
    from stackfold.infrastructure.system.environment import version

    done = container.run("stackfold", "version")
    assert version("stackfold") in done.stdout


def test_a_missing_package_is_reported(index, python, buildah, tmp_path):
    from stackfold.domain.errors import BuildFailed

    (tmp_path / "train.py").write_text(PIPELINE)
    with Workspace.open(tmp_path / "home") as ws:
        settings = {**buildah, "base_image": python, "requirements": ["tabulate==0.0.0.1"]}
        ws.components.register(ComponentType.IMAGE_BUILDER, "builder", "local", settings)
        ws.stacks.register(
            "here", orchestrator="default", artifact_store="default", image_builder="builder"
        )
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "words.py").write_text("WORD = 1")
        pipeline = ws.pipelines.load(str(tmp_path / "train.py"))
        with pytest.raises(BuildFailed, match="No matching distribution found for tabulate=="):
            ws.images.build(pipeline, stack="here")
