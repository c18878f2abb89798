"""Killed at any point, a command leaves no draft behind that the next command does not delete."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from faults.kill_points import NEW, OLD
from workspaces import names, stack

from stackfold.domain.errors import LogExists, NotFound
from stackfold.infrastructure.system.drafts import delete_abandoned, draft_of, replace_file
from stackfold.infrastructure.system.home import read_project
from stackfold.infrastructure.workspace import Workspace

ROWS = bytes(range(256)) * 9000
WORKER = Path(__file__).with_name("kill_points.py")


@pytest.fixture
def kill_at_every_point(tmp_path, monkeypatch):
    """Yields the location after the task was killed at each point, until it completed."""
    original = tmp_path / "original"
    with Workspace.open(original / "home") as ws:
        stack(ws, "prod")
        ws.secrets.create("hub", {"token": OLD}, store="file")
        ws.log.export(original / "log.jsonl")
    (original / "project").mkdir()
    (original / "rows.bin").write_bytes(ROWS)
    for name in ("a", "b"):
        (original / "rows" / name).mkdir(parents=True)
        (original / "rows" / name / "rows.bin").write_bytes(name.encode() + ROWS)
    worker = subprocess.Popen(
        [sys.executable, WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def kill_at_every_point(task):
        for point in count(1):
            place = tmp_path / "place"
            shutil.copytree(original, place)
            worker.stdin.write(json.dumps([task, str(place), point]) + "\n")
            worker.stdin.flush()
            status = json.loads(worker.stdout.readline())
            yield place
            shutil.rmtree(place)
            if status == 0:
                assert point > 3, "it was never killed"
                return
            assert os.WTERMSIG(status) == signal.SIGKILL

    yield kill_at_every_point
    worker.stdin.close()
    worker.stdout.close()
    worker.wait()


def drafts(folder):
    """Hidden files that are no project's."""
    return [each for each in folder.rglob(".*") if each.name != ".stackfold"]


def holding(folder, text):
    """The files that hold a text."""
    files = [each for each in folder.rglob("*") if each.is_file()]
    return [each.name for each in files if text.encode() in each.read_bytes()]


@pytest.mark.parametrize("task", ["update_secret", "create_secret"])
def test_no_secret_stays_in_a_temporary_file(kill_at_every_point, task):
    outcomes, left = set(), 0
    for place in kill_at_every_point(task):
        left += bool(drafts(place))
        with Workspace.open(place / "home") as ws:
            assert names(ws.stacks.list()) == ["default", "prod"]
            assert drafts(place) == []
            values = {secret.name: ws.secrets.values(secret.name) for secret in ws.secrets.list()}
        outcomes.add(json.dumps(values))
        assert {*holding(place, OLD), *holding(place, NEW)} == {"plain.json"}
    assert len(outcomes) == 2, "it was as before, or it was as wanted"
    assert left, "no kill left anything behind"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["import_log", "fork", "first_use"])
def test_no_draft_of_a_log_stays(kill_at_every_point, task):
    left = 0
    for place in kill_at_every_point(task):
        left += bool(drafts(place))
        with Workspace.open(place / "copy") as ws:
            assert ws.log.verify().intact
            assert names(ws.stacks.list())[0] == "default"
        assert drafts(place) == []
    assert left, "no kill left anything behind"


@pytest.mark.slow
@pytest.mark.parametrize("task", ["register_file", "register_in_place", "register_folder"])
def test_an_artifact_is_registered_as_a_whole_or_not_at_all(kill_at_every_point, task):
    numbers, left = set(), 0
    for place in kill_at_every_point(task):
        stored = place / "home" / "artifacts"
        with Workspace.open(place / "home") as ws:
            try:
                number = ws.artifacts.get("rows").version
            except NotFound:
                number = 0
            numbers.add(number)
            before = files(stored)
            ws.artifacts.prune(grace=timedelta())
            after = files(stored)
            left += before != after
            kept = {"register_file": 1, "register_in_place": 0, "register_folder": 3}[task]
            assert len(after) == (kept if number else 0)
            assert (place / "rows.bin").read_bytes() == ROWS
            if number:
                assert holds_rows(ws.artifacts.load("rows"))
            source = place / ("rows" if task == "register_folder" else "rows.bin")
            again = ws.artifacts.register(source, "rows", copy=task != "register_in_place")
            assert again.version == number + 1
            assert holds_rows(ws.artifacts.load("rows"))
            assert ws.log.verify().intact
    assert numbers == {0, 1}, "it was as before, or it was as wanted"
    assert bool(left) == (task != "register_in_place")


def files(folder):
    """The stored and partial files of an artifact store."""
    return {each for each in folder.rglob("*") if each.is_file()}


def holds_rows(value):
    if isinstance(value, bytes):
        return value == ROWS
    return all((value / each / "rows.bin").read_bytes() == each.encode() + ROWS for each in "ab")


def test_the_same_command_can_be_run_again(kill_at_every_point):
    for place in kill_at_every_point("import_log"):
        with suppress(LogExists):  # it was killed when all but tidying up was done
            Workspace.import_log(place / "log.jsonl", place / "copy")
        assert drafts(place) == []


def test_a_project_file_is_written_as_a_whole_or_not_at_all(kill_at_every_point, monkeypatch):
    left = 0
    for place in kill_at_every_point("init"):
        left += bool(drafts(place))
        project = place / "project"
        with Workspace.open(place / "home") as ws:
            if not (project / ".stackfold" / "project.json").exists():
                ws.init_project(project)
        with monkeypatch.context() as there:
            there.chdir(project)
            with Workspace.open(place / "home") as ws:
                assert ws.status().project == str(project)
                assert ws.stacks.get().name == "default"
        assert read_project(project).id
        assert drafts(place) == []
    assert left, "no kill left anything behind"


# -- files in use are not deleted


def test_a_draft_in_use_stays(tmp_path):
    path = tmp_path / "plain.json"
    with draft_of(path) as (draft, file):
        file.write("half")
        file.flush()
        program = (
            "import sys; from stackfold.infrastructure.system.drafts import delete_abandoned; "
            "delete_abandoned(sys.argv[1])"
        )
        subprocess.run([sys.executable, "-c", program, tmp_path], check=True)
        delete_abandoned(tmp_path)
        assert draft.read_text() == "half"
    assert [*tmp_path.iterdir()] == []


def test_drafts_of_older_versions_go_and_other_hidden_files_stay(tmp_path):
    ours = (".log.sqlite.123.0a1b2c3d", ".log.sqlite.123.0a1b2c3d-wal", f".plain.json.{'0' * 32}")
    others = (".gitignore", ".log.sqlite.mine", ".a.json.bak", "plain.json", ".plain.json.0")
    for name in (*ours, *others):
        (tmp_path / name).write_text("x")
    delete_abandoned(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {*others}


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.json"
    for text in ("one", "two"):
        replace_file(path, text)
        assert path.read_text() == text
    assert [*tmp_path.iterdir()] == [path]
