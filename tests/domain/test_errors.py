"""Every error and warning: its kind, data, message, documentation, copies and public name."""

import copy
import inspect
import pickle
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from error_examples import example, parameters

import stackfold.errors
from stackfold.cli.error_reference import KINDS, error_reference
from stackfold.domain import errors as domain_errors
from stackfold.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NothingToChange,
    StackfoldError,
    StackfoldWarning,
    Violation,
)

PUBLIC = [getattr(stackfold.errors, name) for name in stackfold.errors.__all__]
CLASSES = [each for each in PUBLIC if each is not Violation]
each_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


def documented(kind):
    """The attributes that the docstring of a class lists."""
    _, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    return re.findall(r"^    (\w+): .", listed, re.MULTILINE)


def test_the_document_is_current():
    written = Path(__file__).parents[2].joinpath("docs", "errors.md").read_text(encoding="utf-8")
    assert written == error_reference(), "run `make reference`"


def test_the_public_module_has_every_error_of_the_domain():
    assert stackfold.errors.__all__ == domain_errors.__all__ == sorted(domain_errors.__all__)
    defined = {
        name
        for path in Path(domain_errors.__file__).parent.glob("*.py")
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert defined - {"Copyable"} == set(domain_errors.__all__)


@each_class
def test_it_is_of_one_of_the_kinds_to_catch_by(kind):
    if issubclass(kind, StackfoldWarning):
        return
    assert {*kind.__mro__} & {*KINDS, NothingToChange} or kind is StackfoldError


@each_class
def test_its_message_is_one_line(kind):
    text = str(example(kind))
    assert text == text.strip() != ""
    assert len(text.splitlines()) == 1


@each_class
def test_its_message_names_no_command_or_option(kind):
    """What to type is the command line's: see `stackfold.cli.hints`."""
    assert not re.search(r"`stackfold |(?<!\S)--\w", str(example(kind)))


@each_class
def test_it_carries_and_documents_what_it_is_given(kind):
    error = example(kind)
    known = {name for each in kind.__mro__[:-1] for name in documented(each)}
    assert {each.name for each in parameters(kind)} <= known
    assert {*vars(error)} <= known
    for name in known - {"message"}:
        assert hasattr(error, name)


@each_class
def test_its_first_line_says_when_it_is_raised(kind):
    first, *rest = inspect.cleandoc(kind.__doc__ or "").split("\n")
    assert first.endswith((".", "`."))
    assert not rest or rest[0] == ""


@each_class
@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda error: pickle.loads(pickle.dumps(error, 0)),
        lambda error: pickle.loads(pickle.dumps(error, pickle.HIGHEST_PROTOCOL)),
    ],
    ids=["copy", "deepcopy", "oldest pickle", "newest pickle"],
)
def test_a_copy_is_the_same(kind, copied):
    error = example(kind)
    error.add_note("a note")
    other = copied(error)
    assert type(other) is kind
    assert (str(other), other.args, vars(other)) == (str(error), error.args, vars(error))


def test_an_error_of_ones_own_is_copied_too():
    other = pickle.loads(pickle.dumps(Mine("no")))
    assert (type(other), str(other)) == (Mine, "no")


class Mine(Invalid):
    """An error that a user derives."""


IN_A_PROCESS = """
import sys, cloudpickle
from stackfold.domain.errors import NotFound
error = NotFound("stack", "prod")
assert "stackfold.errors" not in sys.modules
assert type(cloudpickle.loads(cloudpickle.dumps(error))) is NotFound
"""


def test_it_is_copied_where_the_public_module_is_not_loaded():
    subprocess.run([sys.executable, "-c", IN_A_PROCESS], check=True)


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_it_is_shown_under_its_public_name(kind):
    assert kind.__module__ == "stackfold.errors"


def test_a_traceback_shows_the_public_name():
    line = traceback.format_exception_only(NotFound("stack", "prod"))[-1]
    assert line == "stackfold.errors.NotFound: there is no stack 'prod'\n"


def test_a_permission_of_the_database_is_caught_as_either():
    assert issubclass(stackfold.errors.PermissionDenied, Forbidden)
    assert issubclass(stackfold.errors.PermissionDenied, stackfold.errors.LogUnavailable)


def test_what_is_in_use_is_a_conflict():
    assert issubclass(stackfold.errors.InUse, Conflict)
