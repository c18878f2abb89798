"""A registration of a large file that is killed while the file is read."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from replay import assert_consistent

from stackfold.domain.errors import NotFound
from stackfold.infrastructure.workspace import Workspace

pytestmark = pytest.mark.slow

SIZE = 200 * 2**20
REGISTERS = """
import sys
from stackfold import Workspace

def copied(read, all):
    print(read, flush=True)

with Workspace.open(sys.argv[1]) as ws:
    ws.artifacts.register(sys.argv[2], "rows", copy=sys.argv[3] == "copied", copied=copied)
"""


@pytest.mark.parametrize("how", ["copied", "in place"])
def test_nothing_is_registered_and_pruning_deletes_what_was_copied(tmp_path, how):
    large, home = tmp_path / "rows.bin", tmp_path / "home"
    with large.open("wb") as file:
        file.truncate(SIZE)
    Workspace.open(home).close()
    command = [sys.executable, "-c", REGISTERS, home, large, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) > SIZE / 10:
                process.kill()
    assert process.returncode < 0, "it was not killed"
    with Workspace.open(home) as ws:
        with pytest.raises(NotFound):
            ws.artifacts.get("rows")
        partial = [each for each in (home / "artifacts").rglob("*") if each.is_file()]
        assert [each.stat().st_size > 0 for each in partial] == [True] * (how == "copied")
        ws.artifacts.prune(grace=timedelta())
        assert not any(each.is_file() for each in (home / "artifacts").rglob("*"))
        assert os.stat(large).st_size == SIZE
        assert ws.artifacts.register(large, "rows", copy=how == "copied").version == 1
        assert ws.artifacts.describe("rows").size == SIZE
        assert_consistent(ws)
