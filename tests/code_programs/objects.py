"""Objects, and what else a step names."""

PROGRAMS = {
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
    "class of a value where the hint is its base": """
        class Base:
            def run(self): return 0
        class Special(Base):
            def run(self): return 111
        GIVEN = [Special()]
        def f(x: Base): return x.run()
    """,
    "cached_property": """
        from functools import cached_property
        class C:
            @cached_property
            def h(self): return 111
        c = C()
        def f(): return c.h
    """,
    "enumeration": """
        from enum import Enum
        class Colour(Enum):
            RED = 111
        def f(): return Colour.RED.value
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
    "generator": """
        def g(): yield 111
        def f(): return list(g())
    """,
    "coroutine": """
        import asyncio
        async def g(): return 111
        def f(): return asyncio.run(g())
    """,
    "class attribute": """
        class C:
            k = 111
        def f(): return C.k
    """,
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
    "operator method": """
        class V:
            def __add__(self, other): return 111
        V1 = V()
        def f(): return V1 + V1
    """,
    "step in a step's helper": """
        from stackfold import step
        @step
        def g(): return 111
        def f(): return g()
    """,
    "class via factory function": """
        def make(k):
            class C:
                def g(self): return k
            return C
        C = make(111)
        def f(): return C().g()
    """,
    "abstract base": """
        from abc import ABC, abstractmethod
        class B(ABC):
            @abstractmethod
            def g(self): ...
            def h(self): return 111
        class C(B):
            def g(self): return self.h()
        def f(): return C().g()
    """,
    "generic class": """
        from typing import Generic, TypeVar
        T = TypeVar("T")
        class B(Generic[T]):
            def h(self): return 111
        def f(): return B[int]().h()
    """,
    "instance attr holds lambda": """
        class C: pass
        c = C()
        c.go = lambda: 111
        def f(): return c.go()
    """,
    "future annotations hint": """
        from __future__ import annotations
        class R:
            def go(self): return 111
        def f(x: R): return x.go()
    """,
    "exception instance": """
        class E(Exception): pass
        e = E(111)
        def f(): return e.args
    """,
    "int enum flag": """
        from enum import IntFlag
        class F(IntFlag):
            A = 111
        def f(): return int(F.A)
    """,
    "str enum alias": """
        from enum import StrEnum
        class F(StrEnum):
            A = "111"
        def f(): return F["A"]
    """,
    "namedtuple collections": """
        from collections import namedtuple
        P = namedtuple("P", "x y", defaults=[111])
        def f(): return P(1)
    """,
    "dynamic type()": """
        def go(self): return 111
        C = type("C", (), {"go": go})
        def f(): return C().go()
    """,
    "nonlocal counter closure helper": """
        def make():
            k = 111
            def g(): return k
            return g
        g = make()
        def f(): return g()
    """,
    "match class pattern": """
        class P:
            __match_args__ = ("x",)
            def __init__(self): self.x = 111
        def f():
            match P():
                case P(x): return x
    """,
    "sklearn pipeline with own function": """
        from sklearn.preprocessing import FunctionTransformer
        from sklearn.pipeline import Pipeline
        model = Pipeline([("a", FunctionTransformer(lambda x: x + 111))])
        def f(): return model
    """,
    "type alias statement": """
        from typing import Annotated
        X = Annotated[int, 111]
        def f(): return X
    """,
    "class of an exception": """
        class E(Exception):
            code = 111
        def f():
            try: raise E
            except E as e: return e.code
    """,
}
