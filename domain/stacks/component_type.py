"""The component types: what a component of a stack is used for."""

import re
from collections.abc import Iterable, Iterator
from keyword import iskeyword
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from stackfold.domain.errors import InvalidComponentType

ComponentTypeName = Literal[
    "orchestrator",
    "artifact_store",
    "container_registry",
    "step_operator",
    "experiment_tracker",
    "model_deployer",
    "model_registry",
    "feature_store",
    "alerter",
    "annotator",
    "data_validator",
    "image_builder",
]
"""The name of one of Stackfold's component types."""

LONGEST = 64
PATTERN = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_LEGAL = re.compile(PATTERN)
_BUILT_IN: "dict[str, ComponentType]" = {}


class _BuiltInTypes(type):
    """Makes the class iterable: it yields the component types of Stackfold."""

    def __iter__(cls) -> "Iterator[ComponentType]":
        return iter(_BUILT_IN.values())

    def __len__(cls) -> int:
        return len(_BUILT_IN)

    def __contains__(cls, name: object) -> bool:
        return isinstance(name, str) and name in _BUILT_IN


class ComponentType(str, metaclass=_BuiltInTypes):
    """What a component is used for: a text, which is its name in data and in Python.

    Iterating over the class yields Stackfold's own types. Programs and packages declare further
    ones, by giving a port:

        VECTOR_STORE = ComponentType("vector_store", port=VectorStore)

    A type that is only named, such as one in a log of a program that declares it, is equal to the
    declared one, and can be shown, but nothing new is registered under it.

    Attributes:
        several_per_stack: Whether a stack may contain several components of this type.
        description: What its components do, in one sentence.
        port: The class that its flavors derive from, or where it is, as "module:Class"; None for
            a type that is only named, and for Stackfold's own.
        package: The distribution whose entry point declares it; None if there is none.
    """

    several_per_stack: bool
    description: str
    port: type | str | None
    package: str | None

    ORCHESTRATOR: ClassVar["ComponentType"]
    ARTIFACT_STORE: ClassVar["ComponentType"]
    CONTAINER_REGISTRY: ClassVar["ComponentType"]
    STEP_OPERATOR: ClassVar["ComponentType"]
    EXPERIMENT_TRACKER: ClassVar["ComponentType"]
    MODEL_DEPLOYER: ClassVar["ComponentType"]
    MODEL_REGISTRY: ClassVar["ComponentType"]
    FEATURE_STORE: ClassVar["ComponentType"]
    ALERTER: ClassVar["ComponentType"]
    ANNOTATOR: ClassVar["ComponentType"]
    DATA_VALIDATOR: ClassVar["ComponentType"]
    IMAGE_BUILDER: ClassVar["ComponentType"]

    def __new__(
        cls,
        name: str,
        *,
        port: type | str | None = None,
        several_per_stack: bool | None = None,
        description: str = "",
    ) -> Self:
        """Name a component type, or declare one of your own.

        Args:
            name: Lower-case words of ASCII letters and digits, joined by `_`, such as
                "vector_store". The command line has `-` instead.
            port: For a declaration: the class that flavors of the type derive from, or where it
                is, as "module:Class", so that it is imported only when it is needed.
            several_per_stack: For a declaration: whether a stack may contain several components of
                the type; by default, one.
            description: For a declaration: what its components do, in one sentence.

        Raises:
            InvalidComponentType: The name breaks the rule, or names something else already.
        """
        if built_in := _BUILT_IN.get(name):
            if port is not None:
                raise InvalidComponentType(name, "Stackfold has a component type of that name")
            return built_in  # type: ignore[return-value]
        if isinstance(name, cls) and port is None:
            return name
        given: object = name  # it may come from a request
        if not isinstance(given, str) or len(name) > LONGEST or not _LEGAL.fullmatch(name):
            raise InvalidComponentType(
                name, f"use up to {LONGEST} lower-case letters and digits, in words joined by '_'"
            )
        if port is not None and (problem := _taken(name)):
            raise InvalidComponentType(name, problem)
        # The rule of a type that is only named is unknown, and what was recorded complies with it.
        several = port is None if several_per_stack is None else several_per_stack
        return cls._made(name, port, several, description, None)

    @classmethod
    def _made(
        cls, name: str, port: type | str | None, several: bool, text: str, package: str | None
    ) -> Self:
        made = super().__new__(cls, name)
        made.port, made.several_per_stack, made.description = port, several, text
        made.package = package
        return made

    def of_package(self, package: str) -> Self:
        """The same declaration, with the distribution that it comes from.

        Args:
            package: The name of the distribution.
        """
        return self._made(self.value, self.port, self.several_per_stack, self.description, package)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self.port is None:
            return type(self), (self.value,)
        fields = (self.value, self.port, self.several_per_stack, self.description, self.package)
        return self._made, fields

    def __repr__(self) -> str:
        return f"ComponentType({self.value!r})"

    __str__ = str.__str__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic import PlainValidator, WithJsonSchema

        described = f"One of {', '.join(_BUILT_IN)}, or a type that a program or package declares."
        schema = {"description": described, "maxLength": LONGEST, "pattern": PATTERN}
        json_schema = WithJsonSchema({**schema, "type": "string"})
        return handler.generate_schema(Annotated[Any, PlainValidator(cls._validated), json_schema])

    @classmethod
    def _validated(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise ValueError("a component type is a text")
        try:
            return cls(value)
        except InvalidComponentType as error:
            raise ValueError(str(error)) from None

    @property
    def value(self) -> str:
        """The name as a plain text."""
        return str.__str__(self)

    @property
    def built_in(self) -> bool:
        """Whether it is one of Stackfold's own."""
        return self in _BUILT_IN

    @property
    def required(self) -> bool:
        """Whether every stack needs a component of this type."""
        return self in REQUIRED

    @property
    def command(self) -> str:
        """The name on the command line, such as `artifact-store`."""
        return self.replace("_", "-")

    @property
    def noun(self) -> str:
        """The noun for messages, such as `artifact store`."""
        return self.replace("_", " ")


TypeOrName = ComponentType | ComponentTypeName
"""A component type, or the name of one of Stackfold's."""

_SEVERAL_PER_STACK = ("step_operator", "experiment_tracker", "alerter", "data_validator")

for _name in get_args(ComponentTypeName):
    _BUILT_IN[_name] = ComponentType(_name, several_per_stack=_name in _SEVERAL_PER_STACK)
    setattr(ComponentType, _name.upper(), _BUILT_IN[_name])

REQUIRED = (ComponentType.ORCHESTRATOR, ComponentType.ARTIFACT_STORE)
"""The types of which every stack needs a component."""


def in_order(names: Iterable[str]) -> list[str]:
    """Names of component types: Stackfold's in their order, then others by the alphabet."""
    return sorted({*names}, key=_rank)


_RANKS = {name: rank for rank, name in enumerate(_BUILT_IN)}


def _rank(name: str) -> tuple[int, str]:
    return _RANKS.get(name, len(_RANKS)), name


RESERVED = frozenset(
    {
        # commands
        "init",
        "trust",
        "untrust",
        "status",
        "undo",
        "version",
        "stack",
        "secret",
        "integration",
        "log",
        "pipeline",
        "schedule",
        "run",
        "artifact",
        "model",
        "deployment",
        "policy",
        "reactions",
        "ui",
        "report",
        "doctor",
        "whoami",
        # kinds of things in the log
        "component",
        "flavor",
        "activation",
        "model_version",
        "artifact_name",
        "aggregate",
        # options and parameters
        "name",
        "reference",
        "set",
        "activate",
        "description",
        "label",
        "labels",
        "remove_label",
        "add",
        "only",
        "message",
        "why",
        "recursive",
        "components",
        "component_types",
        "expected_revision",
        "expected_position",
        "help",
        "output",
        "columns",
        "as_of",
        "id",
        "type",
        "configuration",
        "default",
        "connect",
    }
)
"""The names that component types cannot have, since commands or arguments have them."""


def _taken(name: str) -> str:
    if name in RESERVED:
        return "a command or an option has that name"
    return "it is a keyword of Python" if iskeyword(name) else ""
