"""Output formats for programs: exact fields, values without truncation, equal in every format."""

import csv
import io
import json
import re

import pytest
import yaml

STACK = [
    "id",
    "name",
    "revision",
    "active",
    "description",
    "labels",
    "components",
    "created",
    "updated",
    "by",
]
COMPONENT = [
    "id",
    "name",
    "type",
    "flavor",
    "revision",
    "configuration",
    "labels",
    "stacks",
    "created",
    "updated",
    "by",
]
FLAVOR = ["name", "type", "integration", "installed", "summary"]
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
ODD = 'a "b", c\n\td; \\ é'


@pytest.fixture
def odd(cli):
    """A stack whose description needs quoting in every form."""
    cli.ok("stack", "register", "odd", "-o", "default", "-a", "default", "--description", ODD)
    return cli


def test_the_fields_of_a_stack(odd):
    (listed, _) = odd.json("stack", "list")
    for told in (listed, odd.json("stack", "describe"), odd.json("stack", "get")):
        assert list(told) == STACK
        assert told["components"] == {"orchestrator": ["default"], "artifact_store": ["default"]}
        assert told["active"] is True
        assert told["revision"] == 1
        assert RFC_3339.fullmatch(told["created"])
        assert RFC_3339.fullmatch(told["updated"])


def test_the_fields_of_a_component(cli):
    (listed,) = cli.json("orchestrator", "list")
    for told in (listed, cli.json("orchestrator", "describe"), cli.json("orchestrator", "get")):
        assert list(told) == COMPONENT
        assert told["stacks"] == ["default"]
        assert RFC_3339.fullmatch(told["updated"])


def test_the_fields_of_a_flavor(cli):
    listed, *_ = cli.json("artifact-store", "flavor", "list")
    assert list(listed) == FLAVOR
    described = cli.json("artifact-store", "flavor", "describe", "local")
    assert list(described) == [*FLAVOR, "requires", "schema"]
    assert described["schema"]["properties"]["path"]["type"] == "string"


def test_an_empty_list_is_a_list(cli):
    answer = cli("alerter", "list", "--output", "json")
    assert (answer.code, json.loads(answer.out)) == (0, [])
    answer = cli("alerter", "list", "--output", "csv")
    assert answer.out == ",".join(COMPONENT) + "\n"


@pytest.mark.parametrize("words", [["stack", "list"], ["stack", "describe", "odd"]], ids=" ".join)
def test_every_format_has_the_same_values(odd, words):
    told = odd.json(*words)
    assert yaml.safe_load(odd.ok(*words, "--output", "yaml")) == told
    rows = told if isinstance(told, list) else [told]
    assert rows[-1]["description"] == ODD
    for form, dialect in (("csv", "excel"), ("tsv", "excel-tab")):
        lines = io.StringIO(odd.ok(*words, "--output", form), newline="")
        assert [_read(row) for row in csv.DictReader(lines, dialect=dialect)] == rows


def _read(row):
    parsed = {"revision", "active", "labels", "components"}
    return {name: json.loads(text) if name in parsed else text for name, text in row.items()}


def test_a_table_has_one_line_per_row(odd):
    table = odd.ok("stack", "list", "--columns", "name,description")
    assert table.splitlines()[2] == r'odd      a "b", c\n\td; \ é'


def test_the_fields_of_a_run(cli, tmp_path):
    (tmp_path / "here" / "one.py").write_text(
        "from stackfold import pipeline, step\n\n"
        "@step\ndef one() -> int:\n    return 1\n\n"
        "@pipeline\ndef single():\n    one()\n"
    )
    cli.ok("pipeline", "run", "one.py", "--quiet")
    (listed,) = cli.json("run", "list")
    told = cli.json("run", "describe", listed["name"])
    assert {name: told[name] for name in listed} == listed
    (step,) = told["steps"]
    (output,) = step["outputs"]
    assert output["type"] == "builtins.int"
    assert told["pin"]["components"]["orchestrator"][0]["name"] == "default"
    assert yaml.safe_load(cli.ok("run", "describe", "single", "--output", "yaml")) == told
