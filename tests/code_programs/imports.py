"""Modules: what a step imports, at the top of its file or inside its function."""

PROGRAMS = {
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
    "from import module then attr": """
        from pkg import mod
        def f(): return mod.g()
        # pkg/__init__.py
        # pkg/mod.py
        def g(): return 111
    """,
    "import inside as relative": """
        import pkg.flow2
        f = pkg.flow2.f
        # pkg/__init__.py
        # pkg/flow2.py
        def f():
            from .helper import value as v
            return v()
        # pkg/helper.py
        def value(): return 111
    """,
    "relative module inside": """
        import pkg.sub.flow2
        f = pkg.sub.flow2.f
        # pkg/__init__.py
        # pkg/sub/__init__.py
        # pkg/sub/flow2.py
        def f():
            from .. import helper
            return helper.value()
        # pkg/helper.py
        def value(): return 111
    """,
    "constant imported inside": """
        def f():
            from conf import RATE
            return RATE
        # conf.py
        RATE = 111
    """,
    "computed constant imported inside": """
        def f():
            from conf import RATE
            return RATE
        # conf.py
        BASE = 111
        RATE = BASE * 2
    """,
    "augmented constant imported inside": """
        def f():
            from conf import RATE
            return RATE
        # conf.py
        RATE = [1]
        RATE += [111]
    """,
    "extended table imported inside": """
        def f():
            from conf import RATE
            return RATE
        # conf.py
        RATE = []
        RATE.append(111)
    """,
    "with statement binding": """
        def f():
            from conf import RATE
            return RATE
        # conf.py
        for RATE in range(111): pass
    """,
    "walrus": """
        def f():
            from conf import RATE
            return RATE
        # conf.py
        print(RATE := 111)
    """,
    "import inside comprehension lambda": """
        def f():
            import helper
            return [(lambda: helper.g())() for _ in range(2)]
        # helper.py
        def g(): return 111
    """,
    "dunder import": """
        def f(): return __import__("helper").g()
        # helper.py
        def g(): return 111
    """,
    "from importlib import import_module": """
        from importlib import import_module
        def f(): return import_module("helper").g()
        # helper.py
        def g(): return 111
    """,
    "import_module imported inside": """
        def f():
            from importlib import import_module
            return import_module("helper").g()
        # helper.py
        def g(): return 111
    """,
    "importlib inside": """
        def f():
            import importlib
            m = importlib.import_module("helper")
            return m.g()
        # helper.py
        def g(): return 111
    """,
    "deep module path": """
        import a.b.c.d
        def f(): return a.b.c.d.K.g()
        # a/__init__.py
        # a/b/__init__.py
        # a/b/c/__init__.py
        # a/b/c/d.py
        class K:
            @staticmethod
            def g(): return 111
    """,
}
