"""What passes between the image builder `local` and the engine: secrets, base images, endings."""

import os
import shutil
import signal
import threading
from base64 import b64encode
from pathlib import Path
from uuid import uuid4

import pytest
from engine_containers import no_process_with, processes_with
from registry_server import PASSWORD, USER

from stackfold.application.ports import ImagePlan
from stackfold.domain.errors import BuildFailed, RegistryForbidden, RegistryUnavailable
from stackfold.infrastructure.flavors.containers.default_container_registry import (
    DefaultContainerRegistry,
)
from stackfold.infrastructure.flavors.containers.local_image_builder import LocalImageBuilder

_NOTING = """#!/bin/sh
# Records the arguments of an engine and who could read its credentials; then runs it.
echo "ARGUMENTS $*" >> {log}
for each in "$DOCKER_CONFIG/config.json" "$@"; do
    case "$each" in
        *auth.json|/*/config.json) stat -c "MODE %a %n" "$each" "$(dirname "$each")" >> {log};;
    esac
done
tr '\\0' '\\n' < /proc/self/environ >> {log}
exec {program} "$@"
"""


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("def training(): ...\n")
    return folder


@pytest.fixture
def plan(code):
    return ImagePlan("training", code, "train.py:training", ("stackfold",))


@pytest.fixture
def made(engine, tiny):
    def make(**settings):
        settings = {"base_image": tiny, **engine, **settings}
        return LocalImageBuilder(LocalImageBuilder.Configuration(**settings), Path("/nowhere"))

    return make


@pytest.fixture
def place(hub, registry_at):
    """A part of the registry that no other test has."""
    return registry_at(f"{hub.host}/t{uuid4().hex[:8]}")


@pytest.fixture
def noted(engine, tmp_path, monkeypatch):
    """The file that records the arguments of the engine."""
    log, programs = tmp_path / "noted", tmp_path / "programs"
    programs.mkdir()
    program = shutil.which(engine["engine"])
    (programs / engine["engine"]).write_text(_NOTING.format(log=log, program=program))
    (programs / engine["engine"]).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return log


def test_nobody_but_the_engine_gets_to_know_the_password(
    made, plan, guarded_hub, registry_at, noted
):
    registry = registry_at(f"{guarded_hub.host}/t{uuid4().hex[:8]}", PASSWORD)
    made().build(plan, registry)
    told = noted.read_text()
    assert "ARGUMENTS" in told
    assert PASSWORD not in told
    assert b64encode(f"{USER}:{PASSWORD}".encode()).decode() not in told
    modes = {tuple(line.split()[1:]) for line in told.splitlines() if line.startswith("MODE")}
    assert {mode for mode, _ in modes} == {"600", "700"}
    assert not any(os.path.exists(path) for _, path in modes)  # deleted after use


def test_a_base_image_may_be_in_the_same_registry_behind_its_password(
    made, plan, hub, guarded_hub, registry_at, tiny
):
    name, _, tag = tiny.removeprefix(f"{hub.host}/").partition(":")
    base = guarded_hub.take(hub, name, tag, to=f"t{uuid4().hex[:8]}/base")
    wrong = registry_at(guarded_hub.host, "wrong-password")
    with pytest.raises(RegistryForbidden):
        made(base_image=base).build(plan, wrong)
    right = registry_at(f"{guarded_hub.host}/t{uuid4().hex[:8]}", PASSWORD)
    assert made(base_image=base).build(plan, right).is_new


def test_the_context_of_a_custom_containerfile_is_the_code(made, plan, place, code, hub, tiny):
    (code / "Containerfile").write_text(
        f"ARG LEVEL\nFROM {tiny}\nARG LEVEL\nCOPY train.py /copied.py\n"
        'RUN ["/bin/sh", "-c", "echo $LEVEL > /level"]\n'
    )
    builder = made(
        base_image=None,
        containerfile="Containerfile",
        build_arguments={"LEVEL": "11"},
        build_options=[*made().configuration.build_options, *_plain(made())],
    )
    image = hub.image(builder.build(plan, place).reference)
    assert image.files["copied.py"] == image.files["app/train.py"]
    assert image.files["level"] == b"11\n"
    assert "pip-was-asked" in image.files


