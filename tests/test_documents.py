"""The console sessions in documents show what their commands print.

`UPDATE_DOCUMENTS=1 pytest tests/test_documents.py` writes the current output into the documents.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from documents import comparable, programs, rerun, write_programs

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "```console" in path.read_text()
]

NEEDS = {
    "docs/data-validation.md": "pandera",
    "docs/flavors/data-validator-evidently.md": "evidently",
}
"""Document → a package that `.venv` lacks; the tests of flavors run it where the package is."""


def must_be_runnable(path):
    package = NEEDS.get(str(path.relative_to(ROOT)))
    if package and find_spec(package) is None:
        pytest.skip(f"{package} is not installed: the tests of flavors run this document")


WITH_PROGRAMS = (
    "README.md",
    "docs/api.md",
    "docs/artifacts.md",
    "docs/deployments.md",
    "docs/embedding.md",
    "docs/eventsourcing.md",
    "docs/example.md",
    "docs/flavors/own.md",
    "docs/folders.md",
    "docs/history.md",
    "docs/model-life.md",
    "docs/monitoring.md",
    "docs/materializers.md",
    "docs/observability.md",
    "docs/pipelines.md",
    "docs/policies.md",
    "docs/reactions.md",
    "docs/runs.md",
    "docs/testing.md",
)
"""Documents with programs, which are also run on PostgreSQL."""


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_output_in_a_document_is_what_its_commands_print(path, tmp_path_factory):
    must_be_runnable(path)
    document = path.read_text()
    printed = rerun(document, tmp_path_factory.mktemp("documents-"))
    if os.environ.get("UPDATE_DOCUMENTS") and comparable(printed) != comparable(document):
        path.write_text(printed)
    assert comparable(printed) == comparable(document)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [ROOT / name for name in WITH_PROGRAMS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_programs_print_the_same_on_postgresql(path, postgres, tmp_path_factory):
    document = path.read_text()
    with postgres.lent() as url:
        printed = rerun(document, tmp_path_factory.mktemp("documents-"), url)
    assert "Traceback" in document or "Traceback" not in printed
    assert programs(comparable(printed)) == programs(comparable(document))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Mypy's cache of Stackfold and libraries, shared by the documents."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [path for path in DOCUMENTS if "```python\n# " in path.read_text()],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_programs_of_a_document_pass_type_checkers(path, tmp_path, cache):
    must_be_runnable(path)
    names = write_programs(path.read_text(), tmp_path)
    if "digits" in path.read_text():
        (tmp_path / "digits.py").write_text((ROOT / "examples" / "digits.py").read_text())
    settings = {
        "include": names,
        "extraPaths": [str(ROOT / "src")],
        "typeCheckingMode": "standard",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    mypy = ["mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", cache, *names]
    for tool in (mypy, ["pyright", "--pythonpath", sys.executable]):
        done = subprocess.run(
            [sys.executable, "-m", *tool],
            cwd=tmp_path,
            env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
