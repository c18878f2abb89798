import os
import sys

import pytest

from stackfold.cli import table as tables
from stackfold.cli.colour import coloured
from stackfold.cli.table import cell, one_line, properties, table

RECORDS = [
    {"name": "a", "revision": 1, "by": "ada@example.com", "note": "short"},
    {"name": "bücher", "revision": 12, "by": "ben@example.com", "note": "a rather long remark"},
]
COLUMNS = ("name", "revision", "by", "note")


@pytest.fixture
def terminal(monkeypatch):
    """Pretend that stdout is a terminal of some width."""

    def pretend(width, **environment):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(width))
        for name in ("FORCE_COLOR", "NO_COLOR", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return pretend


def test_a_piped_table_is_plain_aligned_and_not_truncated():
    text, left_out = table(RECORDS, COLUMNS)
    assert left_out == []
    assert text == (
        "NAME    REVISION  BY               NOTE\n"
        "a       1         ada@example.com  short\n"
        "bücher  12        ben@example.com  a rather long remark\n"
    )


def test_the_header_is_bold_on_a_terminal(terminal):
    terminal(80)
    header, *rest = table(RECORDS, COLUMNS)[0].splitlines()
    assert header == "\033[1mNAME    REVISION  BY               NOTE\033[0m"
    assert "\033" not in "".join(rest)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_colours_can_be_disabled(terminal, environment):
    terminal(80, **environment)
    assert "\033" not in table(RECORDS, COLUMNS)[0]


@pytest.mark.parametrize("width", range(20, 60))
def test_a_table_fits_the_terminal_and_keeps_vital_columns(terminal, width):
    terminal(width, NO_COLOR="1")
    text, left_out = table(RECORDS, COLUMNS, ("name", "revision"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == 3
    assert lines[2].startswith("bücher  12")
    shown = [column for column in COLUMNS if column not in left_out]
    assert lines[0].split()[: len(shown)][:2] == ["NAME", "REVISION"]


def test_the_widest_columns_are_truncated_first(terminal):
    terminal(45, NO_COLOR="1")
    text, left_out = table(RECORDS, COLUMNS, ("name", "revision"))
    assert left_out == []
    assert text.splitlines()[2] == "bücher  12        ben@example…  a rather lon…"


def test_vital_columns_may_be_wider_than_the_terminal(terminal):
    terminal(5, NO_COLOR="1")
    text, left_out = table(RECORDS, COLUMNS, ("name", "revision"))
    assert left_out == ["by", "note"]
    assert "bücher  12" in text


def test_wide_characters_take_two_cells():
    text, _ = table([{"name": "日本", "x": "1"}, {"name": "a", "x": "2"}], ("name", "x"))
    assert text == "NAME  X\n日本  1\na     2\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "-"),
        ("", "-"),
        ([], "-"),
        ({}, "-"),
        (0, "0"),
        (["a", "b"], "a, b"),
        ([1, True], "1, true"),
        ({"a": "b", "c": [1]}, "a=b, c=[1]"),
        ("two\nlines\tand \033[31mred", "two\\nlines\\tand \\x1b[31mred"),
    ],
)
def test_a_value_in_a_cell(value, shown):
    assert cell(value) == shown


def test_properties_go_one_level_down():
    record = {"name": "a", "labels": {"x": "1"}, "stacks": [], "configuration": {}}
    assert properties(record, tuple(record)) == (
        "name           a\nlabels.x       1\nstacks         -\nconfiguration  -\n"
    )


def test_a_message_is_one_line():
    assert one_line("a\n  b\r\n\033c") == "a b \\x1bc"


def test_a_time_is_shown_to_the_second():
    text, _ = table([{"at": "2026-01-31T12:00:00.123456Z"}], ("at",))
    assert text == "AT\n2026-01-31T12:00:00Z\n"


def test_the_width_is_the_terminals(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((33, 10)))
    assert tables.room() == 33


def test_a_status_is_coloured_on_a_terminal(terminal):
    records = [{"status": "failed", "name": "failed"}, {"status": "new", "name": "b"}]
    terminal(80)
    text, _ = table(records, ("status", "name"))
    assert text.splitlines()[1:] == ["\033[1;31mfailed\033[0m  failed", "new     b"]
    assert properties(records[0], ("status",)) == "status  \033[1;31mfailed\033[0m\n"
    terminal(80, NO_COLOR="1")
    assert "\033" not in table(records, ("status", "name"))[0]


def test_only_the_rows_that_are_too_wide_go_below(terminal):
    records = [{"what": f"stack '{name}' updated", "changes": "a: 1", "why": "x"} for name in "abc"]
    records[1]["changes"] = "description: " + "long " * 12
    terminal(60, NO_COLOR="1")
    text, _ = table(records, ("what", "changes", "why"), ("what",), ("changes", "why"))
    assert text == (
        "WHAT               CHANGES  WHY\n"
        "stack 'a' updated  a: 1     x\n"
        "stack 'b' updated\n"
        "    description: long long long long long long long long\n"
        "    long long long long\n"
        "    “x”\n"
        "stack 'c' updated  a: 1     x\n"
    )


def test_a_narrow_terminal_shows_some_columns_below_the_others(terminal):
    long = "path: a → b; flavor: local → s3; label team: none → research"
    records = [{"what": "stack 'a' updated", "changes": long, "why": "to try"}]
    records.append({"what": "stack 'b' updated", "changes": "", "why": ""})
    columns = ("what", "changes", "why")
    terminal(40, NO_COLOR="1")
    text, left_out = table(records, columns, ("what",), ("changes", "why"))
    assert left_out == []
    assert text == (
        "WHAT\n"
        "stack 'a' updated\n"
        "    path: a → b; flavor: local → s3;\n"
        "    label team: none → research\n"
        "    “to try”\n"
        "stack 'b' updated\n"
    )
    terminal(120, NO_COLOR="1")
    assert table(records, columns, ("what",), ("changes", "why")) == table(records, columns)


def test_titles_are_truncated_before_values_and_times_are_whole_or_dropped(terminal):
    terminal(61)
    rows = [
        {
            "name": "training-1f0c2a9b",
            "stack_revision": 1,
            "stack": "production",
            "started": "5 min ago",
            "duration": "2 min 5 s",
        }
    ]
    shown, left_out = table(rows, list(rows[0]), ("name",))
    assert left_out == []
    assert "STACK_R…" in shown
    assert shown.splitlines()[1].split("  ")[-2:] == ["5 min ago", "2 min 5 s"]
    terminal(40)
    shown, left_out = table(rows, list(rows[0]), ("name",))
    assert "5 min ago  2 min 5 s" in shown
    assert left_out == ["stack_revision", "stack"]


@pytest.mark.parametrize("form", [list, lambda each: dict.fromkeys(map(str, each), 0)])
def test_a_cell_of_a_million_values_says_how_many(form):
    text = cell(form(range(1_000_000)), 200)
    assert len(text) == 200
    assert text.endswith("… (1,000,000 values)")


def test_a_container_that_fits_is_whole():
    assert cell([1, 2, 3], 7) == "1, 2, 3"
    assert cell([1, 2, 3], None) == "1, 2, 3"


def test_a_description_on_a_terminal_takes_a_few_lines_for_each_value(terminal):
    terminal(80)
    record = {
        "why": "x" * 100_000,
        "values": list(range(100_000)),
        "keys": {str(i): i for i in range(9999)},
    }
    shown = properties(record, [*record])
    assert len(shown) < 10_000
    assert "and 9,799 more" in shown


def test_a_description_has_exact_times_and_their_age_on_a_terminal(terminal):
    record = {"started": "2026-01-31T12:00:00.123456Z"}
    assert properties(record, ["started"]) == "started  2026-01-31T12:00:00.123456Z\n"
    terminal(80)
    assert properties(record, ["started"]).startswith("started  2026-01-31T12:00:00Z")


def test_the_sides_of_a_difference_are_red_and_green(terminal):
    terminal(80)
    shown, _ = table([{"field": "path", "before": "a", "after": "b"}], ("field", "before", "after"))
    assert "\033[31ma\033[0m" in shown
    assert "\033[32mb\033[0m" in shown


def test_colours_can_be_forced(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert coloured("failed", "31") == "\033[31mfailed\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("failed", "31") == "failed"
