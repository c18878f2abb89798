"""Claims on runs by lock files, as on Windows. Here filelock uses the locks of this system."""

import os
import signal
import subprocess
import sys

import pytest

from stackfold.domain.errors import RunBusy, Unavailable
from stackfold.infrastructure.system.windows_claims import WindowsClaims

RUN = "0190c0de-0000-7000-8000-000000000001"
OTHER = "0190c0de-0000-7000-8000-000000000002"
HOLDER = """
import sys
from pathlib import Path
from stackfold.infrastructure.system.windows_claims import WindowsClaims

with WindowsClaims(Path(sys.argv[1])).claim(sys.argv[2], "run"):
    print("claimed", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has claimed the run."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), RUN],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def test_a_run_is_claimed_for_the_block_only(tmp_path):
    claims = WindowsClaims(tmp_path)
    assert not claims.is_claimed(RUN)
    with claims.claim(RUN, "run"):
        assert claims.is_claimed(RUN)
        assert WindowsClaims(tmp_path).is_claimed(RUN)
        assert not claims.is_claimed(OTHER)
    assert not claims.is_claimed(RUN)


def test_a_run_is_claimed_once(tmp_path):
    claims = WindowsClaims(tmp_path)
    with claims.claim(RUN, "run"), claims.claim(OTHER, "other"):
        with pytest.raises(RunBusy), claims.claim(RUN, "run"):
            pass
        assert claims.is_claimed(RUN)


def test_other_processes_see_the_claim(tmp_path, holder):
    claims = WindowsClaims(tmp_path)
    assert claims.is_claimed(RUN)
    with pytest.raises(RunBusy), claims.claim(RUN, "run"):
        pass


def test_a_claim_ends_with_its_process(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    claims = WindowsClaims(tmp_path)
    assert not claims.is_claimed(RUN)
    with claims.claim(RUN, "run"):
        assert claims.is_claimed(RUN)


def test_a_home_that_is_a_file_is_unusable(tmp_path):
    (tmp_path / "home").touch()
    with pytest.raises(Unavailable), WindowsClaims(tmp_path / "home").claim(RUN, "run"):
        pass
