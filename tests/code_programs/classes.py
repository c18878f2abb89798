"""Models of pydantic, and data classes."""

PROGRAMS = {
    "property of a parameter": """
        from pydantic import BaseModel
        class Settings(BaseModel):
            base: int = 0
            @property
            def total(self): return 111
        def f(x: Settings): return x.total
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
    "hint Annotated dataclass in dict": """
        from dataclasses import dataclass
        @dataclass
        class R:
            def go(self): return 111
        def f(x: dict[str, list[R]]): return x["a"][0].go()
    """,
    "pydantic model_config": """
        from pydantic import BaseModel, ConfigDict
        class S(BaseModel):
            model_config = ConfigDict(str_max_length=111)
            v: str = "a"
        def f(): return S().v
    """,
    "pydantic alias": """
        from pydantic import BaseModel, Field
        class S(BaseModel):
            v: int = Field(1, alias="a111")
        def f(): return S().v
    """,
    "pydantic field type": """
        from typing import Literal
        from pydantic import BaseModel
        class S(BaseModel):
            v: Literal[111] | None = None
        def f(): return S().v
    """,
    "pydantic nested model": """
        from pydantic import BaseModel
        class I(BaseModel):
            v: int = 111
        class S(BaseModel):
            i: I
        def f(): return S(i={}).i
    """,
    "pydantic inherited": """
        from pydantic import BaseModel
        class I(BaseModel):
            v: int = 111
        class S(I): pass
        def f(): return S().v
    """,
    "pydantic instance constant": """
        from pydantic import BaseModel
        class S(BaseModel):
            v: int
        s = S(v=111)
        def f(): return s.v
    """,
    "model_validator": """
        from pydantic import BaseModel, model_validator
        class S(BaseModel):
            v: int = 1
            @model_validator(mode="after")
            def check(self):
                self.v = 111
                return self
        def f(): return S().v
    """,
    "pydantic dataclass": """
        from pydantic.dataclasses import dataclass
        @dataclass
        class S:
            v: int = 111
        def f(): return S().v
    """,
}
