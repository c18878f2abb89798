"""`artifact show` and `artifact export` list and write the files of folders."""

from pathlib import Path

import pytest

PIPELINE = """
from stackfold import Directory, pipeline, step


@step
def draw() -> Directory:
    directory = Directory()
    (directory / "train").mkdir()
    (directory / "train" / "a.txt").write_text("a")
    (directory / "train" / "b.txt").write_text("b")
    (directory / "about.txt").write_text("about")
    return directory


@pipeline
def drawing():
    draw()
"""


@pytest.fixture
def made(cli):
    Path("draw.py").write_text(PIPELINE)
    cli("pipeline", "run", "draw.py", "--quiet")
    return cli


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.txt"))


def test_show_lists_the_files(made):
    shown = made("artifact", "show", "drawing/draw")
    assert "Folder, 3 files" in shown.out
    assert "train/a.txt" in shown.out
    assert "artifact export drawing/draw/output@1 -o FOLDER" in shown.err


def test_export_writes_a_new_folder(made):
    written = made("artifact", "export", "drawing/draw", "-o", "out")
    assert written.out == (
        "artifact 'drawing/draw/output@1' written to out: 3 files, sha256 checked\n"
    )
    assert files("out") == ["about.txt", "train/a.txt", "train/b.txt"]
    refused = made.fails("artifact", "export", "drawing/draw", "-o", "out")
    assert "already exists" in refused


def test_export_writes_only_the_paths_that_are_given(made):
    made("artifact", "export", "drawing/draw", "-o", "out", "train/a.txt")
    assert files("out") == ["train/a.txt"]
    made("artifact", "export", "drawing/draw", "-o", "out", "--overwrite", "train")
    assert files("out") == ["train/a.txt", "train/b.txt"]
    refused = made.fails("artifact", "export", "drawing/draw", "-o", "new", "nothing")
    assert "there is about.txt, train/a.txt, train/b.txt" in refused
    assert not Path("new").exists()


def test_a_folder_needs_a_folder(made):
    refused = made.fails("artifact", "export", "drawing/draw", code=2)
    assert "give a folder with -o FOLDER" in refused
    Path("file").write_text("")
    refused = made.fails("artifact", "export", "drawing/draw", "-o", "file", "--overwrite")
    assert "is not a folder" in refused
    assert Path("file").read_text() == ""
