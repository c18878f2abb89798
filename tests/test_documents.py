"""The console sessions in documents show what their commands print.

`UPDATE_DOCUMENTS=1 pytest tests/test_documents.py` writes the current output into the documents.
"""

import os
from pathlib import Path

import pytest
from documents import comparable, programs, rerun

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "```console" in path.read_text()
]

WITH_PROGRAMS = (
    "README.md",
    "docs/artifacts.md",
    "docs/deployments.md",
    "docs/embedding.md",
    "docs/eventsourcing.md",
    "docs/example.md",
    "docs/flavors/own.md",
    "docs/history.md",
    "docs/pipelines.md",
    "docs/runs.md",
)
"""Documents with programs, which are also run on PostgreSQL."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_output_in_a_document_is_what_its_commands_print(path, tmp_path_factory):
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
