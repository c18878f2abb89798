"""Lines that carriage returns rewrite."""

import pytest

from stackfold.application.runs.last_states import LastStates, last_states


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("one\ntwo", "one\ntwo"),
        ("10 %\r20 %\rdone\nnext\n", "done\nnext\n"),
        ("\r10 %\r20 %", "20 %"),
        ("10 %\r", "10 %"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("\r\n\n", "\n\n"),
    ],
)
def test_only_the_last_state_of_a_line_is_shown_however_it_is_cut(text, shown):
    assert "".join(last_states([text])) == shown
    assert "".join(last_states(text)) == shown


def test_a_line_without_end_is_passed_on():
    lines = LastStates()
    assert lines.add("a" * 70_000) == "a" * 70_000
    assert lines.current == ""


def test_the_state_of_the_line_that_has_not_ended():
    lines = LastStates()
    assert lines.add("done\n10 %\r20 %\r") == "done\n"
    assert lines.current == "20 %"
