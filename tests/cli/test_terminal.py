"""What is different where somebody sits at a terminal."""

import pytest
from command_line import in_a_process
from terminal import on_a_terminal


@pytest.fixture
def spare(cli):
    cli.ok("artifact-store", "register", "shared", "-f", "local")
    cli.ok("stack", "register", "spare", "-o", "default", "-a", "shared")
    return cli


@pytest.mark.parametrize("typed", ["n\n", "\n", "\x04", "\x03"], ids=["no", "", "end", "^C"])
def test_it_asks_before_something_is_gone(spare, typed):
    answer = on_a_terminal("stack", "delete", "spare", "-r", typed=typed)
    assert "Delete stack 'spare' and the components that only it uses? [y/N]" in answer.out
    assert answer.code == (130 if typed == "\x03" else 1)
    assert "error" not in answer.out
    assert "spare" in spare.ok("stack", "list")


def test_yes_deletes(spare):
    answer = on_a_terminal("stack", "delete", "spare", typed="y\n")
    assert answer.code == 0
    assert answer.out.endswith("stack 'spare' deleted, revision 2\n")
    assert "spare" not in spare.ok("stack", "list")


def test_it_does_not_ask_if_told_not_to(spare):
    assert "[y/N]" not in on_a_terminal("stack", "delete", "spare", "-y").out


def test_what_does_not_exist_is_not_asked_about(spare):
    answer = on_a_terminal("stack", "delete", "nope")
    assert answer.out == "error: there is no stack 'nope': there is default, spare\n"


def test_a_table_fits(spare):
    wide = on_a_terminal("artifact-store", "list", columns=120).out
    narrow = on_a_terminal("artifact-store", "list", columns=50).out
    assert "ada@example.com" in wide
    assert "note: no room for" in narrow
    assert (
        max(map(len, narrow.replace("\033[1m", "").replace("\033[0m", "").splitlines()[:-1])) <= 50
    )


def test_a_reader_that_stops_reading_is_no_error(spare):
    broken = (
        "import os\nread, write = os.pipe()\nos.dup2(write, 1); os.close(write); os.close(read)\n"
    )
    answer = in_a_process("stack", "list", before=broken)
    assert (answer.code, answer.err) == (1, "")
    answer = in_a_process("stack", "list", "--name", "spare", before=broken)
    assert (answer.code, answer.err) == (1, "")


def test_a_terminal_without_the_characters_gets_their_codes(cli):
    cli.ok("orchestrator", "register", "bücher", "-f", "local")
    answer = in_a_process("orchestrator", "list", environment={"PYTHONIOENCODING": "ascii"})
    assert answer.code == 0
    assert "b\\xfccher" in answer.out
