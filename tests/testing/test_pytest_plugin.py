"""The pytest plug-in, in a project of somebody else."""

import os
import subprocess
import sys

import pytest

PROJECT = {
    "conftest.py": """
import pytest

pytest_plugins = ["stackfold_of_mine"]


@pytest.fixture
def workspace():
    return "my own"
""",
    # A plug-in of another package, named alike.
    "stackfold_of_mine.py": """
import pytest


@pytest.fixture
def stackfold():
    return "of mine"
""",
    "test_project.py": """
import unittest
from datetime import UTC, datetime

import pytest

from stackfold import get_context, pipeline, step
from stackfold.testing import step_context


@step
def train() -> int:
    get_context().log_metadata({"rows": 3})
    return 1


@pipeline
def training():
    train()


def test_own_fixtures(workspace, stackfold):
    assert (workspace, stackfold) == ("my own", "of mine")


@pytest.mark.parametrize("number", range(3))
def test_each_test_has_a_new_workspace(stackfold_workspace, number):
    stackfold_workspace.stacks.copy("default", "prod")
    assert len(stackfold_workspace.stacks.list()) == 2


def test_pipelines_run_in_it(stackfold_workspace):
    run = training()
    assert run.load("train") == 1
    assert [each.id for each in stackfold_workspace.runs.list()] == [run.id]


def test_time_stands_still_whatever_the_order(stackfold_workspace, stackfold_frozen_time):
    times = {each.recorded_at for each in stackfold_workspace.log.events()}
    assert {str(each)[:19].replace(" ", "T") for each in times} == {"2026-01-01T12:00:00"}
    stackfold_frozen_time.tick(3600)
    view = stackfold_workspace.stacks.copy("default", "prod")
    assert "2026-01-01T13:00:00" in str(stackfold_workspace.stacks.history("prod")[0])
    stackfold_frozen_time.move_to("2026-02-01")
    assert datetime.now(UTC).month == 2


@pytest.mark.parametrize("stackfold_frozen_time", ["2030-05-06"], indirect=True)
def test_another_time(stackfold_frozen_time):
    assert datetime.now(UTC).year == 2030


def test_a_step_is_a_function(stackfold_step_context):
    assert train() == 1
    assert stackfold_step_context.logged == {"rows": 3}


class TestOfUnittest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _workspace(self, stackfold_workspace):
        self.ws = stackfold_workspace

    def test_a_workspace(self):
        assert self.ws.stacks.get("default").name == "default"

    def test_a_step(self):
        with step_context(train) as context:
            train()
        self.assertEqual(context.logged, {"rows": 3})
""",
}
TESTS = 10


@pytest.fixture
def project(tmp_path):
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(folder, *words, python=()):
    """Run pytest in a folder, in a new process, with no setting of this test run."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "STACKFOLD"))}
    done = subprocess.run(
        [sys.executable, *python, "-m", "pytest", "-q", "--rootdir=.", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["-Werror"],
        pytest.param(["-n2"], marks=pytest.mark.slow),
        pytest.param(["-p", "no:cacheprovider"], marks=pytest.mark.slow),
        pytest.param(["--import-mode=importlib"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_fixtures_work_in_a_project_of_somebody_else(project, words):
    code, output = run(project, *words)
    assert code == 0, output
    assert f"{TESTS} passed" in output


def test_nothing_is_imported_until_a_fixture_is_used(tmp_path):
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n\ndef test_nothing():\n"
        "    assert {each for each in sys.modules if each.startswith('stackfold')} == {\n"
        "        'stackfold', 'stackfold.testing', 'stackfold.testing.pytest_plugin'}\n"
        "    assert not {'pydantic', 'eventsourcing', 'freezegun'} & {*sys.modules}\n"
    )
    code, output = run(tmp_path)
    assert code == 0, output


def test_the_plugin_can_be_turned_off(tmp_path):
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n\n\ndef test_nothing():\n    assert 'stackfold' not in sys.modules\n"
    )
    code, output = run(tmp_path, "-p", "no:stackfold")
    assert code == 0, output


def test_without_freezegun_the_fixture_says_what_to_install(tmp_path):
    (tmp_path / "conftest.py").write_text("import sys\n\nsys.modules['freezegun'] = None\n")
    (tmp_path / "test_time.py").write_text("def test_time(stackfold_frozen_time):\n    pass\n")
    code, output = run(tmp_path)
    assert code == 1
    assert "freezegun is not installed: pip install 'stackfold[testing]'" in output
