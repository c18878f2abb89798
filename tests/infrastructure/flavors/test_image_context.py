"""What an image is made of: the Containerfile, the requirements, the code, and the tag."""

import json
import os
import sys

import pytest
from pydantic import ValidationError

from stackfold.application.ports import ImagePlan
from stackfold.domain.errors import BuildFailed, Unavailable
from stackfold.infrastructure.flavors.containers.image_context import ImageContext
from stackfold.infrastructure.flavors.containers.local_image_builder import LocalImageBuilder

Configuration = LocalImageBuilder.Configuration


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("def training(): ...\n")
    return folder


@pytest.fixture
def context(folder, tmp_path):
    """A function from settings to what an image would be made of."""

    def made(wanted=("stackfold",), /, **settings):
        plan = ImagePlan("training", folder, "train.py:training", wanted)
        return ImageContext(plan, Configuration(**settings), tmp_path / "home")

    return made


# -- the Containerfile


def test_what_changes_most_comes_last(context):
    steps = [line.split()[0] for line in context().containerfile.splitlines()]
    assert steps == ["FROM", "WORKDIR", "ENV", "ENV", "ENV", "COPY", "RUN", "COPY"]


def test_an_image_has_the_python_that_is_running(context):
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    first = context().containerfile.splitlines()[0]
    assert first == f"FROM docker.io/library/python:{version}-slim"


def test_another_base_image_is_a_choice(context):
    made = context(base_image="registry.example.com/python:3@sha256:ab")
    assert made.containerfile.startswith("FROM registry.example.com/python:3@sha256:ab\n")


def test_no_shell_reads_what_is_installed(context):
    (step,) = [each for each in context().containerfile.splitlines() if each.startswith("RUN")]
    command = json.loads(step.removeprefix("RUN "))
    assert command[:4] == ["python3", "-m", "pip", "install"]
    assert command[-2:] == ["-r", "/app/.stackfold-image/requirements.txt"]


def test_package_indexes_are_a_choice(context):
    made = context(index_url="https://pypi.example.com/simple", extra_index_urls=["http://b", "c"])
    assert (
        '"--index-url", "https://pypi.example.com/simple", '
        '"--extra-index-url", "http://b", "--extra-index-url", "c"' in made.containerfile
    )


def test_a_containerfile_of_ones_own_comes_first(context, folder):
    (folder / "docker").mkdir()
    (folder / "docker" / "Containerfile").write_text("FROM debian:12\nRUN apt-get update\n\n")
    made = context(containerfile="docker/Containerfile")
    beginning = "FROM debian:12\nRUN apt-get update\nWORKDIR /app\n"
    assert made.containerfile.startswith(beginning)


def test_a_containerfile_that_is_not_there_is_refused(context, folder):
    with pytest.raises(BuildFailed, match=r"Containerfile cannot be read: No such file"):
        _ = context(containerfile="Containerfile").containerfile
    (folder / "Containerfile").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BuildFailed, match=r"Containerfile cannot be read: it is no text"):
        _ = context(containerfile="Containerfile").containerfile


def test_variables_are_what_they_are(context):
    value = """$HOME "and" 'so' \\ on #1"""
    assert (
        'ENV A="\\$HOME \\"and\\" \'so\' \\\\ on #1"\n'
        in context(environment={"A": value}).containerfile
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"environment": {"A": "{{hub.token}}"}}, "can hold no secret"),
        ({"build_arguments": {"A": "{{hub.token}}"}}, "can hold no secret"),
        ({"environment": {"A": "1\nRUN evil"}}, "must be one line"),
        ({"environment": {"A B": "1"}}, "is no name of a variable"),
        ({"base_image": "python\nRUN evil"}, "match pattern"),
        ({"base_image": "--all"}, "match pattern"),
        ({"base_image": ""}, "match pattern"),
        ({"base_image": "python", "containerfile": "Containerfile"}, "exclude each other"),
        ({"index_url": "https://me:hunter2@pypi.example.com"}, "may hold no password"),
        ({"extra_index_urls": ["https://hunter2@pypi.example.com"]}, "may hold no password"),
        ({"engine": "kaniko"}, "'docker', 'podman' or 'buildah'"),
        ({"timeout": 0}, "greater than 0"),
    ],
)
def test_an_invalid_configuration_is_rejected(settings, problem):
    with pytest.raises(ValidationError, match=problem) as caught:
        Configuration(**settings)
    assert "hunter2" not in str(caught.value.errors(include_input=False))


