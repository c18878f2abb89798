"""`stackfold log` shows changes; options show the rest, or less."""

import pytest
from terminal import on_a_terminal

from stackfold.cli import show

PIPELINE = """\
from stackfold import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def training():
    one()
"""


@pytest.fixture
def worked(cli, tmp_path, monkeypatch):
    """A command line after changes by two people, and a run."""
    cli.ok("artifact-store", "register", "shared", "-f", "local", "-m", "a folder for the team")
    monkeypatch.setenv("STACKFOLD_ACTOR", "bob@example.com")
    cli.ok("stack", "register", "prod", "-o", "default", "-a", "shared", "-m", "What is LIVE")
    (tmp_path / "here" / "train.py").write_text(PIPELINE)
    cli.ok("pipeline", "run", "train.py", "-q")
    return cli


def shown(cli, *options):
    """What each event that is shown did, the newest first."""
    answer = cli("log", *options, "--columns", "what", "-n", "100")
    assert answer.code == 0
    return answer.out.splitlines()[1:]


def test_the_log_shows_changes_only(worked):
    found = shown(worked)
    assert found[0] == "stack 'prod' registered"
    assert not [line for line in found if line.startswith("run ")]


def test_runs_adds_runs_and_all_adds_steps(worked):
    changes, runs, all = shown(worked), shown(worked, "--runs"), shown(worked, "--all")
    assert [line for line in runs if not line.startswith("run ")] == changes
    assert len(runs) == len(changes) + 2
    assert len(all) == len(runs) + 1
    assert next(line for line in all if line not in runs).endswith(": step completed")


def test_the_type_of_runs_shows_runs_and_their_steps(worked):
    assert len(shown(worked, "--type", "run")) == 3


def test_several_types_may_be_given(worked):
    found = shown(worked, "--type", "stack", "--type", "artifact-store")
    assert {line.rpartition(" '")[0] for line in found} == {"stack", "artifact store"}


@pytest.mark.parametrize("option", ["--by", "--author"])
def test_an_author_may_be_given_without_the_host(worked, option):
    assert shown(worked, option, "bob") == ["stack 'prod' registered"]
    assert shown(worked, option, "bob@example.com") == ["stack 'prod' registered"]
    assert shown(worked, option, "bo") == []


@pytest.mark.parametrize("text", ["what is live", "BOB@", "prod"])
def test_grep_searches_reasons_authors_and_names(worked, text):
    assert "stack 'prod' registered" in shown(worked, "--grep", text)


@pytest.mark.parametrize("since", ["yesterday", "today", "2 days ago", "1 hour ago", "5 minutes"])
def test_since_takes_words(worked, since):
    assert shown(worked, "--since", since) == shown(worked)


def test_until_yesterday_is_before_everything(worked):
    answer = worked("log", "--until", "yesterday")
    assert answer.err == "note: no event matches: --all also searches the events of runs\n"


def test_a_note_says_that_more_events_exist_unless_a_limit_was_given(worked, monkeypatch):
    monkeypatch.setattr(show, "PAGE", 2)
    assert worked("log").err == "note: more events exist: raise --limit or add filters\n"
    assert worked("log", "-n", "2").err == ""


def test_oneline_is_one_line_of_the_terminal_for_each_event(worked):
    worked.ok("stack", "update", "prod", "--description", "x" * 300, "-m", "to\nexplain")
    lines = on_a_terminal("log", "--oneline", "-n", "3").out.splitlines()[:3]
    assert lines[0].startswith(r"#10 stack 'prod' updated (to\nexplain): description: xxx")
    assert lines[0].endswith("…")
    assert [len(line) <= 80 for line in lines] == [True] * 3


def test_oneline_is_whole_where_it_is_piped(worked):
    worked.ok("stack", "update", "prod", "--description", "x" * 300)
    assert "x" * 300 in worked("log", "--oneline", "-n", "1").out
