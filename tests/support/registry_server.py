"""A real registry on this machine: Debian's `docker-registry`, and what somebody pulls from it."""

import hashlib
import io
import json
import re
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest

from stackfold.application.secrets.secrets import StoredSecrets
from stackfold.infrastructure.flavors.containers.default_container_registry import (
    DefaultContainerRegistry,
)
from stackfold.infrastructure.secrets.environment import Environment

USER, PASSWORD = "ada", "testsecret123"
_HASH = "$2b$05$5Olni3vrctzdpWkCZyBxG.5fM1m6GWyh2YtSJyB0Vm3ow6A7tAPMS"  # of the password
SECONDS = 30


class Registry:
    """A real registry on loopback, Debian's `docker-registry`."""

    def __init__(self, folder: Path, *, guarded: bool = False) -> None:
        self.folder = folder
        self.guarded = guarded
        self.port = _free_port()
        self._process = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Registry":
        self.folder.mkdir(exist_ok=True)
        settings = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.folder / "kept")},
                "delete": {"enabled": True},
            },
            "http": {"addr": self.host},
        }
        if self.guarded:
            (self.folder / "passwords").write_text(f"{USER}:{_HASH}\n")
            settings["auth"] = {
                "htpasswd": {"realm": "tests", "path": str(self.folder / "passwords")}
            }
        (self.folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML, too
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", str(self.folder / "config.yml")],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            with suppress(OSError):
                self.get("/v2/")
                return self
            time.sleep(0.05)
        raise TimeoutError(self.log)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def log(self) -> str:
        """What it was asked."""
        return (self.folder / "log").read_text()

    def get(self, path: str, **headers: str) -> tuple[bytes, dict[str, str]]:
        return self._ask("GET", f"http://{self.host}{path}", None, headers)

    def put(self, name: str, tag: str) -> str:
        """Push an image with nothing in it, by nothing but HTTP, and return its digest."""
        kind = "application/vnd.oci.image.config.v1+json"
        content = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {}}).encode()
        digest = self._put_blob(name, content)
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": kind, "digest": digest, "size": len(content)},
            "layers": [],
        }
        return self._put_manifest(name, tag, manifest)

    def take(self, other: "Registry", name: str, tag: str, to: str) -> str:
        """Copy an image from another registry, and return what it is called here."""
        manifest, _ = other.manifest(name, tag)
        for each in (manifest["config"], *manifest["layers"]):
            self._put_blob(to, other.get(f"/v2/{name}/blobs/{each['digest']}")[0])
        self._put_manifest(to, tag, manifest)
        return f"{self.host}/{to}:{tag}"

    def forget(self, image: str) -> None:
        """Remove an image."""
        name, tag = re.fullmatch(r"[^/]+/(.+):(\w+)", image).groups()
        digest = self.manifest(name, tag)[1]
        self._ask("DELETE", f"http://{self.host}/v2/{name}/manifests/{digest}", None, {})

    def _put_blob(self, name: str, content: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        _, told = self._ask("POST", f"http://{self.host}/v2/{name}/blobs/uploads/", b"", {})
        self._ask("PUT", f"{told['Location']}&digest={digest}", content, {})
        return digest

    def _put_manifest(self, name: str, tag: str, manifest: dict) -> str:
        url = f"http://{self.host}/v2/{name}/manifests/{tag}"
        kind = {"Content-Type": manifest["mediaType"]}
        _, told = self._ask("PUT", url, json.dumps(manifest).encode(), kind)
        return told["Docker-Content-Digest"]

    def _ask(self, method, url, content, headers) -> tuple[bytes, dict[str, str]]:
        kind = {"Content-Type": "application/octet-stream"} if content is not None else {}
        request = urllib.request.Request(url, content, {**kind, **headers}, method=method)
        if self.guarded:
            pair = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.read(), dict(answer.headers)

    def tags(self, name: str) -> list[str]:
        """The tags of an image; none if it was never pushed."""
        try:
            return sorted(json.loads(self.get(f"/v2/{name}/tags/list")[0])["tags"] or ())
        except urllib.error.HTTPError:
            return []

    def manifest(self, name: str, tag: str) -> tuple[dict, str]:
        """What an image consists of, and its digest."""
        kinds = (
            "application/vnd.oci.image.manifest.v1+json, "
            "application/vnd.docker.distribution.manifest.v2+json"
        )
        content, headers = self.get(f"/v2/{name}/manifests/{tag}", Accept=kinds)
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        assert headers["Docker-Content-Digest"] == digest
        return json.loads(content), digest

    def image(self, reference: str) -> "Pulled":
        """An image, read by nothing but HTTP."""
        name, tag = re.fullmatch(r"[^/]+/(.+?)[:@]((?:sha256:)?\w+)", reference).groups()
        manifest, digest = self.manifest(name, tag)

        def blob(of):
            return self.get(f"/v2/{name}/blobs/{of['digest']}")[0]

        files = {}
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(blob(layer))) as archive:
                for member in archive:
                    if member.isfile():
                        path = member.name.removeprefix("./")
                        files[path] = archive.extractfile(member).read()
        layers = [each["digest"] for each in manifest["layers"]]
        return Pulled(digest, json.loads(blob(manifest["config"])), files, layers)


class Pulled:
    """What somebody gets who pulls an image."""

    def __init__(self, digest, configuration, files, layers):
        self.digest = digest
        self.configuration = configuration
        self.files = files
        self.layers = layers

    def code(self) -> dict[str, str]:
        """The files of the working folder, without what comes with them."""
        return {
            path.removeprefix("app/"): content.decode()
            for path, content in self.files.items()
            if path.startswith("app/") and ".stackfold-image" not in path
        }

    @property
    def environment(self) -> dict[str, str]:
        return dict(each.split("=", 1) for each in self.configuration["config"]["Env"])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def registry_at(monkeypatch):
    """A function from an address to a registry, perhaps with a password."""

    def make(uri, password=None):
        credentials = {}
        if password is not None:
            monkeypatch.setenv("STACKFOLD_SECRET_HUB_USER", USER)
            monkeypatch.setenv("STACKFOLD_SECRET_HUB_TOKEN", password)
            credentials = {"username": "{{hub.user}}", "password": "{{hub.token}}"}
        configuration = DefaultContainerRegistry.Configuration(uri=uri, **credentials)
        registry = DefaultContainerRegistry(configuration, Path("/nowhere"))
        registry.secrets = StoredSecrets([Environment()])
        return registry

    return make
