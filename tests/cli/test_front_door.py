import pytest
from command_line import through_typer
from history.homes import append, deployment

from stackfold.cli.fast_path import answered, plain_questions
from stackfold.cli.render import Format
from stackfold.infrastructure.workspace import Workspace

QUESTIONS = [words for words, _ in plain_questions()]
FORMATS = [[], *(["--output", form] for form in Format), ["--output=json"]]


@pytest.fixture
def furnished(cli):
    """A command line with something of everything that is asked for."""
    for type in ("container-registry", "step-operator"):
        flavor = "default" if type == "container-registry" else "local"
        uri = ["--uri=x"] if type == "container-registry" else []
        cli.ok(type, "register", "mine", "--flavor", flavor, *uri, "--label", "a=b")
    cli.ok("stack", "register", "mine", "-o", "default", "-a", "default", "-s", "mine", "--set")
    with Workspace.open() as ws:
        append(ws, *deployment()[:2])  # one that failed
    return cli


@pytest.mark.parametrize("form", FORMATS, ids=" ".join)
def test_typer_gives_the_same_answers(furnished, monkeypatch, form):
    asked = [[*words, *form] for words in QUESTIONS]
    named = {"stack": "default", "step-operator": "mine", "deployment": "churn"}
    for question in ("describe", "history"):
        asked += [[noun, question, name, *form] for noun, name in named.items()]
    quickly = [furnished(*words) for words in asked]
    through_typer(monkeypatch)
    slowly = [furnished(*words) for words in asked]
    assert quickly == slowly


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["stack"],
        ["stack", "list", "--name", "x"],
        ["stack", "list", "default"],
        ["stack", "get", "default"],
        ["stack", "describe", "one", "two"],
        ["stack", "describe", ""],
        ["stack", "describe", "--help"],
        ["stack", "list", "--output"],
        ["stack", "list", "--output", "xml"],
        ["stack", "list", "--output", "json", "--output", "json"],
        ["run", "describe", "x"],
        ["deployment", "describe"],
        ["stack", "set", "default"],
    ],
    ids=" ".join,
)
def test_whatever_is_not_a_plain_question_goes_to_typer(words):
    assert not answered(words)
