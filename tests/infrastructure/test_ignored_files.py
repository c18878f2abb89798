"""Which files stay out of an image: as Docker reads `.dockerignore`."""

import pytest

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.system.ignored_files import IgnoredFiles


@pytest.mark.parametrize(
    ("lines", "path", "ignored"),
    [
        (["data"], "data", True),
        (["data"], "data/large.csv", True),  # what is in a folder that stays out stays out
        (["data"], "models/data", False),  # relative to the folder, not anywhere
        (["data"], "database", False),
        (["/data/"], "data/large.csv", True),
        (["./data"], "data", True),
        (["*.csv"], "large.csv", True),
        (["*.csv"], "data/large.csv", False),
        (["**/*.csv"], "large.csv", True),
        (["**/*.csv"], "a/b/large.csv", True),
        (["data/**"], "data/a/b", True),
        (["data/*/raw"], "data/2024/raw/a.csv", True),
        (["data/*/raw"], "data/a/b/raw", False),
        (["file?.py"], "file1.py", True),
        (["file?.py"], "file12.py", False),
        (["file[0-4].py"], "file3.py", True),
        (["file[0-4].py"], "file5.py", False),
        (["a+b(1).py"], "a+b(1).py", True),  # no regular expression
        ([r"\!odd"], "!odd", True),
        (["  data  ", ""], "data", True),
        (["*.md", "!README.md"], "README.md", False),
        (["*.md", "!README.md"], "NEWS.md", True),
        (["!README.md", "*.md"], "README.md", True),  # the last one that fits counts
        (["data", "!data/small.csv"], "data/small.csv", False),
        (["data", "!data/small.csv"], "data/large.csv", True),
    ],
)
def test_a_pattern_fits_as_docker_says(lines, path, ignored):
    assert IgnoredFiles(lines).ignores(path) is ignored


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "sub/.git/config",
        ".venv/bin/python",
        "steps/__pycache__/load.pyc",
        ".env",
        "deploy/.env.production",
        "certs/server.pem",
        ".ssh/id_rsa",
        "id_ed25519",
        ".aws/credentials",
        ".pgpass",
        ".stackfold/project.json",
        ".containerignore",
    ],
)
def test_what_nobody_should_find_in_an_image_always_stays_out(tmp_path, path):
    assert IgnoredFiles.of(tmp_path).ignores(path)


def test_the_code_does_not(tmp_path):
    for path in ("train.py", "steps/load.py", "environment.py", "keys.py", "data/a.csv"):
        assert not IgnoredFiles.of(tmp_path).ignores(path)


def test_a_line_takes_back_what_always_stays_out(tmp_path):
    (tmp_path / ".containerignore").write_text("# an example, with no secrets\n!.env.example\n")
    found = IgnoredFiles.of(tmp_path)
    assert not found.ignores(".env.example")
    assert found.ignores(".env")


def test_the_file_of_docker_counts_where_there_is_no_other(tmp_path):
    (tmp_path / ".dockerignore").write_text("data\n")
    assert IgnoredFiles.of(tmp_path).ignores("data/a.csv")
    (tmp_path / ".containerignore").write_text("other\n")
    assert not IgnoredFiles.of(tmp_path).ignores("data/a.csv")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"file[z-a].py\n"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    (tmp_path / ".containerignore").write_bytes(content)
    with pytest.raises(InvalidFile, match="containerignore: cannot be read") as caught:
        IgnoredFiles.of(tmp_path)
    assert "\n" not in str(caught.value)
