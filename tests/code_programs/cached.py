"""What is changed here is no part of what the step does."""

PROGRAMS = {
    "what is not named": """
        K = 111
        def f(): return 1
    """,
    "comment": """
        def f():
            # 111
            return 1
    """,
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
    "default of the step": """
        def f(x=111): return x
    """,
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
    "lock": """
        import threading
        lock = [threading.Lock(), 111][0]
        def f(): return lock
    """,
    "larger array": """
        import numpy
        K = numpy.full(100_000, 111)
        def f(): return K
    """,
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
    "unused import in helper": """
        def f():
            from helper import g
            return g()
        # helper.py
        import other
        def g(): return 1
        # other.py
        K = 111
    """,
    "attr of param named like helper": """
        def total(): return 111
        def f(x=None): return x.total if x else 1
    """,
    "docstring of module imported": '''
        def f():
            from helper import g
            return g()
        # helper.py
        """111"""
        def g(): return 1
    ''',
    "annotation of function": """
        from typing import Literal
        def g(x: Literal[111] = None): return 1
        def f(): return g()
    """,
    "installed lib function": """
        from lib import g
        def f(): return g()
        # site-packages/lib.py
        def g(): return 111
    """,
    "installed lib imported inside": """
        def f():
            from lib import g
            return g()
        # site-packages/lib.py
        def g(): return 111
    """,
    "installed lib class instance": """
        from lib import G
        g = G()
        def f(): return g.go()
        # site-packages/lib.py
        class G:
            def go(self): return 111
    """,
    "installed namespace": """
        import ns.lib
        def f(): return ns.lib.go()
        # site-packages/ns/lib.py
        def go(): return 111
    """,
    "keyword argument name": """
        by = 111
        def g(**k): return 1
        def f(): return g(by=3)
    """,
    "global in other function only": """
        K = 111
        def h(): return K
        def f(): return 1
    """,
}
