"""The guide to embedding shows this service as it is, and what it answers."""

import re
import subprocess
import sys
from pathlib import Path

from running_service import RunningService

REPOSITORY = Path(__file__).parents[3]
GUIDE = (REPOSITORY / "docs" / "embedding.md").read_text()
SHOWN = re.compile(
    r"^<!-- (?P<what>[^\n]+) -->\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def test_the_guide_shows_the_files_as_they_are() -> None:
    shown = {each["what"]: each["text"] for each in SHOWN.finditer(GUIDE)}
    files = {name for name in shown if name.startswith("examples/")}
    assert len(files) == 2
    for name in files:
        assert shown[name] == (REPOSITORY / name).read_text()


def test_the_guide_shows_what_the_service_answers(settings: dict[str, str], tmp_path: Path) -> None:
    session = Path(__file__).parents[1] / "session.py"
    with RunningService(settings, tmp_path / "service.log") as service:
        done = subprocess.run(
            [sys.executable, session, service.url], stdout=subprocess.PIPE, text=True, check=True
        )
    (expected,) = [each["text"] for each in SHOWN.finditer(GUIDE) if "session.py" in each["what"]]
    assert without_ids(done.stdout) == without_ids(expected)


def without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
