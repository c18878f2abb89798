"""What an edit of a program means for a cached step: executed again, or taken from the cache.

Each row is a program whose step is `f`. The edit makes 111 of it 222. Files are divided by lines
such as `# helper.py`; the first one is the step's.
"""

import importlib
import re
import sys
import textwrap

import pytest
from code_programs import AGAIN, CACHED, READING_NOTHING

from stackfold.domain.pipelines.code import CodeFingerprints
from stackfold.domain.pipelines.signature import Signature
from stackfold.infrastructure.system.module_sources import ModuleSources


def files_of(program: str) -> dict[str, str]:
    name, files = "flow.py", {}
    for line in textwrap.dedent(program).splitlines(keepends=True):
        divider = re.fullmatch(r"# ([\w/-]+\.py)\n", line)
        name = divider[1] if divider else name
        files[name] = files.get(name, "") + ("" if divider else line)
    return files


class Program:
    """A program in a folder of its own, imported as a script's module is."""

    def __init__(self, program, folder):
        for name, text in files_of(program).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        sys.path[:0] = [str(folder), str(folder / "site-packages")]
        importlib.invalidate_caches()
        self.module = importlib.import_module("flow")

    def digest(self):
        """The digest of the step, as the cache asks for it."""
        digests = CodeFingerprints(ModuleSources())
        signature = Signature("step 'f'", self.module.f)
        met = digests.met(signature.hints.values(), getattr(self.module, "GIVEN", ()))
        return digests.fingerprint(self.module.f, met).digest


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Import a program, as in a new process."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path, count = [*sys.path], iter(range(100))

    def forget():
        sys.path[:] = path
        for name, module in [*sys.modules.items()]:
            if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)) or (
                str(tmp_path) in str(getattr(module, "__path__", ""))
            ):
                del sys.modules[name]

    def program(text):
        forget()
        return Program(text, tmp_path / f"place{next(count)}")

    yield program
    forget()


def edited(program):
    assert "111" in program
    return program.replace("111", "222")


@pytest.mark.parametrize("program", AGAIN.values(), ids=AGAIN.keys())
def test_an_edit_of_what_a_step_does_executes_it_again(imported, program):
    before = imported(edited(program)).digest()
    made = imported(program)
    assert made.digest() != before
    executed(made)


@pytest.mark.parametrize("program", CACHED.values(), ids=CACHED.keys())
def test_another_edit_does_not_execute_it_again(imported, program):
    before = imported(edited(program)).digest()
    made = imported(program)
    assert made.digest() == before
    executed(made)


def executed(program):
    """Call the step: in the same process it is the same afterwards."""
    before = program.digest()
    if not program.module.f.__code__.co_argcount:
        program.module.f()
        assert program.digest() == before


def test_the_location_of_the_files_has_no_effect(imported):
    program = "\n".join(AGAIN["import inside"].splitlines())
    assert imported(program).digest() == imported(program).digest()


@pytest.mark.parametrize("program", READING_NOTHING.values(), ids=READING_NOTHING.keys())
def test_no_user_code_is_called_or_imported(imported, program):
    made = imported(program)
    made.digest()
    assert made.module.CALLED == []
    assert "never" not in sys.modules
