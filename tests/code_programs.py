"""Programs whose step is `f`; see `domain/test_code_edits.py`."""

AGAIN = {
    "method of a module's object": """
        class Cleaner:
            def clean(self): return 111
        cleaner = Cleaner()
        def f(): return cleaner.clean()
    """,
    "method of an object in a table": """
        class Cleaner:
            def clean(self): return 111
        TABLE = {"clean": [Cleaner()]}
        def f(): return TABLE["clean"][0].clean()
    """,
    "state of a module's object": """
        class Scale:
            def __init__(self, by): self.by = by
            def __call__(self, x): return x * self.by
        scale = Scale(111)
        def f(): return scale(1)
    """,
    "object with slots": """
        class Scale:
            __slots__ = ("by",)
            def __init__(self, by): self.by = by
        scale = Scale(111)
        def f(): return scale.by
    """,
    "enclosed object": """
        class Scale:
            def __call__(self, x): return x * 111
        def made(scale):
            def f(): return scale(1)
            return f
        f = made(Scale())
    """,
    "bound method": """
        class Scale:
            def by(self, x): return x * 111
        by = Scale().by
        def f(): return by(1)
    """,
    "import inside": """
        def f():
            from helper import value
            return value()
        # helper.py
        def value(): return 111
    """,
    "import inside, under another name": """
        def f():
            from helper import value as v
            return v()
        # helper.py
        def value(): return 111
    """,
    "module imported inside": """
        def f():
            import helper as h
            return h.value()
        # helper.py
        def value(): return 111
    """,
    "module of a package imported inside": """
        def f():
            import pkg.sub.mod
            return pkg.sub.mod.value()
        # pkg/__init__.py
        # pkg/sub/__init__.py
        # pkg/sub/mod.py
        def value(): return 111
    """,
    "package that passes a name on": """
        def f():
            from pkg import value
            return value()
        # pkg/__init__.py
        from .inner import value
        # pkg/inner.py
        def value(): return 111
    """,
    "star import behind an import inside": """
        def f():
            from pkg import value
            return value()
        # pkg/__init__.py
        from .inner import *
        # pkg/inner.py
        def value(): return 111
    """,
    "namespace package imported inside": """
        def f():
            from space.deep.mod import value
            return value()
        # space/deep/mod.py
        def value(): return 111
    """,
    "what a helper imported inside calls": """
        def f():
            from helper import value
            return value()
        # helper.py
        import other
        def value(): return other.number()
        # other.py
        K = 111
        def number(): return K
    """,
    "class imported inside": """
        def f():
            from helper import Model
            return Model().run()
        # helper.py
        class Base:
            def run(self): return 111
        class Model(Base): pass
    """,
    "import inside that is passed on": """
        def f():
            import helper
            return getattr(helper, "val" + "ue")()
        # helper.py
        def value(): return 111
    """,
    "import inside a nested function": """
        def f():
            def inner():
                import helper
                return helper.value()
            return inner()
        # helper.py
        def value(): return 111
    """,
    "import inside a method": """
        class Model:
            def run(self):
                from helper import value
                return value()
        def f(): return Model().run()
        # helper.py
        def value(): return 111
    """,
    "table that is filled in a module imported inside": """
        def f():
            from helper import TABLE
            return TABLE["a"]()
        # helper.py
        TABLE = {}
        def register(function):
            TABLE["a"] = function
            return function
        @register
        def value(): return 111
    """,
    "registry of a decorator in a module imported inside": """
        def f():
            from helper import REGISTRY
            return REGISTRY.made["a"]()
        # helper.py
        class Registry:
            def __init__(self): self.made = {}
            def add(self, function):
                self.made["a"] = function
                return function
        REGISTRY = Registry()
        @REGISTRY.add
        def value(): return 111
    """,
    "import_module with a text": """
        import importlib
        def f(): return importlib.import_module("helper").value()
        # helper.py
        def value(): return 111
    """,
    "import with try": """
        def f():
            try:
                from fast_helper import value
            except ImportError:
                from helper import value
            return value()
        # helper.py
        def value(): return 111
    """,
    "conditional definition in a module imported inside": """
        def f():
            from helper import value
            return value()
        # helper.py
        import sys
        if sys.version_info > (3,):
            def value(): return 111
        else:
            value = None
    """,
    "function of a package by its full name": """
        import pkg.mod
        def f(): return pkg.mod.value()
        # pkg/__init__.py
        # pkg/mod.py
        def value(): return 111
    """,
    "module in a variable": """
        import pkg.mod
        def f():
            m = pkg.mod
            return m.value()
        # pkg/__init__.py
        # pkg/mod.py
        def value(): return 111
    """,
    "module passed on": """
        import helper
        def f(): return getattr(helper, "value")()
        # helper.py
        def value(): return 111
    """,
    "module in a table": """
        import helper
        TABLE = {"a": helper}
        def f(): return TABLE["a"].value()
        # helper.py
        def value(): return 111
    """,
    "star import": """
        from helper import *
        def f(): return value()
        # helper.py
        def value(): return 111
    """,
    "modules that import each other": """
        import one
        def f(): return one.value()
        # one.py
        import two
        def value(): return two.other()
        # two.py
        import one
        def other(): return 111
        def back(): return one.value()
    """,
    "method of an input": """
        class Features:
            def total(self): return 111
        def f(x: Features): return x.total()
    """,
    "method of inputs in a list": """
        class Features:
            def total(self): return 111
        def f(x: "list[Features] | None"): return x[0].total()
    """,
    "property of a parameter": """
        from pydantic import BaseModel
        class Settings(BaseModel):
            base: int = 0
            @property
            def total(self): return 111
        def f(x: Settings): return x.total
    """,
    "class of a value where the hint is its base": """
        class Base:
            def run(self): return 0
        class Special(Base):
            def run(self): return 111
        GIVEN = [Special()]
        def f(x: Base): return x.run()
    """,
    "class of a value inside a value": """
        from dataclasses import dataclass
        class Inner:
            def run(self): return 111
        @dataclass
        class Outer:
            inner: object
        GIVEN = [{"a": Outer(Inner())}]
        def f(x: object): return x["a"].inner.run()
    """,
    "validator in a hint": """
        from typing import Annotated
        from pydantic import AfterValidator
        def f(x: Annotated[int, AfterValidator(lambda x: 111)]): return x
    """,
    "helper with lru_cache": """
        from functools import lru_cache
        @lru_cache(maxsize=None)
        def g(): return 111
        def f(): return g()
    """,
    "helper in a library's object": """
        from library import jit
        @jit
        def g(): return 111
        def f(): return g()
        # site-packages/library.py
        class Dispatcher:
            def __init__(self, function): self.py_func = function
            def __call__(self): return self.py_func()
        def jit(function): return Dispatcher(function)
    """,
    "helper with a context manager of contextlib": """
        from contextlib import contextmanager
        @contextmanager
        def g(): yield 111
        def f():
            with g() as x: return x
    """,
    "helper with an own decorator": """
        from functools import wraps
        def traced(function):
            @wraps(function)
            def wrapper(): return function() + 111
            return wrapper
        @traced
        def g(): return 0
        def f(): return g()
    """,
    "helper with a decorator without wraps": """
        def traced(function):
            return lambda: function()
        @traced
        def g(): return 111
        def f(): return g()
    """,
    "function as a default": """
        def g(): return 111
        def h(call=g): return call()
        def f(): return h()
    """,
    "lambda as a default by name": """
        def h(*, call=lambda: 111): return call()
        def f(): return h()
    """,
    "partial in a table": """
        from functools import partial
        def g(x): return x
        TABLE = {"a": partial(g, 111)}
        def f(): return TABLE["a"]()
    """,
    "function of a partial in a table": """
        from functools import partial
        def g(x): return 111
        TABLE = [(partial(partial(g), 1),)]
        def f(): return TABLE[0][0]()
    """,
    "singledispatch": """
        from functools import singledispatch
        @singledispatch
        def g(x): return 0
        @g.register
        def _(x: int): return 111
        def f(): return g(1)
    """,
    "singledispatch imported inside": """
        def f():
            from helper import g
            return g(1)
        # helper.py
        from functools import singledispatch
        @singledispatch
        def g(x): return 0
        @g.register(int)
        def _(x): return 111
    """,
    "singledispatchmethod": """
        from functools import singledispatchmethod
        class C:
            @singledispatchmethod
            def g(self, x): return 0
            @g.register
            def _(self, x: int): return 111
        def f(): return C().g(1)
    """,
    "partialmethod": """
        from functools import partialmethod
        class C:
            def g(self, x): return x
            h = partialmethod(g, 111)
        def f(): return C().h()
    """,
    "cached_property": """
        from functools import cached_property
        class C:
            @cached_property
            def h(self): return 111
        c = C()
        def f(): return c.h
    """,
    "default factory of pydantic": """
        from pydantic import BaseModel, Field
        class S(BaseModel):
            v: list = Field(default_factory=lambda: [111])
        def f(): return S().v
    """,
    "validator of pydantic": """
        from pydantic import BaseModel, field_validator
        class S(BaseModel):
            v: int
            @field_validator("v")
            @classmethod
            def check(cls, v): return 111
        def f(): return S(v=1).v
    """,
    "constraint of pydantic": """
        from pydantic import BaseModel, Field
        class S(BaseModel):
            v: int = Field(1, le=111)
        def f(): return S().v
    """,
    "computed field of pydantic": """
        from pydantic import BaseModel, computed_field
        class S(BaseModel):
            @computed_field
            def v(self) -> int: return 111
        def f(): return S().v
    """,
    "private attribute of pydantic": """
        from pydantic import BaseModel, PrivateAttr
        class S(BaseModel):
            _v: int = PrivateAttr(default_factory=lambda: 111)
        def f(): return S()._v
    """,
    "default factory of a data class": """
        from dataclasses import dataclass, field
        def made(): return [111]
        @dataclass
        class S:
            v: list = field(default_factory=made)
        def f(): return S().v
    """,
    "default of a data class with slots": """
        from dataclasses import dataclass
        @dataclass(slots=True)
        class S:
            v: int = 111
        def f(): return S().v
    """,
    "Path": "from pathlib import Path\nK = Path('a/111')\ndef f(): return K",
    "Decimal": "from decimal import Decimal\nK = Decimal('1.111')\ndef f(): return K",
    "timedelta": "from datetime import timedelta\nK = timedelta(111)\ndef f(): return K",
    "date": "from datetime import date\nK = date(111, 1, 1)\ndef f(): return K",
    "datetime": """
        from datetime import datetime, timezone
        K = [datetime(111, 1, 1, tzinfo=timezone.utc)]
        def f(): return K
    """,
    "range": "K = range(111)\ndef f(): return K",
    "slice": "K = slice(111)\ndef f(): return K",
    "regular expression": "import re\nK = re.compile('111')\ndef f(): return K",
    "uuid": "import uuid\nK = uuid.UUID(int=111)\ndef f(): return K",
    "deque": "from collections import deque\nK = deque([111])\ndef f(): return K",
    "default dictionary": """
        from collections import defaultdict
        K = defaultdict(lambda: 111)
        def f(): return K.default_factory()
    """,
    "item getter": "from operator import itemgetter\nK = itemgetter(111)\ndef f(): return K",
    "simple namespace": """
        from types import SimpleNamespace
        K = SimpleNamespace(a=111)
        def f(): return K.a
    """,
    "named tuple": """
        from typing import NamedTuple
        class P(NamedTuple):
            x: int
        K = P(111)
        def f(): return K.x
    """,
    "default of a named tuple": """
        from typing import NamedTuple
        class P(NamedTuple):
            x: int = 111
        def f(): return P().x
    """,
    "array": "import numpy\nK = numpy.array([1, 111])\ndef f(): return K",
    "number of numpy": "import numpy\nK = numpy.float64(111)\ndef f(): return K",
    "enumeration": """
        from enum import Enum
        class Colour(Enum):
            RED = 111
        def f(): return Colour.RED.value
    """,
    "method of an enumeration": """
        from enum import Enum
        class Colour(Enum):
            RED = 1
            def code(self): return 111
        K = Colour.RED
        def f(): return K.code()
    """,
    "own dictionary class": """
        class Registry(dict): pass
        K = Registry(a=111)
        def f(): return K["a"]
    """,
    "function in an own dictionary class": """
        class Registry(dict): pass
        K = Registry(a=lambda: 111)
        def f(): return K["a"]()
    """,
    "closure": """
        def made(k):
            def g(): return k
            return g
        g = made(111)
        def f(): return g()
    """,
    "nested function": """
        def g():
            def inner(): return 111
            return inner
        def f(): return g()()
    """,
    "generator": "def g(): yield 111\ndef f(): return list(g())",
    "coroutine": """
        import asyncio
        async def g(): return 111
        def f(): return asyncio.run(g())
    """,
    "class attribute": "class C:\n    k = 111\ndef f(): return C.k",
    "class attribute that is a table": """
        class C:
            TABLE = {"a": lambda: 111}
        def f(): return C.TABLE["a"]()
    """,
    "metaclass": """
        class Meta(type):
            def make(cls): return 111
        class C(metaclass=Meta): pass
        def f(): return C.make()
    """,
    "inherited method": """
        class B:
            def g(self): return 111
        class C(B): pass
        def f(): return C().g()
    """,
    "mixin of another module": """
        from mixins import Mixin
        class C(Mixin): pass
        def f(): return C().g()
        # mixins.py
        class Mixin:
            def g(self): return 111
    """,
    "class of constants in another module": """
        import settings
        def f(): return settings.Settings.depth
        # settings.py
        class Settings:
            depth = 111
    """,
    "__init_subclass__": """
        class Base:
            made = {}
            def __init_subclass__(cls): Base.made[cls.__name__] = cls
        class C(Base):
            def g(self): return 111
        def f(): return Base.made["C"]().g()
    """,
    "inner class": """
        class C:
            class Inner:
                k = 111
        def f(): return C.Inner.k
    """,
    "descriptor of one's own": """
        class D:
            def __get__(self, it, kind): return 111
        class C:
            d = D()
        def f(): return C().d
    """,
    "protocol": """
        from typing import Protocol
        class P(Protocol):
            def g(self): return 111
        class C(P): pass
        def f(): return C().g()
    """,
    "type alias": """
        class Row:
            k = 111
        Rows = dict[str, Row]
        def f(): return Rows
    """,
    "typed dictionary": """
        from typing import Literal, TypedDict
        class T(TypedDict):
            k: Literal[111]
        def f(): return T
    """,
    "recursion": """
        def g(n): return h(n - 1) if n else 111
        def h(n): return g(n)
        def f(): return h(3)
    """,
    "conditional import at the top": """
        try:
            from fast_helper import value
        except ImportError:
            from helper import value
        def f(): return value()
        # helper.py
        def value(): return 111
    """,
    "function of a module's __getattr__": """
        import helper
        def f(): return helper.value
        # helper.py
        def __getattr__(name): return 111
    """,
    "operator method": """
        class V:
            def __add__(self, other): return 111
        V1 = V()
        def f(): return V1 + V1
    """,
    "attribute that holds a function": """
        def g(): return 0
        g.by = lambda: 111
        def f(): return g.by()
    """,
    "object of a library that holds an own function": """
        from concurrent.futures import Future
        done = Future()
        done.add_done_callback(lambda _: 111)
        def f(): return done
    """,
    "step in a step's helper": """
        from stackfold import step
        @step
        def g(): return 111
        def f(): return g()
    """,
}

