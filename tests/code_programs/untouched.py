"""Objects that would tell if they were called."""

PROGRAMS = {
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
    "module that is loaded lazily": """
        import types
        CALLED = []
        class Lazy(types.ModuleType):
            def __getattribute__(self, name):
                CALLED.append(name)
                return types.ModuleType.__getattribute__(self, name)
            def __getattr__(self, name): CALLED.append(name)
        lazy = Lazy("lazy")
        CALLED.clear()
        def f(): return lazy.value, lazy
    """,
}
