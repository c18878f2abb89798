"""The fingerprint of a function changes exactly when what it executes may have changed."""

import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from stackfold.domain.pipelines.code import CodeFingerprints, fingerprints


def digest_of(source: str, file: str = "/project/steps.py", **names: object) -> str:
    """The digest of the function `f` in a file of the user's."""
    module = ModuleType("steps")
    vars(module).update(names)
    exec(compile(textwrap.dedent(source), file, "exec"), vars(module))
    return CodeFingerprints().digest(vars(module)["f"])


def the_same(one: str, other: str, **names: object) -> bool:
    return digest_of(one, **names) == digest_of(other, **names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x): return x + 1", "def f(x): return x + 2"),
        ("def f(x): return x + 1", "def f(x): return x - 1"),
        ("def f(x): return x.a", "def f(x): return x.b"),
        ("def f(x): return 1", "def f(x): return True"),
        ("def f(x): return 0.0", "def f(x): return -0.0"),
        ("def f(x): return [y for y in x]", "def f(x): return [y + 1 for y in x]"),
        ("def f(x): return x in {'a', 'b'}", "def f(x): return x in {'a', 'c'}"),
        ("def f(x): return lambda: 1", "def f(x): return lambda: 2"),
    ],
)
def test_a_change_of_what_it_computes_changes_the_fingerprint(one, other):
    assert not the_same(one, other)


def test_comments_layout_and_location_have_no_effect():
    one = "def f(x):\n    return (x + 1)"
    other = "\n\n\ndef f(x):\n    # better\n    return x + 1  # really"
    assert the_same(one, other)
    assert digest_of(one) == digest_of(one, file="/elsewhere/other.py")


def test_its_default_values_have_no_effect_as_they_are_parameters():
    assert the_same("def f(x=1, *, y=2): return x", "def f(x=3, *, y=4): return x")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def g(x): return x + 1", "def g(x): return x + 2"),
        ("def g(x, y=1): return x + y", "def g(x, y=2): return x + y"),
        ("def h(): return 1\ndef g(x): return h()", "def h(): return 2\ndef g(x): return h()"),
        ("K = 1\ndef g(x): return K", "K = 2\ndef g(x): return K"),
        ("K = {'a': [1]}\ndef g(x): return K", "K = {'a': [2]}\ndef g(x): return K"),
        (
            "K = {'a': [lambda x: 1]}\ndef g(x): return K['a'][0](x)",
            "K = {'a': [lambda x: 2]}\ndef g(x): return K['a'][0](x)",
        ),
        (
            "from functools import partial\ndef h(x, y): return x\ng = partial(h, 1)",
            "from functools import partial\ndef h(x, y): return x\ng = partial(h, 2)",
        ),
        (
            "from functools import lru_cache\n@lru_cache\ndef g(x): return 1",
            "from functools import lru_cache\n@lru_cache\ndef g(x): return 2",
        ),
        (
            "class g:\n def __init__(self, x): self.x = 1",
            "class g:\n def __init__(self, x): self.x = 2",
        ),
        (
            "class b:\n def m(self): return 1\nclass g(b):\n def n(self): return 1",
            "class b:\n def m(self): return 2\nclass g(b):\n def n(self): return 1",
        ),
        (
            "class g:\n @property\n def p(self): return 1",
            "class g:\n @property\n def p(self): return 2",
        ),
        (
            "class g:\n @staticmethod\n def p(x): return 1",
            "class g:\n @staticmethod\n def p(x): return 2",
        ),
        (
            "from stackfold import step\n@step\ndef g(x): return 1",
            "from stackfold import step\n@step\ndef g(x): return 2",
        ),
        (
            "from pydantic import BaseModel\nclass g(BaseModel):\n x: int = 1",
            "from pydantic import BaseModel\nclass g(BaseModel):\n x: int = 2",
        ),
        ("class g:\n K = 1", "class g:\n K = 2"),
        (
            "from enum import Enum\nclass g(Enum):\n K = 1",
            "from enum import Enum\nclass g(Enum):\n K = 2",
        ),
    ],
)
def test_names_in_its_module_are_included(one, other):
    calling = "\ndef f(x): return g(x)"
    assert not the_same(one + calling, other + calling)
    assert the_same(one + calling, one + calling)


def test_other_names_of_its_module_are_not_included():
    assert the_same("K = 1\ndef f(x): return x", "K = 2\ndef f(x): return x")


def test_its_closure_is_included():
    source = """
        def outer(k):
            def f(x):
                return x + k
            return f
        f = outer({})
    """
    assert not the_same(source.format(1), source.format(2))
    assert the_same(source.format(1), source.format(1))


def test_a_wrapped_function_is_included():
    source = """
        from functools import wraps
        def traced(function):
            @wraps(function)
            def wrapper(x):
                return function(x)
            return wrapper
        @traced
        def f(x):
            return {}
    """
    assert not the_same(source.format(1), source.format(2))


def module(text: str, file: str) -> ModuleType:
    made = ModuleType("features")
    made.__file__ = file
    exec(compile(text, file, "exec"), vars(made))
    return made


def test_names_in_other_user_modules_are_included():
    def made(text: str, file: str = "/project/features.py") -> str:
        features = module(text, file)
        return digest_of("def f(x): return features.scale(x)", features=features)

    first = made("def scale(x): return 1")
    assert first == made("def scale(x): return 1\ndef other(): return 1")
    assert first != made("def scale(x): return 2")


