"""Constants of all kinds."""

PROGRAMS = {
    "Path": """
        from pathlib import Path
        K = Path('a/111')
        def f(): return K
    """,
    "Decimal": """
        from decimal import Decimal
        K = Decimal('1.111')
        def f(): return K
    """,
    "timedelta": """
        from datetime import timedelta
        K = timedelta(111)
        def f(): return K
    """,
    "date": """
        from datetime import date
        K = date(111, 1, 1)
        def f(): return K
    """,
    "datetime": """
        from datetime import datetime, timezone
        K = [datetime(111, 1, 1, tzinfo=timezone.utc)]
        def f(): return K
    """,
    "range": """
        K = range(111)
        def f(): return K
    """,
    "slice": """
        K = slice(111)
        def f(): return K
    """,
    "regular expression": """
        import re
        K = re.compile('111')
        def f(): return K
    """,
    "uuid": """
        import uuid
        K = uuid.UUID(int=111)
        def f(): return K
    """,
    "deque": """
        from collections import deque
        K = deque([111])
        def f(): return K
    """,
    "item getter": """
        from operator import itemgetter
        K = itemgetter(111)
        def f(): return K
    """,
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
    "array": """
        import numpy
        K = numpy.array([1, 111])
        def f(): return K
    """,
    "number of numpy": """
        import numpy
        K = numpy.float64(111)
        def f(): return K
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
    "mapping proxy": """
        from types import MappingProxyType
        K = MappingProxyType({'a': 111})
        def f(): return K
    """,
    "frozenset": """
        K = frozenset({111})
        def f(): return K
    """,
    "bytes": """
        K = b'111'
        def f(): return K
    """,
    "time": """
        from datetime import time
        K = time(1, 1, 1, 111)
        def f(): return K
    """,
    "fraction": """
        from fractions import Fraction
        K = Fraction(111, 7)
        def f(): return K
    """,
    "complex": """
        K = 111j
        def f(): return K
    """,
    "numpy dtype": """
        import numpy
        K = numpy.dtype('S111')
        def f(): return K
    """,
    "numpy datetime": """
        import numpy
        K = numpy.datetime64('2111-01-01')
        def f(): return K
    """,
    "chainmap": """
        from collections import ChainMap
        K = ChainMap({"a": 111})
        def f(): return K["a"]
    """,
    "userdict": """
        from collections import UserDict
        class U(UserDict): pass
        K = U(a=111)
        def f(): return K["a"]
    """,
    "userdict plain": """
        from collections import UserDict
        K = UserDict(a=111)
        def f(): return K["a"]
    """,
    "string template constant": """
        from string import Template
        K = Template("$a 111")
        def f(): return K.substitute(a=1)
    """,
}
