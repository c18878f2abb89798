"""Every command prints what the transcripts in `tests/golden/` show.

`UPDATE_GOLDEN=1 pytest tests/cli/test_golden.py` writes the current output into the transcripts;
read the difference before you commit it.
"""

import os
from pathlib import Path

import pytest
from transcript import replay

from stackfold.cli.app import command
from stackfold.cli.reference import leaves

TRANSCRIPTS = sorted(Path(__file__).parents[1].joinpath("golden").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_commands_print_what_the_transcript_shows(path, cli, tmp_path, monkeypatch):
    session = path.read_text()
    with monkeypatch.context() as patch:
        # What the session exports must not outlive it.
        patch.setattr(os, "environ", os.environ.copy())
        now = replay(session, cli, tmp_path)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(now)
    assert now == session


def test_the_transcripts_show_every_command():
    shown = "".join(path.read_text() for path in TRANSCRIPTS)
    missing = [
        " ".join(names)
        for names, _ in leaves(command())
        if f"$ stackfold {' '.join(names)}" not in shown
    ]
    assert not missing
