"""The image builder `local`, with every engine that works on this machine, and a real registry."""

import os
import signal
from pathlib import Path
from uuid import uuid4

import pytest
from engine_containers import no_process_with, processes_with
from registry_server import PASSWORD

from stackfold.domain.errors import BuildFailed
from stackfold.infrastructure.flavors.containers.local_image_builder import LocalImageBuilder
from stackfold.testing.contracts.image_builder import ImageBuilderContract


@pytest.fixture
def made(engine, tiny):
    """A function from settings to a builder that works here."""

    def make(**settings):
        settings = {"base_image": tiny, **engine, **settings}
        return LocalImageBuilder(LocalImageBuilder.Configuration(**settings), Path("/nowhere"))

    return make


class TestLocalImageBuilder(ImageBuilderContract):
    @pytest.fixture
    def builder(self, made):
        return made()

    @pytest.fixture
    def broken(self, made):
        problem = "ERROR: No matching distribution found for unknown-package"
        return made(requirements=["unknown-package"]), problem

    @pytest.fixture
    def registry(self, hub, registry_at):
        return registry_at(f"{hub.host}/t{uuid4().hex[:8]}")

    @pytest.fixture
    def unreachable(self, registry_at):
        return registry_at("127.0.0.1:9")

    @pytest.fixture
    def unauthorized(self, guarded_hub, registry_at):
        return registry_at(guarded_hub.host, "wrong-password")

    @pytest.fixture
    def files(self, hub):
        return lambda reference: hub.image(reference).code()

    def test_a_build_that_takes_too_long_is_ended(self, made, plan, registry, engine):
        seconds = f"9{uuid4().int % 10**9}"
        builder = made(requirements=[f"endless-package=={seconds}"], timeout=3)
        with pytest.raises(BuildFailed, match="took longer than 3 seconds"):
            builder.build(plan, registry)
        if engine["engine"] == "docker":
            # Its daemon is notified, but may ignore that, as Podman's does.
            for process in processes_with(f"sleep {seconds}"):
                os.kill(process, signal.SIGKILL)
        assert no_process_with(f"sleep {seconds}")

    def test_the_right_password_lets_in(self, made, plan, guarded_hub, registry_at):
        registry = registry_at(f"{guarded_hub.host}/t{uuid4().hex[:8]}", PASSWORD)
        image = made().build(plan, registry)
        assert guarded_hub.image(image.reference).digest == image.digest