CACHED = {
    "what is not named": "K = 111\ndef f(): return 1",
    "comment": "def f():\n    # 111\n    return 1",
    "attribute that is called like a global": """
        total = 111
        class C:
            total = 1
        def f(): return C().total
    """,
    "method that is called like a helper": """
        def strip(): return 111
        def f(): return " a ".strip()
    """,
    "keyword that is called like a global": """
        key = 111
        def f(): return sorted([1], key=abs)
    """,
    "local that is called like a global": """
        value = 111
        def f():
            value = 1
            return value
    """,
    "other function of a module": """
        import helper
        def f(): return helper.value()
        # helper.py
        def value(): return 1
        def other(): return 111
    """,
    "other function of a module imported inside": """
        def f():
            from helper import value
            return value()
        # helper.py
        def value(): return 1
        def other(): return 111
    """,
    "main part of a module imported inside": """
        def f():
            from helper import value
            return value()
        # helper.py
        def value(): return 1
        if __name__ == "__main__":
            print(value(), 111)
    """,
    "comment in a module imported inside": """
        def f():
            from helper import value
            return value()
        # helper.py
        # 111

        def value(): return 1
    """,
    "default of the step": "def f(x=111): return x",
    "counter": """
        COUNT = 111
        def f():
            global COUNT
            COUNT += 1
            return COUNT
    """,
    "counter of a helper": """
        COUNT = 111
        def g():
            global COUNT
            COUNT += 1
        def f():
            g()
            return COUNT
    """,
    "loaded on first use": """
        MODEL = None or 111
        def model():
            global MODEL
            MODEL = [1]
            return MODEL
        def f(): return model()
    """,
    "list that is appended to": """
        SEEN = [111]
        def f(): SEEN.append(1)
    """,
    "cache by key": """
        CACHE = {"a": 111}
        def f():
            key = "b"
            CACHE[key] = 1
            CACHE["c"] = CACHE.get("c", 0) + 1
    """,
    "counts by key": """
        COUNTS = {"a": 111}
        def f(): COUNTS["a"] += 1
    """,
    "attribute that is assigned": """
        class State: n = 0
        STATE = State()
        STATE.n = 111
        def f(): STATE.n = 3
    """,
    "class attribute that is counted": """
        class State:
            n = 111
        def f(): State.n += 1
    """,
    "name of the logger": """
        import logging
        log = logging.getLogger("111")
        def f(): log.info("x")
    """,
    "seed of a generator": """
        import random
        rng = random.Random(111)
        def f(): return rng.random()
    """,
    "lock": "import threading\nlock = [threading.Lock(), 111][0]\ndef f(): return lock",
    "larger array": "import numpy\nK = numpy.full(100_000, 111)\ndef f(): return K",
    "estimator": """
        from sklearn.tree import DecisionTreeClassifier
        model = DecisionTreeClassifier(max_depth=111)
        def f(): return model
    """,
    "place of the project": """
        from pathlib import Path
        ROOT = Path(__file__).parent / "data"
        TEXT = str(ROOT)
        # 111
        def f(): return ROOT, TEXT
    """,
}

