"""A value is written and read without ever being there twice."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from pathlib import Path
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read, write
from stackfold.domain.runs.artifact import Artifact
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore
from stackfold.infrastructure.materializers import ALL

folder, kind, step = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
size = 2**28
store = LocalArtifactStore(LocalArtifactStore.Configuration(path=str(folder / "store")), folder)
materializers = Materializers(ALL)


def told(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def random(count):
    import numpy
    return numpy.random.default_rng(0).random(count)


def made():
    if kind == "bytes":
        import os
        return os.urandom(2**20) * (size // 2**20)
    if kind == "numpy":
        return random(size // 8)
    columns = {f"c{number}": random(size // 32) for number in range(4)}
    if kind == "pandas":
        import pandas
        return pandas.DataFrame(columns)
    if kind == "polars":
        import polars
        return polars.DataFrame(columns)
    if kind == "pyarrow":
        import pyarrow
        return pyarrow.table(columns)
    return [random(size // 8), lambda: None]


if step == "write":
    value = made()
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = told("VmRSS")
    artifact = write("output", value, store, materializers)
    (folder / "artifact").write_text(artifact.model_dump_json())
else:
    artifact = Artifact.model_validate_json((folder / "artifact").read_text())
    if kind not in ("bytes", "pickle"):
        __import__(kind)
    before = told("VmRSS")
    value = read(artifact, store, materializers)
print((told("VmHWM") - before) / size)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("kind", ["bytes", "numpy", "pandas", "polars", "pyarrow", "pickle"])
def test_writing_and_reading_a_large_value_takes_little_more_than_its_own_size(kind, tmp_path):
    more = {step: peak(tmp_path, kind, step) for step in ("write", "read")}
    assert more["write"] < 0.5  # beside the value
    assert more["read"] < 1.8  # the value included


def peak(folder, kind, step):
    """How far the memory rises, in sizes of the value."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), kind, step],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)
