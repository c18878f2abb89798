"""Functions that are wrapped, bound, registered, or defaults."""

PROGRAMS = {
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
    "default factory of pydantic": """
        from pydantic import BaseModel, Field
        class S(BaseModel):
            v: list = Field(default_factory=lambda: [111])
        def f(): return S().v
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
    "default dictionary": """
        from collections import defaultdict
        K = defaultdict(lambda: 111)
        def f(): return K.default_factory()
    """,
    "default of a named tuple": """
        from typing import NamedTuple
        class P(NamedTuple):
            x: int = 111
        def f(): return P().x
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
    "helper with a library's decorator": """
        from tenacity_like import retry
        @retry(times=3)
        def g(): return 111
        def f(): return g()
        # site-packages/tenacity_like.py
        import functools
        def retry(times):
            def wrap(fn):
                @functools.wraps(fn)
                def inner(*a): return fn(*a)
                return inner
            return wrap
    """,
    "helper with a library's decorator without wraps": """
        from lib import deco
        @deco
        def g(): return 111
        def f(): return g()
        # site-packages/lib.py
        def deco(fn):
            def inner(*a): return fn(*a)
            return inner
    """,
    "helper in a library's object with slots": """
        from lib import Holder
        g = Holder(lambda: 111)
        def f(): return g()
        # site-packages/lib.py
        class Holder:
            __slots__ = ("func",)
            def __init__(self, func): self.func = func
            def __call__(self): return self.func()
    """,
    "nested partial in class attr": """
        from functools import partial
        def g(x): return x
        class C:
            h = partial(g, 111)
        def f(): return C.h()
    """,
    "dataclass kw default factory lambda": """
        from dataclasses import dataclass, field
        @dataclass(frozen=True, slots=True, kw_only=True)
        class S:
            v: list = field(default_factory=lambda: [111])
        def f(): return S().v
    """,
    "function default object method": """
        class C:
            def g(self): return 111
        def h(c=C()): return c.g()
        def f(): return h()
    """,
    "wraps class callable": """
        class Memo:
            def __init__(self, fn): self.fn = fn
            def __call__(self): return self.fn()
        @Memo
        def g(): return 111
        def f(): return g()
    """,
    "numpy ufunc own vectorize": """
        import numpy
        g = numpy.vectorize(lambda x: x + 111)
        def f(): return g([1])
    """,
}