def _plain(builder):
    return [] if builder.configuration.engine == "docker" else ["--tls-verify=false"]


def test_an_image_has_what_is_configured(made, plan, place, hub):
    value = """$HOME "and" 'so' \\ on"""
    builder = made(environment={"ODD": value}, platform="linux/amd64", requirements=["pandas"])
    image = hub.image(builder.build(plan, place).reference)
    assert image.environment["ODD"] == value
    assert image.environment["PYTHONPATH"] == "/app"
    assert image.configuration["config"]["WorkingDir"] == "/app"
    assert (image.configuration["os"], image.configuration["architecture"]) == ("linux", "amd64")
    assert image.files["pip-was-given"].decode().splitlines()[1] == "pandas"


def test_only_what_changed_is_built_again(made, plan, place, code, hub):
    first = hub.image(made().build(plan, place).reference)
    (code / "train.py").write_text("def training(): 'other'\n")
    second = hub.image(made().build(plan, place).reference)
    assert second.layers[:-1] == first.layers[:-1]  # what pip installed is the same layer
    assert second.layers[-1] != first.layers[-1]


def test_what_the_engine_has_is_pushed_without_building_it(made, plan, place, hub, registry_at):
    image = made().build(plan, place)
    elsewhere = registry_at(f"{hub.host}/t{uuid4().hex[:8]}")
    assert made().build(plan, elsewhere).is_new  # it has another name
    hub.forget(image.name)
    again = made().build(plan, place)
    assert (again.name, again.is_pushed, again.is_new) == (image.name, True, False)
    assert place.digest(image.name) == again.digest


def test_ctrl_c_ends_a_build(made, plan, place, engine):
    seconds = f"9{uuid4().int % 10**9}"

    def interrupt():
        while not [*processes_with(f"sleep {seconds}")]:
            pass
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        made(requirements=[f"endless-package=={seconds}"]).build(plan, place)
    if engine["engine"] == "docker":  # see the test of what takes too long
        for process in processes_with(f"sleep {seconds}"):
            os.kill(process, signal.SIGKILL)
    assert no_process_with(f"sleep {seconds}")


def test_an_option_unknown_to_the_engine_is_reported(made, plan, place):
    with pytest.raises(BuildFailed, match="--no-such-option") as caught:
        made(build_options=["--no-such-option"]).build(plan, place)
    assert "\n" not in str(caught.value)


# -- a registry that cannot be queried, so that only the push shows what is wrong


class SilentRegistry(DefaultContainerRegistry):
    def digest(self, image):
        return None


@pytest.fixture
def silent(registry_at):
    """A function from an address, and perhaps a password, to such a registry."""

    def made(uri, password=None, **settings):
        registry = registry_at(uri, password)
        configuration = registry.configuration.model_copy(update=settings)
        found = SilentRegistry(configuration, registry.home)
        found.secrets = registry.secrets
        return found

    return made


def test_the_push_is_done_all_the_same(made, plan, hub, silent):
    place = silent(f"{hub.host}/t{uuid4().hex[:8]}")
    image = made().build(plan, place)
    assert hub.image(image.reference).digest == image.digest


def test_the_push_reports_wrong_credentials(made, plan, guarded_hub, silent):
    with pytest.raises(RegistryForbidden, match="the account may not push") as caught:
        made().build(plan, silent(guarded_hub.host, "wrong-password"))
    assert "wrong-password" not in str(caught.value)


def test_the_push_reports_an_unavailable_registry(made, plan, silent):
    with pytest.raises(RegistryUnavailable, match="refused") as caught:
        made().build(plan, silent("127.0.0.1:9"))
    assert "\n" not in str(caught.value)


def test_a_registry_with_plain_http_must_be_configured(made, plan, hub, silent, engine):
    if engine["engine"] == "docker":
        pytest.skip("here its daemon takes plain HTTP from all that is on this machine")
    with pytest.raises(RegistryUnavailable, match="it speaks plain HTTP: if that will do"):
        made().build(plan, silent(hub.host, insecure=False))