def test_only_the_name_of_an_installed_package_is_included():
    where = "/venv/lib/python3.12/site-packages/features.py"
    first = module("def scale(x): return 1", where)
    second = module("def scale(x): return 2", where)
    source = "def f(x): return features.scale(x)"
    assert digest_of(source, features=first) == digest_of(source, features=second)
    source = "def f(x): return scale(x)"
    assert digest_of(source, scale=first.scale) == digest_of(source, scale=second.scale)


def test_functions_that_call_each_other_are_read_once():
    source = "def g(x): return f(x)\ndef f(x): return g(x) if x else {}"
    assert not the_same(source.format(1), source.format(2))


def test_a_constant_that_contains_itself_is_read_once():
    looped: list[object] = []
    looped.append(looped)
    assert digest_of("def f(x): return K", K=looped)


def test_only_the_class_of_an_opaque_object_is_included():
    assert digest_of("def f(x): return K", K=object()) == digest_of(
        "def f(x): return K", K=object()
    )


def test_a_constant_with_too_many_values_is_cut_off_and_reported():
    source = "K = [0] * 20_000\ndef f(): return K"
    module = ModuleType("steps")
    exec(compile(source, "/project/steps.py", "exec"), vars(module))
    seen = CodeFingerprints().fingerprint(vars(module)["f"])
    assert seen.opaque == ("K (more than 10000 values)",)


def test_too_many_functions_are_cut_off_and_reported(monkeypatch):
    monkeypatch.setattr(fingerprints, "MOST_PARTS", 10)
    lines = [f"def g{i}(): return g{i + 1}()" for i in range(30)]
    module = ModuleType("steps")
    exec("\n".join([*lines, "def f(): return g0()"]), vars(module))
    seen = CodeFingerprints().fingerprint(vars(module)["f"])
    assert seen.opaque == ("more than 10 functions and classes",)


OPAQUE = """
import logging, threading, random, functools
import numpy
log = logging.getLogger(__name__)
lock = threading.Lock()
rng = random.Random(1)
big = numpy.zeros(100_000)
small = numpy.zeros(3)
class Own(threading.Thread): pass
own = Own()
@functools.lru_cache
def helper(): return 1
def f(name):
    log.info(1), lock, rng.random(), big, small, own, helper(), eval(name), numpy.sum(small)
"""


def test_opaque_objects_are_reported():
    module = ModuleType("steps")
    exec(compile(OPAQUE, "/project/steps.py", "exec"), vars(module))
    assert set(CodeFingerprints().fingerprint(vars(module)["f"]).opaque) == {
        "log (logging.Logger)",
        "lock (_thread.lock)",
        "rng (random.Random)",
        "big (numpy.ndarray)",
        "own (steps.Own)",
        "what eval() leads to",
    }


PROGRAM = """
from enum import Enum
from dataclasses import dataclass
from stackfold.domain.pipelines.code import CodeFingerprints, fingerprints
class Colour(Enum):
    RED = 1
@dataclass
class Point:
    x: int = 0
    def length(self): return abs(self.x)
NAMES = {"b", "a", "c"}
def g(x): return Point(x).length(), Colour.RED
def f(x): return x in {"p", "q", "r"}, NAMES, g(x)
print(CodeFingerprints().digest(f))
"""


@pytest.mark.slow
def test_the_digest_is_the_same_in_every_process(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    seen = {
        subprocess.run(
            [sys.executable, path],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1


FLOW = """
import logging
from enum import Enum
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from stackfold import step
from stackfold.domain.pipelines.code import CodeFingerprints, fingerprints
from stackfold.infrastructure.system.module_sources import ModuleSources

log = logging.getLogger(__name__)
ROOT = Path(__file__).parent / "data"


class Settings(BaseModel):
    depth: int = 1


class Kind(Enum):
    TREE = "tree"


class Model:
    def __init__(self, settings):
        self.settings = settings

    def run(self):
        log.info("run %s", ROOT)


@lru_cache
def models():
    from pkg.inner import number

    return {"tree": lambda seed: Model(Settings()), "forest": Model, "n": number()}


CHOSEN = Model(Settings(depth=3))
TABLE = {Kind.TREE: CHOSEN, "model": Model, "cached": models}


@step
def f(x):
    return models()[x](CHOSEN), TABLE, Kind.TREE


def tell():
    print(CodeFingerprints(ModuleSources()).digest(f.function))


if __name__ == "__main__":
    tell()
"""

SENT = """
import sys, cloudpickle
import pkg.flow
cloudpickle.register_pickle_by_value(pkg.flow)
sys.stdout.buffer.write(cloudpickle.dumps(pkg.flow.tell))
"""

RECEIVED = "import sys, cloudpickle; cloudpickle.loads(sys.stdin.buffer.read())()"


@pytest.mark.slow
def test_the_digest_is_the_same_however_the_code_is_run(tmp_path):
    for place in ("one", "another"):
        folder = tmp_path / place / "pkg"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "flow.py").write_text(FLOW)
        (folder / "inner.py").write_text("def number(): return 1")
    one, another = tmp_path / "one", tmp_path / "another"
    sent = executed(["-c", SENT], one)
    seen = {
        executed(["pkg/flow.py"], one),
        executed(["-m", "pkg.flow"], one),
        executed(["-m", "pkg.flow"], another),
        executed(["-c", "import pkg.flow; pkg.flow.tell()"], one),
        executed(["-c", "import sys; sys.path.insert(0, 'pkg'); import flow; flow.tell()"], one),
        executed(["-c", RECEIVED], one, sent),
        executed(["-c", RECEIVED], another, sent),
    }
    assert len(seen) == 1


def executed(arguments: list[str], folder: Path, given: bytes = b"") -> bytes:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": ":".join([str(folder), *sys.path])},
        input=given,
        capture_output=True,
        check=True,
    ).stdout
