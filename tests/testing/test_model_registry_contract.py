"""The contract of model registries, on the log itself and on one that keeps files."""

import pytest

from stackfold.testing import ModelRegistryContract


class TestLocal(ModelRegistryContract):
    @pytest.fixture
    def flavor(self):
        return "local"


class TestFiles(ModelRegistryContract):
    """A flavor that is a few lines long, as in docs/flavors/own.md."""

    @pytest.fixture
    def flavor(self, workspace):
        workspace.flavors.register("model_registry", "file_registry.FileRegistry")
        return "files"

    @pytest.fixture
    def configuration(self, tmp_path):
        return {"path": str(tmp_path / "registry")}

    @pytest.fixture
    def unreachable(self, tmp_path):
        (tmp_path / "file").touch()
        return {"path": str(tmp_path / "file" / "below")}