# -- the requirements


def test_stackfold_is_the_one_that_is_running(context):
    made = context(("stackfold[kubeflow,s3]", "lake-client>=2"), requirements=["pandas"])
    first, *others = made.requirements.splitlines()
    assert first.startswith("stackfold[kubeflow,s3] @ file:///app/.stackfold-image/stackfold-")
    assert others == ["lake-client>=2", "pandas"]


def test_a_package_whose_name_only_begins_like_it_is_another(context):
    assert "stackfold-extra\n" in context(requirements=["stackfold-extra"]).requirements


def test_a_requirement_is_told_once(context):
    assert context(("stackfold", "a"), requirements=["a"]).requirements.count("a\n") == 1


# -- the digest


def test_it_is_the_same_for_the_same(context, tmp_path):
    assert context().digest() == context().digest()
    assert context().digest(tmp_path / "context") == context().digest()


def test_when_a_file_was_written_does_not_count(context, folder):
    before = context().digest()
    os.utime(folder / "train.py", (1, 1))
    assert context().digest() == before


@pytest.mark.parametrize(
    "settings",
    [
        {"requirements": ["pandas"]},
        {"base_image": "python:3"},
        {"environment": {"A": "1"}},
        {"build_arguments": {"A": "1"}},
        {"platform": "linux/arm64"},
    ],
)
def test_whatever_an_image_is_made_of_counts(context, settings):
    assert context(**settings).digest() != context().digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "train.py").write_text("other"),
        lambda folder: (folder / "train.py").rename(folder / "other.py"),
        lambda folder: (folder / "train.py").chmod(0o755),
        lambda folder: (folder / "new.py").touch(),
    ],
)
def test_whatever_the_code_is_counts(context, folder, change):
    before = context().digest()
    change(folder)
    assert context().digest() != before


# -- what is handed over


def test_only_their_content_tells_files_apart(context, folder, tmp_path):
    (folder / "run.sh").touch(mode=0o700)
    (folder / "train.py").chmod(0o600)
    into = tmp_path / "context"
    context().digest(into)
    seen = {path.name: path.stat() for path in [*into.rglob("*"), into]}
    assert {status.st_mtime for status in seen.values()} == {315_532_800}
    assert oct(seen["train.py"].st_mode) == "0o100644"
    assert oct(seen["run.sh"].st_mode) == "0o100755"
    assert {*seen} >= {"requirements.txt", ".stackfold-image"}


def test_what_comes_with_the_code_hides_nothing_of_it(context, folder, tmp_path):
    (folder / ".stackfold-image").mkdir()
    (folder / ".stackfold-image" / "requirements.txt").write_text("evil")
    made = context()
    made.digest(tmp_path / "context")
    assert made.files == ("train.py",)
    written = tmp_path / "context" / ".stackfold-image" / "requirements.txt"
    assert written.read_text() == made.requirements


def test_a_folder_that_was_hardly_meant_is_refused(context, folder):
    (folder / "data").mkdir()
    with (folder / "data" / "large.bin").open("wb") as file:
        file.truncate(3 * 10**6)
    with pytest.raises(BuildFailed) as caught:
        context(context_limit=2)
    assert "holds 3 MB, most of it in 'data': name in .containerignore" in str(caught.value)
    (folder / ".containerignore").write_text("data")
    context(context_limit=2)


# -- the engine


def plan_of(folder):
    return ImagePlan("training", folder, "train.py:training", ("stackfold",))


@pytest.mark.parametrize(
    ("engine", "problem"),
    [
        (None, "there is no docker, podman or buildah that works here: install one"),
        ("podman", "there is no podman here: install it, or leave the choice of an engine open"),
    ],
)
def test_without_an_engine_it_says_what_to_install(folder, tmp_path, monkeypatch, engine, problem):
    monkeypatch.setenv("PATH", str(tmp_path))
    builder = LocalImageBuilder(Configuration(engine=engine), tmp_path / "home")
    with pytest.raises(Unavailable) as caught:
        builder.build(plan_of(folder), None)
    assert str(caught.value) == f"the image builder 'local' cannot be used: {problem}"


def test_an_engine_whose_daemon_is_away_is_not_chosen(folder, tmp_path, monkeypatch):
    away = tmp_path / "docker"
    away.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    away.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no docker, podman or buildah that works"):
        LocalImageBuilder(Configuration(), tmp_path / "home").build(plan_of(folder), None)
