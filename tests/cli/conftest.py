import sys

import pytest
from command_line import CommandLine

from stackfold.infrastructure.author import author


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """The command line in a folder of its own, with a home that is used for the first time."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("STACKFOLD_ACTIVE_STACK", "STACKFOLD_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACKFOLD_ACTOR", "ada@example.com")
    # What a command loads from the folder, it loads into this process.
    monkeypatch.setattr(sys, "path", [*sys.path])
    modules = set(sys.modules)
    yield CommandLine(capsys)
    author.cache_clear()
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]