READING_NOTHING = {
    "import inside": """
        CALLED = []
        def f():
            import never
            from never import x
            return never.x, x
        # never.py
        x = 1
    """,
    "object that answers everything": """
        CALLED = []
        class Meta(type):
            def __getattribute__(cls, name):
                CALLED.append(name)
                return type.__getattribute__(cls, name)
            def __instancecheck__(cls, value): CALLED.append("check")
            def __subclasscheck__(cls, value): CALLED.append("check")
        class C(metaclass=Meta):
            def __getattribute__(self, name):
                CALLED.append(name)
                return object.__getattribute__(self, name)
            def __getattr__(self, name): CALLED.append(name)
            def __eq__(self, other): CALLED.append("eq")
            def __hash__(self):
                CALLED.append("hash")
                return 1
            def __repr__(self): CALLED.append("repr")
            def __str__(self): CALLED.append("str")
            def __len__(self): CALLED.append("len")
            def __iter__(self): CALLED.append("iter")
            def __bool__(self): CALLED.append("bool")
            @property
            def __class__(self): CALLED.append("class")
            @property
            def p(self): CALLED.append("p")
        c = C()
        TABLE = {c: [c]}
        CALLED.clear()
        def f(): return c, TABLE
    """,
    "collections of one's own": """
        CALLED = []
        class L(list):
            def __iter__(self): CALLED.append("iter")
            def __len__(self): CALLED.append("len")
        class D(dict):
            def items(self): CALLED.append("items")
            def __iter__(self): CALLED.append("iter")
            def keys(self): CALLED.append("keys")
        class I(int):
            def __repr__(self): CALLED.append("repr")
            def __add__(self, other): CALLED.append("add")
        one, other, third = L([1]), D(a=1), I(3)
        def f(): return one, other, third
    """,
}
