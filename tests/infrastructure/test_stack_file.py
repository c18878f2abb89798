import pytest

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.files.stack import document_text, write_text
from stackfold.infrastructure.files.yaml import parse_yaml, read_yaml

DOCUMENT = {
    "stack_name": "2026-01-31",
    "description": "two\nlines: \N{SNOWMAN} \x07",
    "labels": {"yes": "no", "n": "1", "empty": ""},
    "components": {
        "alerter": [
            {
                "name": "true",
                "configuration": {"n": 1, "f": 0.5, "b": False, "l": [None, {"x": []}]},
            }
        ]
    },
}


def test_a_written_document_is_read_back(tmp_path):
    write_text(tmp_path / "a.yaml", document_text(DOCUMENT))
    read = read_yaml(tmp_path / "a.yaml")
    assert read.pop("stackfold_version")
    assert read == DOCUMENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_a_value_used_twice_is_written_twice():
    shared = {"path": "/x"}
    assert "&" not in document_text({"a": shared, "b": shared})


def test_a_file_is_replaced_only_on_request(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("mine")
    with pytest.raises(InvalidFile, match="already exists"):
        write_text(path, document_text(DOCUMENT))
    assert path.read_text() == "mine"
    write_text(path, document_text(DOCUMENT), overwrite=True)
    assert read_yaml(path)["stack_name"] == "2026-01-31"
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize("name", ["nowhere/a.yaml", "."])
def test_a_file_that_cannot_be_written_is_rejected(tmp_path, name):
    with pytest.raises(InvalidFile, match=r"cannot be written|already exists"):
        write_text(tmp_path / name, document_text(DOCUMENT))
    assert list(tmp_path.iterdir()) == []


def test_a_date_remains_text():
    read = parse_yaml("a: 2026-01-31\nb: 2026-01-31T12:00:00Z\nc: yes\nd: 1.5", "x")
    assert read == {"a": "2026-01-31", "b": "2026-01-31T12:00:00Z", "c": True, "d": 1.5}


def test_references_are_followed():
    assert parse_yaml("a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2", "x") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 1, "e": 2},
    }


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "line 1"),
        ("a: 1\n b: 2", "line 2"),
        ("\tx", "line 1"),
        ("a: 1\na: 2", "'a' is given twice"),
        ("a: &a [*a]", "contains itself"),
        ("[" * 3000 + "]" * 3000, "nested too deeply"),
        (BOMB, "more than 100000 values"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("? [a]\n: b", "unhashable key"),
        ("--- 1\n--- 2", "line 2"),
        ("a: \x00", "special characters"),
        ("a: 0x_", "invalid YAML"),
    ],
    ids=lambda value: value[:20],
)
def test_yaml_of_other_than_plain_values_is_rejected_in_one_line(text, problem):
    with pytest.raises(InvalidFile) as refusal:
        parse_yaml(text, "x.yaml")
    assert problem in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_text_is_rejected(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidFile, match="not UTF-8"):
        read_yaml(tmp_path / "a.yaml")
    with pytest.raises(InvalidFile, match="cannot be read"):
        read_yaml(tmp_path)
    with pytest.raises(InvalidFile, match="cannot be read"):
        read_yaml(tmp_path / "missing.yaml")
