"""The contracts for flavors, as a package of somebody else uses them."""

import os
import subprocess
import sys

import pytest

STORE = '''
import pytest

from stackfold.flavors import LocalArtifactStore
from stackfold.testing import ArtifactStoreContract


class Forgetful(LocalArtifactStore):
    """It does not find its artifacts again."""

    flavor = "forgetful"

    def list_artifacts(self):
        return iter(())


class TestForgetful(ArtifactStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return Forgetful(Forgetful.Configuration(path=str(tmp_path / "store")), tmp_path)


class TestNothing(ArtifactStoreContract):
    pass
'''


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["-p", "no:stackfold"]], ids=["with", "without"])
def test_a_flavor_that_breaks_its_contract_is_told_how(tmp_path, words):
    (tmp_path / "test_forgetful.py").write_text(STORE)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "STACKFOLD"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-rs",
        "-k",
        "stored_once or damage or empty",
        *words,
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    # The assertion is that of a module of Stackfold, rewritten by pytest.
    assert "assert [] == ['file://" in done.stdout
    assert "override the fixture 'damage' to test that damage is detected" in done.stdout
    assert "override the fixture 'store'" in done.stdout
    assert "1 failed, 1 passed, 2 skipped" in done.stdout
