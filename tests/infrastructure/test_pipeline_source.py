"""A pipeline is found by its file or module, and by its name if there are several."""

import sys
import textwrap

import pytest

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.system.pipeline_source import load_pipeline

ONE = """
    from stackfold import pipeline, step

    @step
    def make() -> int:
        return 1

    @pipeline(name="a-name")
    def training():
        make()

    if __name__ == "__main__":
        raise SystemExit("the file was run")
"""
TWO = (
    ONE
    + """
    @pipeline
    def scoring():
        make()
    """
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    modules = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def write(folder):
    def write(name, text):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return str(path)

    return write


def refused(source) -> str:
    with pytest.raises(InvalidFile) as caught:
        load_pipeline(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "source",
    ["one.py", "one.py:training", "./one.py:training", "one.py:a-name", "one", "one:training"],
)
def test_a_pipeline_is_found(write, source):
    write("one.py", ONE)
    found = load_pipeline(source)
    assert (found.name, len(found.graph().nodes)) == ("a-name", 1)


def test_a_pipeline_is_found_by_the_whole_path(write):
    path = write("one.py", ONE)
    assert load_pipeline(f"{path}:training").source == f"{path}:training"


def test_a_pipeline_is_found_in_a_package(write):
    write("package/__init__.py", "")
    write("package/work.py", ONE)
    assert load_pipeline("package.work:training").name == "a-name"


def test_of_several_pipelines_one_is_named(write):
    write("two.py", TWO)
    assert load_pipeline("two.py:scoring").name == "scoring"
    assert refused("two.py") == (
        "two.py: has several pipelines, training, scoring: write two.py:training"
    )


def test_imported_pipelines_are_found_only_if_the_file_defines_none(write):
    write("one.py", ONE)
    write(
        "other.py", "from one import training\n" + textwrap.dedent(ONE).replace("training", "mine")
    )
    assert load_pipeline("other.py").function.__name__ == "mine"
    write("again.py", "from one import training")
    assert load_pipeline("again.py").name == "a-name"


def test_modules_beside_the_file_can_be_imported(write, monkeypatch, tmp_path_factory):
    write("sub/beside.py", "NAME = 'from-beside'")
    path = write(
        "sub/one.py", "from beside import NAME\n" + textwrap.dedent(ONE).replace('"a-name"', "NAME")
    )
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load_pipeline(path).name == "from-beside"


def test_a_file_may_have_the_name_of_a_module(write):
    import json

    path = write("json.py", ONE)
    assert load_pipeline(path).name == "a-name"
    assert sys.modules["json"] is json


def test_a_file_that_changed_is_read_again(write):
    path = write("one.py", ONE)
    load_pipeline(path)
    write("one.py", ONE.replace("a-name", "another-name"))
    assert load_pipeline(path).name == "another-name"


def test_missing_files_modules_and_pipelines_are_reported(write):
    assert refused("missing.py") == "missing.py: does not exist"
    assert refused("missing.py:training") == "missing.py: does not exist"
    assert refused(".") == ".: does not exist"
    assert refused("missing") == "missing: is not a module; the name of a file ends in .py"
    assert refused("missing.module:training").startswith("missing.module: is not a module")
    write("one.py", ONE)
    assert refused("one.py:other") == "one.py: has no pipeline 'other'; its pipelines: training"
    assert refused("one.py:make") == "one.py: has no pipeline 'make'; its pipelines: training"
    write("none.py", "x = 1")
    assert refused("none.py") == ("none.py: has no pipeline: decorate a function with @pipeline")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import missing_module", "line 1: ModuleNotFoundError: No module named 'missing_module'"),
        ("x = 1\n\n1 / 0", "line 3: ZeroDivisionError: division by zero"),
        ("def f():\n    return 1 / 0\n\nf()", "line 2: ZeroDivisionError: division by zero"),
        ("x = 1\nif x\n    y", "line 2: SyntaxError: expected ':'"),
        ("raise SystemExit('no')", "line 1: SystemExit: no"),
        ("raise ValueError('two\\nlines')", "line 1: ValueError: two lines"),
        (
            "from stackfold import step\n@step(name='a b')\ndef f(): ...",
            "line 2: 'a b' cannot name a step: use 1 to 64 characters, a letter or digit first, "
            "then letters, digits, '.', '_' or '-'",
        ),
    ],
)
def test_an_error_on_import_is_reported_with_its_line(write, text, problem):
    write("bad.py", text)
    assert refused("bad.py") == f"bad.py: {problem}"
    assert "bad" not in sys.modules
    write("good.py", ONE)
    assert load_pipeline("good.py").name == "a-name"


def test_a_module_that_fails_on_import_is_rejected(write):
    write("bad.py", "import missing_module")
    assert refused("bad:training") == "bad: ModuleNotFoundError: No module named 'missing_module'"
