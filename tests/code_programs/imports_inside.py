"""Modules: what a step imports, at the top of its file or inside its function."""

PROGRAMS = {
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
    "value that a module assigns where it is imported only": """
        def f():
            from helper import VALUE
            return VALUE
        # helper.py
        VALUE = 1
        if __name__ != "__main__":
            VALUE = 111
    """,
    "value that a function of the module assigns": """
        def f():
            from helper import VALUE
            return VALUE
        # helper.py
        def fill(value):
            global VALUE
            VALUE = value
        fill(111)
    """,
    "function of a method that is imported inside": """
        def f():
            from helper import model
            return model.run()
        # helper.py
        class Model:
            def run(self): return 111
        model = Model()
    """,
}
