"""What every manifest of a model deployer must hold, and that its container serves the model."""

import os
import socket
import subprocess
import sys
import time
import warnings

import pytest
import yaml
from models_to_serve import FLOWERS, STORE, made
from s3_server import KEY, SECRET

from stackfold.application.ports.tensors import tensors_of
from stackfold.domain.errors import NoManifest, WouldNotRun
from stackfold.infrastructure.flavors.model_serving.server_requests import (
    ServerAddress,
    infer,
    inference_path,
    is_ready,
)
from stackfold.infrastructure.workspace import Workspace

IMAGE = "registry.example.com/team/models:1"


@pytest.mark.filterwarnings("ignore::stackfold.domain.errors.WouldNotRun")  # S3 is on loopback
class ModelManifestContract:
    """Derive, and provide the fixture `flavor` and the method `container`."""

    @pytest.fixture
    def flavor(self):
        """The class of the flavor."""
        raise NotImplementedError

    def container(self, manifest):
        """The container in a manifest."""
        raise NotImplementedError

    @pytest.fixture
    def manifest(self, flavor, tmp_path):
        """Makes manifests."""

        def manifest_of(model, **configuration):
            deployer = flavor(flavor.Configuration(**configuration), tmp_path)
            return yaml.safe_load(deployer.manifest(model))

        return manifest_of

    @pytest.fixture
    def on_s3(self, tmp_path, s3_server, s3_path):
        """A model whose artifact is in S3."""
        home = tmp_path / "home"
        with Workspace.open(home) as ws:
            ws.secrets.create("s3", {"key": KEY, "secret": SECRET})
            place = {"path": s3_path, "endpoint_url": s3_server.url}
            keys = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
            ws.components.register(STORE, "lake", "s3", {**place, **keys})
            ws.stacks.register("s3", orchestrator="default", artifact_store="lake")
        return made(home, stack="s3", name="Flowers_2")

    def test_it_says_what_the_model_is_and_where_it_comes_from(self, manifest, on_s3):
        found = manifest(on_s3, image=IMAGE, namespace="models")
        assert found["metadata"] == {
            "name": "flowers-2",
            "namespace": "models",
            "annotations": {
                "stackfold/deployment": "Flowers_2",
                "stackfold/artifact": "training/train/output@1",
                "stackfold/artifact-digest": on_s3.digest,
                "stackfold/model-type": "sklearn.linear_model._logistic.LogisticRegression",
                "stackfold/stack": "s3@1",
            },
        }
        container = self.container(found)
        assert container["image"] == IMAGE
        assert {f"--model={on_s3.uri}", f"--digest={on_s3.digest}"} <= {*container["args"]}

    def test_secrets_are_named_only(self, manifest, on_s3):
        found = manifest(
            on_s3,
            image=IMAGE,
            environment={"AWS_REGION": "eu-central-1"},
            secret_environment={"AWS_SECRET_ACCESS_KEY": "s3:secret"},
        )
        reference = {"secretKeyRef": {"name": "s3", "key": "secret"}}
        variables = {each.pop("name"): each for each in self.container(found)["env"]}
        assert variables["AWS_SECRET_ACCESS_KEY"] == {"valueFrom": reference}
        assert "AWS_ACCESS_KEY_ID" not in variables
        assert SECRET not in str(found)

    def test_pods_know_the_endpoint_and_the_region_of_the_store(self, manifest, on_s3, s3_server):
        assert self.variables(manifest(on_s3, image=IMAGE)) == {
            "AWS_ALLOW_HTTP": "true",
            "AWS_ENDPOINT_URL": s3_server.url,
            "AWS_REGION": "us-east-1",
        }

    def test_the_configuration_overrides_the_environment_of_the_store(self, manifest, on_s3):
        place = {"AWS_ENDPOINT_URL": "https://s3.example.com", "AWS_REGION": "eu-central-1"}
        found = manifest(on_s3, image=IMAGE, environment=place)
        assert self.variables(found) == {**place, "AWS_ALLOW_HTTP": "true"}

    def test_a_loopback_address_gives_a_warning(self, manifest, on_s3):
        with pytest.warns(WouldNotRun, match="AWS_ENDPOINT_URL is http://127.0.0.1:"):
            manifest(on_s3, image=IMAGE)

    def test_an_address_that_pods_reach_is_not_warned_of(self, manifest, on_s3):
        place = {"AWS_ENDPOINT_URL": "https://s3.example.com"}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            manifest(on_s3, image=IMAGE, environment=place)

    def variables(self, manifest):
        return {each["name"]: each["value"] for each in self.container(manifest)["env"]}

    def test_pods_get_what_is_configured(self, manifest, on_s3):
        found = self.container(
            manifest(
                on_s3,
                image=IMAGE,
                requests={"cpu": "1", "memory": "1Gi"},
                limits={"memory": "2Gi"},
                image_pull_policy="Always",
            )
        )
        requests = {"cpu": "1", "memory": "1Gi"}
        assert found["resources"] == {"requests": requests, "limits": {"memory": "2Gi"}}
        assert found["imagePullPolicy"] == "Always"

    def test_without_an_image_there_is_no_manifest(self, manifest, on_s3):
        with pytest.raises(NoManifest, match="it needs an image of the pods: give image"):
            manifest(on_s3)

    def test_a_model_on_this_machine_has_none(self, manifest, tmp_path):
        model = made(tmp_path / "home")
        with pytest.raises(NoManifest, match="pods cannot read the model: use one that others"):
            manifest(model, image=IMAGE)

    def test_a_name_that_no_cluster_accepts_is_rejected(self, manifest, on_s3):
        with pytest.raises(NoManifest, match="'2nd' is no name for a cluster"):
            manifest(on_s3._replace(name="2nd"), image=IMAGE)

    def test_its_container_serves_the_model_out_of_the_store(self, manifest, on_s3):
        container = self.container(manifest(on_s3, image=IMAGE))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = ServerAddress(*free.getsockname())
        options = dict(each.removeprefix("--").split("=", 1) for each in container["args"])
        assert options["host"] == "0.0.0.0"
        # Here it is a process of this machine, which shall listen on loopback only.
        options |= {"host": address.host, "port": address.port}
        options |= {"grpc-port": 0} if "grpc-port" in options else {}
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            **self.variables(manifest(on_s3, image=IMAGE)),
        }
        python, *program = container["command"]
        assert python == "python"
        command = [sys.executable, *program, *(f"--{k}={v}" for k, v in options.items())]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            while not is_ready(address, f"/v2/models/{options['name']}/ready", 5):
                assert server.poll() is None
                time.sleep(0.1)
            url = f"http://{address}{inference_path(options['name'])}"
            (answer,) = infer(options["name"], url, tensors_of(FLOWERS), 10)
        finally:
            server.terminate()
            server.wait()
        assert answer.data == [0, 1, 2]
