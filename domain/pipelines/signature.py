"""Signature: the inputs and outputs of a step or a pipeline, read from its type hints."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from inspect import (
    CO_VARARGS,
    CO_VARKEYWORDS,
    Parameter,
    isasyncgenfunction,
    iscoroutinefunction,
    isgeneratorfunction,
    unwrap,
)
from inspect import signature as inspect_signature
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Self, Union, get_args, get_origin

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from stackfold.domain.errors import InvalidPipeline, UnknownClass
from stackfold.domain.exact_json.class_finder import FindClass, class_finder, mentioned
from stackfold.domain.exact_json.encoding import NoExactForm
from stackfold.domain.exact_json.parameters import (
    IsSecret,
    ParameterEncoder,
    Recorded,
    is_secret,
    is_trivial,
    plain_numbers,
    read_back,
    record_of,
)
from stackfold.domain.name import valid_name
from stackfold.domain.pipelines.output import TIMES, Output
from stackfold.domain.pipelines.type_hints import resolved_hints
from stackfold.domain.validation_message import first_error

ONE_OUTPUT = "output"
"""The name of a single output without a name."""

# Without "constants", nan would silently be recorded as null.
_PLAIN = ConfigDict(arbitrary_types_allowed=True, ser_json_inf_nan="constants")
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any, config=_PLAIN)


class OutputDefinition(NamedTuple):
    """One of the values that a step returns."""

    name: str
    type: Any
    """Its type hint; `Any` if it has none."""
    own: Output | None = None
    """Its name across pipelines; None if it has none."""


class Signature:
    """The inputs and outputs of a function.

    Attributes:
        names: The names of its inputs, in order.
        required: The inputs without a default.
        defaults: Input → the record of its default value; see `domain.exact_json`.
        hints: Input → type hint; `Any` if it has none.
        outputs: Its outputs, in order; empty if the return type is None.
        unknown_hints: The inputs, and "return", whose hints only a type checker can resolve.
        declaration: The outputs as a text, such as "train: numpy.ndarray, loss: float".
    """

    def __init__(self, owner: str, function: Callable[..., Any]) -> None:
        """Read the signature of a function.

        Args:
            owner: How error messages name the function, such as "step 'train'".
            function: A plain function.

        Raises:
            InvalidPipeline: An input cannot be given by name, a default value cannot be recorded,
                or the name of an output has no effect.
        """
        self._owner = owner
        self._function = unwrap(function)
        self._finders: dict[str, FindClass] = {}
        self._encoders: dict[str, ParameterEncoder] = {}
        _must_be_plain(owner, function)
        parameters = inspect_signature(function).parameters
        hints, self.unknown_hints = resolved_hints(function)
        returned = hints.pop("return", Any)
        self.names = tuple(parameters)
        self.hints: dict[str, Any] = {name: hints.get(name, Any) for name in parameters}
        self.required = tuple(
            name for name, each in parameters.items() if each.default is Parameter.empty
        )
        self.defaults: dict[str, JsonValue] = {
            name: self.recorded(name, each.default).record
            for name, each in parameters.items()
            if each.default is not Parameter.empty
        }
        self.outputs = _outputs(owner, returned)
        for output in self.outputs:
            _must_have_values(owner, output, self.names)
        self.declaration = ", ".join(map(_declared, self.outputs))
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._inputs = frozenset(self.names)

    def of(self, owner: str) -> Self:
        """Return a copy whose error messages name another owner; it shares the validators."""
        other = copy(self)
        other._owner = owner
        return other

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by input.

        Raises:
            InvalidPipeline: An input is unknown, given twice, or missing.
        """
        given = self.named(args, kwargs)
        self.must_be_complete(given)
        return given

    def named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by input, like `bound`; inputs may be missing."""
        if len(args) > len(self.names):
            takes = f"{len(self.names)} input{'s' if len(self.names) != 1 else ''}"
            raise InvalidPipeline(f"{self._owner} takes {takes}, but {len(args)} were given")
        given = dict(zip(self.names, args, strict=False))
        if kwargs:
            self.must_know(kwargs)
            twice = given.keys() & kwargs.keys()
            if twice:
                raise InvalidPipeline(f"{self._owner} is given {_listed(twice)} twice")
            given.update(kwargs)
        return given

    def must_know(self, names: Mapping[str, Any]) -> None:
        """Reject unknown inputs.

        Raises:
            InvalidPipeline: A name is not an input.
        """
        unknown = names.keys() - self._inputs
        if unknown:
            takes = f"it takes {', '.join(self.names)}" if self.names else "it takes nothing"
            raise InvalidPipeline(f"{self._owner} has no parameter {_listed(unknown)}: {takes}")

    def must_be_complete(self, given: Mapping[str, Any]) -> None:
        """Reject missing inputs.

        Raises:
            InvalidPipeline: An input without a default is not given.
        """
        if len(given) < len(self.names):
            missing = [name for name in self.required if name not in given]
            if missing:
                raise InvalidPipeline(f"{self._owner} needs {_listed(missing)}")

    def validated(self, name: str, value: object) -> Recorded:
        """Validate a value against the type hint of an input.

        Returns:
            The value as the function receives it, and its record.

        Raises:
            InvalidPipeline: The value does not match the hint, or cannot be recorded.
        """
        adapter = self._adapter(name)
        return self.recorded(name, self.matching(name, value), adapter)

    def matching(self, name: str, value: object) -> Any:
        """Return a value that matches the type hint of an input.

        Raises:
            InvalidPipeline: The value does not match the hint.
        """
        try:
            return _validated(self._adapter(name), value)
        except ValidationError as error:
            place, _, problem = first_error(
                error, hides_input=_may_contain_secrets(self.hints[name])
            )
            where = f"{place}: " if place else ""
            raise InvalidPipeline(
                f"parameter {name!r} of {self._owner}: {where}{problem}"
            ) from None

    def recorded(
        self, name: str, value: object, adapter: TypeAdapter[Any] | None = None
    ) -> Recorded:
        """Return a value for an input and its record, without validating it.

        Args:
            name: The input.
            value: Any value that is not an output.
            adapter: The validator of the type hint, if the value matches it.

        Raises:
            InvalidPipeline: The value cannot be recorded.
        """
        if is_trivial(value):
            return Recorded(value, value)  # type: ignore[arg-type]
        encoder = self._encoders.get(name)
        if encoder is None:
            encoder = self._encoders[name] = ParameterEncoder(self._finder(name))
        try:
            return record_of(value, encoder, adapter)
        except IsSecret:
            problem = (
                "is or contains a secret, and parameters are recorded: let the step read it from "
                "an environment variable"
            )
        except NoExactForm as error:
            problem = (
                f"cannot be recorded: it is or contains {error.what}; let a step return it, and "
                "pass the output of that step"
            )
        raise InvalidPipeline(f"parameter {name!r} of {self._owner} {problem}")

    def read(self, name: str, record: JsonValue) -> Any:
        """Return the recorded value of an input, as the function received it.

        It is not validated again: a validator may reject its own results.

        Raises:
            InvalidPipeline: The class of a value was not found, or its fields have changed.
        """
        if type(record) is not dict and type(record) is not list:
            return record
        try:
            return read_back(record, self._finder(name), self._adapter(name))
        except UnknownClass as error:
            problem = (
                f"was a {error.reference}, which the pipeline's module does not provide: define or "
                "import it there"
            )
        except Exception as error:  # raised by classes or type hints of the user
            problem = f"cannot be read: {type(error).__name__}: {error}"
        raise InvalidPipeline(
            f"the recorded parameter {name!r} of {self._owner} {' '.join(problem.split())}"
        )

    def _adapter(self, name: str) -> TypeAdapter[Any]:
        adapter = self._adapters.get(name)
        if adapter is None:
            adapter = self._adapters[name] = _adapter(self.hints[name])
        return adapter

    def _finder(self, name: str) -> FindClass:
        finder = self._finders.get(name)
        if finder is None:
            finder = self._finders[name] = class_finder(self.hints[name], self._function)
        return finder


def _must_be_plain(owner: str, function: Callable[..., Any]) -> None:
    if not callable(function):
        raise InvalidPipeline(f"{owner} is not a function: give options by name")
    if iscoroutinefunction(function) or isasyncgenfunction(function):
        raise InvalidPipeline(f"{owner} is async: make it a plain function")
    if isgeneratorfunction(function):
        raise InvalidPipeline(f"{owner} is a generator: return a value, such as a list")
    code = getattr(unwrap(function), "__code__", None)
    if code is None:
        raise InvalidPipeline(f"{owner} is not a function")
    if code.co_flags & (CO_VARARGS | CO_VARKEYWORDS):
        raise InvalidPipeline(f"{owner} takes *args or **kwargs: name its inputs")
    if code.co_posonlyargcount:
        raise InvalidPipeline(f"{owner} has inputs that cannot be given by name: remove the '/'")


def _outputs(owner: str, returned: Any) -> tuple[OutputDefinition, ...]:
    if returned is NoneType or returned is None:
        return ()
    parts = get_args(returned) if get_origin(returned) is tuple else ()
    if not parts or Ellipsis in parts:
        return (_output(owner, returned, ONE_OUTPUT),)
    outputs = tuple(_output(owner, part, f"{ONE_OUTPUT}_{i}") for i, part in enumerate(parts))
    names = [each.name for each in outputs]
    if len(set(names)) < len(names):
        raise InvalidPipeline(f"{owner} gives two outputs the same name: {', '.join(names)}")
    return outputs


def _output(owner: str, hint: Any, otherwise: str) -> OutputDefinition:
    names, kind = _names(hint), get_args(hint)[0] if get_origin(hint) is Annotated else hint
    own = [note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Output)]
    if len(own) > 1:
        raise InvalidPipeline(f"{owner} annotates an output with {own[0]} and {own[1]}: remove one")
    if own and own[0].is_fixed:
        names = names or [own[0].name]
    inside = next((name for part in get_args(kind) for name in _names(part)), None)
    if inside and get_origin(kind) in (Union, UnionType, tuple):
        raise InvalidPipeline(
            f"{owner} names a part of an output, {inside!r}: name the whole output, as in "
            f"Annotated[int | None, {inside!r}]"
        )
    if len(names) > 1:
        raise InvalidPipeline(
            f"{owner} gives an output two names, {', '.join(map(repr, names))}: remove one"
        )
    name = valid_name("output", names[0] if names else otherwise)
    return OutputDefinition(name, kind, own[0] if own else None)


def _must_have_values(owner: str, output: OutputDefinition, inputs: Sequence[str]) -> None:
    if output.own and (unknown := output.own.placeholders - {*inputs, *TIMES}):
        raise InvalidPipeline(
            f"{owner} names an output {output.own.name!r}, but {_listed(unknown)} is neither "
            "'date' or 'time' nor a parameter"
        )


def _declared(output: OutputDefinition) -> str:
    own = f" {output.own}" if output.own else ""  # in the cache key, if there is one
    return f"{output.name}: {_type_name(output.type)}{own}"


def _names(hint: Any) -> list[str]:
    """Return the names that a type hint gives to an output."""
    notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return [note for note in notes if isinstance(note, str)]


def _type_name(hint: Any) -> str:
    if not isinstance(hint, type) or get_args(hint):
        return repr(hint)
    module = "" if hint.__module__ == "builtins" else f"{hint.__module__}."
    return f"{module}{hint.__qualname__}"


def _adapter(hint: Any) -> TypeAdapter[Any]:
    try:
        # Values of classes without a pydantic schema are checked with `isinstance`.
        return TypeAdapter(hint, config=_PLAIN)
    except PydanticSchemaGenerationError:
        return _ANYTHING
    except PydanticUserError:  # a model has its own configuration
        return TypeAdapter(hint)


def _may_contain_secrets(hint: Any) -> bool:
    return any(is_secret(each) for each in mentioned(hint) if isinstance(each, type))


def _validated(adapter: TypeAdapter[Any], value: object) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        plain = plain_numbers(value)
        if plain is value:
            raise
        return adapter.validate_python(plain)


def _listed(names: Any) -> str:
    return ", ".join(map(repr, sorted(names)))
