"""What the documents show is what the commands print.

`UPDATE_DOCUMENTS=1 pytest tests/test_documents.py` writes what they print now into the documents.
"""

import os
from pathlib import Path

import pytest
from documents import comparable, rerun

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "```console" in path.read_text()
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_shows_what_its_commands_print(path, tmp_path_factory):
    document = path.read_text()
    printed = rerun(document, tmp_path_factory.mktemp("documents-"))
    if os.environ.get("UPDATE_DOCUMENTS") and comparable(printed) != comparable(document):
        path.write_text(printed)
    assert comparable(printed) == comparable(document)
