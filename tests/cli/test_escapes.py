"""Text is escaped for terminals and spreadsheets, and exact in JSON and YAML."""

import csv
import io
import json
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from terminal import on_a_terminal

from stackfold.cli.escapes import escape_formula, escaped, escaped_lines, escaped_output, json_text
from stackfold.cli.table import LONGEST_CELL, one_line, table
from stackfold.infrastructure.files.yaml import parse_yaml, yaml_text

BAD = "\x1b[31mred\x07\x9b\x7f \u202eright to left\u2066\u200f\u061c\u2028\u2029"
OBEYED = {*map(chr, (*range(9), *range(11, 32), *range(127, 160)))} | {*"\u061c\u200e\u200f\u2028"}
OBEYED |= {*map(chr, (*range(0x2029, 0x202F), *range(0x2066, 0x206A)))}

# Text with a lot of what is dangerous in it.
TEXT = st.text(st.sampled_from([*"ab:-#\"'\\ \n\té", *sorted(OBEYED)]), max_size=12)


@given(TEXT)
def test_control_characters_are_escaped(text):
    assert not OBEYED & {*escaped(text)}
    assert "\n" not in escaped(text)
    assert not OBEYED & {*escaped_lines(text)}
    assert not OBEYED & {*one_line(text)}


@given(TEXT, TEXT)
def test_json_uses_json_escapes(key, text):
    written = json_text({key: [text]}, indent=2)
    assert not OBEYED & {*written}
    assert json.loads(written) == {key: [text]}


@given(TEXT, TEXT)
def test_yaml_uses_yaml_escapes(key, text):
    written = yaml_text({key: [text]})
    assert not OBEYED & {*written}
    assert yaml.safe_load(written) == {key: [text]}
    assert parse_yaml(written, "it") == {key: [text]}


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "-", "--x"])
def test_csv_formulas_get_an_apostrophe(text):
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-0.5", "+3", "-1e-7", "-.5", "12", "a=b", "", "'", "é"])
def test_csv_numbers_are_unchanged(text):
    assert escape_formula(text) == text


def test_table_cells_are_truncated_to_the_limit(capsys):
    records = [{"a": "x" * 10_000_000, "b": "y"}, {"a": ["z" * 10_000_000], "b": "y"}]
    text, _ = table(records, ["a", "b"])
    assert {*map(len, text.splitlines())} == {LONGEST_CELL + len("  y")}
    assert "…" in text


def test_logs_are_exact_without_a_terminal():
    assert [*escaped_output(["\x1b[2J\r\x07"])] == ["\x1b[2J\r\x07"]


def test_logs_on_a_terminal_keep_only_colours_and_newlines(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    pieces = ["a\t\x1b[3", "1mred\x1b[0m\n", "10%\r20%\r\n", "\x1b[2J\x1b]0;title\x07\u202e", "end"]
    assert "".join(escaped_output(pieces)) == (
        "a\t\x1b[31mred\x1b[0m\n10%\n20%\n\\x1b[2J\\x1b]0;title\\x07\\u202eend"
    )


@pytest.fixture
def bad(cli):
    cli.ok("stack", "register", "s", "-o", "default", "-a", "default", "--label", f"l={BAD}")
    cli.ok("stack", "update", "s", "--label", "f==1+1", "-m", BAD)
    return cli


@pytest.mark.parametrize(
    "command",
    [
        ("stack", "list", "--output", "json"),
        ("stack", "describe", "s"),
        ("stack", "describe", "s", "--output", "yaml"),
        ("stack", "history", "s"),
        ("stack", "diff", "s", "default"),
        ("stack", "diff", "s", "default", "--output", "unified"),
        ("stack", "export", "s"),
        ("stack", "describe", BAD),
        ("log", "list", "--oldest-first", "--output", "jsonl"),
        ("stack", "register", f"n{BAD}", "-o", "default", "-a", "default"),
        ("stack", "import", "-f", f"/nowhere/{BAD}"),
        ("stack", "list", f"--nonsense{BAD}"),
    ],
)
def test_no_command_prints_control_characters(bad, command):
    answer = bad(*command)
    assert not (OBEYED | {"\x9b"}) & {*answer.out, *answer.err}


def test_json_and_yaml_preserve_text(bad):
    described = bad.ok("stack", "describe", "s", "--output", "json")
    assert json.loads(described)["labels"]["l"] == BAD
    described = bad.ok("stack", "describe", "s", "--output", "yaml")
    assert yaml.safe_load(described)["labels"]["l"] == BAD
    rows = [*csv.reader(io.StringIO(bad.ok("stack", "history", "s", "--output", "csv")))]
    assert BAD in rows[1]


def test_csv_on_a_terminal_is_escaped(bad):
    answer = on_a_terminal("stack", "history", "s", "--output", "csv")
    assert "\x1b[31m" not in answer.out
