"""The step operator `local`."""

import os
import subprocess
import sys
import textwrap

import pytest

from stackfold.infrastructure.flavors.local.step_operator import LocalStepOperator
from stackfold.testing.contracts.step_operator import StepOperatorContract


class TestLocalStepOperator(StepOperatorContract):
    @pytest.fixture
    def operator(self, tmp_path):
        return LocalStepOperator(LocalStepOperator.Configuration(), tmp_path)

    def test_the_process_sees_the_same_modules_and_environment(self, operator, monkeypatch):
        monkeypatch.delenv("PYTHONPATH", raising=False)
        monkeypatch.setenv("COLOUR", "blue")
        monkeypatch.syspath_prepend("/some/folder")
        path, colour, python_path = operator.execute(seen)
        assert (path, colour, python_path) == (sys.path, "blue", None)

    def test_modules_of_the_current_folder_hide_nothing(self, operator, tmp_path, monkeypatch):
        (tmp_path / "pickle.py").write_text("raise RuntimeError('not the real one')")
        monkeypatch.chdir(tmp_path)
        assert operator.execute(lambda: 1) == 1

    def test_no_file_is_left_behind(self, operator, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        operator.execute(lambda: 1)
        assert list(tmp_path.iterdir()) == []


def seen():
    import os
    import sys

    return sys.path, os.environ["COLOUR"], os.environ.get("PYTHONPATH")


# The process cannot import this test module, so the function goes along by value, as one of a
# script would.
seen.__module__ = "__main__"


def test_functions_and_classes_of_a_script_go_along(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            from pathlib import Path
            from stackfold.infrastructure.flavors.local.step_operator import LocalStepOperator

            class Answer:
                number = 42

            def ask():
                return Answer()

            if __name__ == "__main__":
                operator = LocalStepOperator(LocalStepOperator.Configuration(), Path())
                answer = operator.execute(ask)
                assert type(answer) is Answer
                print(answer.number)
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "42\n"
