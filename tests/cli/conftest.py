import sys

import pytest
from command_line import CommandLine


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """The command line in a new folder, with a new home."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("STACKFOLD_ACTIVE_STACK", "STACKFOLD_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACKFOLD_ACTOR", "ada@example.com")
    # A command that loads a file extends the import path of this process.
    monkeypatch.setattr(sys, "path", [*sys.path])
    return CommandLine(capsys)
