"""Reading a document that describes a stack, ours or the peer's, into checked values.

Ours is a superset of the peer's: it adds description and labels. The peer's older form has one
mapping for each type instead of a list.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from stackfold.application.stacks.component_references import TypeOf
from stackfold.domain.errors import InvalidFile, MissingComponentType, UnknownComponentType
from stackfold.domain.name import valid_name
from stackfold.domain.stacks.component_type import ComponentType

Document = dict[str, Any]

_STACK_KEYS = ("stack_name", "description", "labels", "components")
_VERSION_KEYS = ("stackfold_version", "zenml_version")
_COMPONENT_KEYS = ("name", "type", "flavor", "configuration", "labels")


class ComponentDocument(NamedTuple):
    """A component as a document describes it."""

    type: ComponentType
    name: str
    flavor: str
    configuration: dict[str, Any]
    labels: dict[str, str]


class StackDocument(NamedTuple):
    """A stack as a document describes it."""

    name: str
    description: str
    labels: dict[str, str]
    components: list[ComponentDocument]
    """Of several of a type, the default one first."""


def read(document: object, name: str | None, origin: str, type_of: TypeOf) -> StackDocument:
    """Check a document.

    Args:
        document: The plain values that it consists of.
        name: The stack's name, if it is not to be the document's.
        origin: Where the document comes from, for errors.
        type_of: Returns the component type of a name.

    Raises:
        InvalidFile: It describes no stack.
        InvalidName: A name breaks the rule for names.
    """
    reader = _Reader(origin, type_of)
    fields = reader.mapping(document, "it", (*_STACK_KEYS, *_VERSION_KEYS))
    if "components" not in fields:
        raise reader.refuse("it has no components, so it describes no stack")
    components = list(reader.components(fields["components"]))
    for place, component in enumerate(components):
        if any(component[:2] == other[:2] for other in components[:place]):
            raise reader.refuse(f"{component.type.noun} {component.name!r} is described twice")
    return StackDocument(
        valid_name("stack", name or reader.text(fields, "stack_name", "it")),
        reader.text(fields, "description", "it", default=""),
        reader.labels(fields, "it"),
        components,
    )


class _Reader:
    """Takes values out of a document, or says which of them is not what it should be."""

    def __init__(self, origin: str, type_of: TypeOf) -> None:
        self._origin = origin
        self._type_of = type_of

    def refuse(self, problem: str) -> InvalidFile:
        return InvalidFile(self._origin, problem)

    def components(self, value: object) -> Iterator[ComponentDocument]:
        by_type = self.mapping(value, "components")
        for key, held in by_type.items():
            type = self.type(key)
            for each in held if isinstance(held, list) else [held]:
                yield self.component(type, each)

    def component(self, type: ComponentType, value: object) -> ComponentDocument:
        where = f"a component under {type.value}"
        fields = self.mapping(value, where, _COMPONENT_KEYS)
        name = valid_name(type.noun, self.text(fields, "name", where))
        where = f"{type.noun} {name!r}"
        if self.type(self.text(fields, "type", where, default=type.value)) != type:
            raise self.refuse(f"{where} is of the type {fields['type']} but stands under {type}")
        return ComponentDocument(
            type,
            name,
            self.text(fields, "flavor", where),
            self.mapping(fields.get("configuration") or {}, f"the configuration of {where}"),
            self.labels(fields, where),
        )

    def type(self, key: str) -> ComponentType:
        try:
            return self._type_of(key.replace("-", "_"))
        except MissingComponentType as error:
            raise self.refuse(str(error)) from None
        except UnknownComponentType as error:
            known = ", ".join(error.known)
            raise self.refuse(f"there is no component type {key!r}, but {known}") from None

    def labels(self, fields: Mapping[str, Any], where: str) -> dict[str, str]:
        labels = self.mapping(fields.get("labels") or {}, f"the labels of {where}")
        return {key: self.text(labels, key, f"the labels of {where}") for key in labels}

    def mapping(
        self, value: object, where: str, known: tuple[str, ...] | None = None
    ) -> dict[str, Any]:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.refuse(f"{where} must be a mapping of names to values")
        for key in value:
            if known and key not in known:
                raise self.refuse(f"{where} has an unknown key {key!r}: known are {_listed(known)}")
        return value

    def text(
        self, fields: Mapping[str, Any], key: str, where: str, default: str | None = None
    ) -> str:
        value = fields.get(key, default)
        if value is None:
            raise self.refuse(f"{where} needs a {key}")
        if not isinstance(value, str):
            raise self.refuse(f"{key} of {where} must be text: write it in quotes")
        return value


def _listed(keys: tuple[str, ...]) -> str:
    return ", ".join(keys)
