"""A model registry that keeps a JSON file for each model."""

import fcntl
import json
from contextlib import contextmanager
from pathlib import Path

from stackfold.errors import ModelRegistryRejected, ModelRegistryUnavailable
from stackfold.flavors import Configuration, ModelRegistry, RegisteredVersion


class FileRegistryConfiguration(Configuration):
    path: str
    strict: bool = False


class FileRegistry(ModelRegistry[FileRegistryConfiguration]):
    flavor = "files"

    @property
    def strict(self):
        return self.configuration.strict

    def publish(self, version):
        with self._changing(version.model) as content:
            if version.id not in content["versions"]:
                version.copy(self._folder / version.id)
                content["versions"][version.id] = version.facts
        return {"model": version.model, "id": version.id}

    def set_alias(self, reference, alias):
        with self._changing(reference["model"]) as content:
            if reference["id"] not in content["versions"]:
                raise ModelRegistryRejected(self.configuration.path, "it has no such version")
            content["aliases"][alias] = reference["id"]

    def remove_alias(self, reference, alias):
        with self._changing(reference["model"]) as content:
            content["aliases"].pop(alias, None)

    def withdraw(self, reference):
        with self._changing(reference["model"]) as content:
            content["versions"].pop(reference["id"], None)

    def versions(self, model):
        with self._changing(model) as content:
            return [
                RegisteredVersion(
                    {"model": model, "id": id},
                    "" if id.startswith("theirs") else id,
                    [alias for alias, at in content["aliases"].items() if at == id],
                )
                for id in content["versions"]
            ]

    @property
    def _folder(self):
        return Path(self.configuration.path)

    @contextmanager
    def _changing(self, model):
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(self._folder / f"{model}.json", "a+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # a registry answers several clients
                file.seek(0)
                content = json.loads(file.read() or '{"versions": {}, "aliases": {}}')
                yield content
                file.truncate(0)
                file.write(json.dumps(content))
        except OSError as error:
            raise ModelRegistryUnavailable(self.configuration.path, str(error)) from None
