"""Files that `.containerignore` excludes from an image, by the rules of `.dockerignore`."""

import pytest

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.system.ignored_files import IgnoredFiles


@pytest.mark.parametrize(
    ("lines", "path", "ignored"),
    [
        (["data"], "data", True),
        (["data"], "data/large.csv", True),  # with the folder, everything in it
        (["data"], "models/data", False),  # relative to the folder, unlike in .gitignore
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
        (["file[^0-4].py"], "file5.py", True),
        (["file[!0-4].py"], "file5.py", False),  # `!` does not negate
        ([r"file[\]\-].py"], "file].py", True),
        (["a**b"], "a/x/y/b", True),
        (["a**b"], "axb", False),
        (["**.csv"], "data/large.csv", True),
        (["data/./raw//../a.csv"], "data/a.csv", True),
        (["a+b(1).py"], "a+b(1).py", True),  # not a regular expression
        ([r"\!odd"], "!odd", True),
        (["  data  ", ""], "data", True),
        (["*.md", "!README.md"], "README.md", False),
        (["*.md", "!README.md"], "NEWS.md", True),
        (["!README.md", "*.md"], "README.md", True),  # the last one that matches counts
        (["data", "!data/small.csv"], "data/small.csv", False),  # unlike in .gitignore
        (["data", " ! /data/small.csv "], "data/small.csv", False),
        (["data", "!data/small.csv"], "data/large.csv", True),
    ],
)
def test_a_pattern_matches_as_in_dockerignore(lines, path, ignored):
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
def test_secrets_and_files_of_tools_are_always_excluded(tmp_path, path):
    assert IgnoredFiles.of(tmp_path).ignores(path)


def test_code_and_data_are_included(tmp_path):
    for path in ("train.py", "steps/load.py", "environment.py", "keys.py", "data/a.csv"):
        assert not IgnoredFiles.of(tmp_path).ignores(path)


def test_a_line_includes_a_file_that_is_always_excluded(tmp_path):
    (tmp_path / ".containerignore").write_text("# an example, with no secrets\n!.env.example\n")
    found = IgnoredFiles.of(tmp_path)
    assert not found.ignores(".env.example")
    assert found.ignores(".env")


def test_dockerignore_is_read_where_there_is_no_containerignore(tmp_path):
    (tmp_path / ".dockerignore").write_text("data\n")
    assert IgnoredFiles.of(tmp_path).ignores("data/a.csv")
    (tmp_path / ".containerignore").write_text("other\n")
    assert not IgnoredFiles.of(tmp_path).ignores("data/a.csv")


@pytest.mark.parametrize(
    "line", ["file[z-a].py", "file[0-4.py", "[]a]", "[a-]", "[a-b-c]", "data\\", "!"]
)
def test_a_line_that_is_not_a_pattern_is_rejected(tmp_path, line):
    (tmp_path / ".containerignore").write_text(f"data\n{line}\n")
    with pytest.raises(InvalidFile, match=r"containerignore: cannot be read: .* is not a pattern"):
        IgnoredFiles.of(tmp_path)


def test_a_file_that_is_not_text_is_rejected(tmp_path):
    (tmp_path / ".containerignore").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidFile, match="containerignore: cannot be read") as caught:
        IgnoredFiles.of(tmp_path)
    assert "\n" not in str(caught.value)
