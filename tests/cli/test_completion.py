"""Shell completion: requested by environment variables, printed on stdout."""

from importlib.metadata import requires

import pytest
from command_line import in_a_process

from stackfold.cli import completion


@pytest.fixture
def furnished(cli):
    cli.ok("artifact-store", "register", "shared", "-f", "local")
    cli.ok("stack", "register", "prod", "-o", "default", "-a", "shared")
    cli.ok("stack", "register", "preview", "-o", "default", "-a", "shared")
    for noun, name in (("artifact-store", "lost"), ("stack", "gone")):
        given = ["-f", "local"] if name == "lost" else ["-o", "default", "-a", "shared"]
        cli.ok(noun, "register", name, *given)
        cli.ok(noun, "delete", name, "--yes")
    return cli


def completed(line):
    """What bash offers for the last word of the line."""
    words = line.split(" ")
    answer = in_a_process(
        environment={
            "_STACKFOLD_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    assert (answer.code, answer.err) == (0, "")
    return answer.out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("stackfold stack set pr", ["preview", "prod"]),
        ("stackfold stack describe ", ["default", "preview", "prod"]),
        ("stackfold stack register new -o default -a s", ["shared"]),
        ("stackfold stack register new --artifact-store ", ["default", "shared"]),
        ("stackfold artifact-store delete s", ["shared"]),
        ("stackfold artifact-store register new --flavor l", ["local"]),
        ("stackfold artifact-store register new --path=x -f l", ["local"]),
        ("stackfold container-registry flavor describe ", ["default"]),
        ("stackfold pipeline run train.py --stack pro", ["prod"]),
        ("stackfold run describe x", []),
        ("stackfold stack set nope", []),
        ("stackfold stack history pr", ["preview", "prod"]),
        ("stackfold stack diff prod pre", ["preview"]),
        ("stackfold stack revert pre", ["preview"]),
        ("stackfold stack restore ", ["gone"]),
        ("stackfold artifact-store restore ", ["lost"]),
        ("stackfold artifact-store revert s", ["shared"]),
        ("stackfold log ver", ["verify"]),
        ("stackfold log --type arti", ["artifact-store", "artifact-name"]),
        ("stackfold log --oldest", ["--oldest-first"]),
        ("stackfold stack li", ["list"]),
        ("stackfold a", ["artifact-store", "alerter", "annotator", "artifact"]),
        ("stackfold alerter flavor ", ["list", "describe", "register", "delete"]),
        ("stackfold stack list --sort", ["--sort-by"]),
    ],
)
def test_bash_completion(furnished, line, offered):
    assert completed(line) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_in_other_shells(furnished, shell):
    answer = in_a_process(
        environment={
            "_STACKFOLD_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": "stackfold stack set pr",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
    )
    assert answer.code == 0
    assert "prod" in answer.out
    assert "preview" in answer.out


def test_show_completion_prints_the_script():
    answer = in_a_process(environment={"_STACKFOLD_COMPLETE": "source_bash"})
    assert "complete -o default -F _stackfold_completion stackfold" in answer.out


def test_a_damaged_log_completes_nothing_without_an_error(furnished, tmp_path):
    (tmp_path / "home" / "log.sqlite").write_bytes(b"garbage" * 1000)
    assert completed("stackfold stack set ") == []


def test_completion_does_not_create_a_log(cli, tmp_path):
    assert completed("stackfold stack set ") == []
    assert not (tmp_path / "home").exists()


def test_completion_loads_nothing_that_only_writes_need(furnished):
    answer = in_a_process(
        before="import atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))",
        environment={
            "_STACKFOLD_COMPLETE": "complete_bash",
            "COMP_WORDS": "stackfold stack set ",
            "COMP_CWORD": "3",
        },
    )
    assert "prod" in answer.out
    loaded_by_typer = {"pydantic"} if "pydantic" in str(requires("typer")) else set()
    assert not ({"eventsourcing", "pydantic"} - loaded_by_typer) & set(answer.err.split())


def test_the_number_of_completions_is_limited(monkeypatch, furnished):
    monkeypatch.setattr(completion, "MAX_NAMES", 2)
    assert completion.stacks("") == ["default", "preview"]
