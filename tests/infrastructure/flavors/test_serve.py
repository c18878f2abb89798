"""`python -m stackfold.serve`, which deployments and the containers of manifests run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parents[3] / "src")


def serve(*arguments):
    """Run the program where nothing is installed, as in an environment without Stackfold."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "stackfold.serve", *arguments],
        env={"PYTHONPATH": SOURCE, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("other",), ("--help",)])
def test_without_a_flavor_it_shows_its_options(arguments):
    done = serve(*arguments)
    assert done.returncode == 1
    assert "python -m stackfold.serve FLAVOR --model=MODEL" in done.stderr
    assert done.stderr.endswith("error: give one of the flavors kserve, local, mlflow, seldon\n")


@pytest.mark.parametrize(
    ("flavor", "package"),
    [("kserve", "kserve"), ("local", "h11"), ("mlflow", "mlflow"), ("seldon", "mlserver")],
)
def test_a_flavor_needs_its_server_and_no_dependency_of_stackfold(flavor, package):
    done = serve(flavor, "--model=none", "--digest=none", "--name=any")
    assert done.returncode == 1
    assert done.stderr == (
        f"stackfold: {sys.executable} cannot import {package}: No module named '{package}'\n"
    )


def test_an_unknown_option_is_reported_in_one_line():
    done = serve("kserve", "--colour=red")
    assert done.returncode == 1
    assert done.stderr.startswith("stackfold: the options are wrong: ")
    assert done.stderr.count("\n") == 1
