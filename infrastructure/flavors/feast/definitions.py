"""The definitions in Feast's registry, read without executing what the registry contains."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

_FUNCTIONS = {
    "UserDefinedFunction": "body",
    "UserDefinedFunctionV2": "body",
    "SubstraitTransformationV2": "ibis_function",
}
"""Message of the registry → its field with a pickled function."""
_CLASS, _OWN = "data_source_class_type", "feast."
"""The field that names the class of a data source, and how the names of Feast's own begin."""
_NO_ENTITY = "__dummy_id"
"""The join key of feature views without entities."""


class View(NamedTuple):
    """A feature view, or an on-demand one."""

    name: str
    keys: Sequence[str]
    """The columns that identify its entities; for an on-demand view none, as it has sources."""
    features: Mapping[str, str]
    """Feature → its type."""
    source: str
    ttl: float | None
    online: bool
    materialized: datetime | None
    on_demand: bool


class Projection(NamedTuple):
    """Features of a view, as requested or as a feature service names them."""

    view: View
    name: str
    """The name of the view, or that which the feature service gives it."""
    features: Sequence[str]
    renamed: Mapping[str, str] = {}
    """Key of the view → the column to use instead."""

    @property
    def keys(self) -> list[str]:
        """The columns that identify entities."""
        return [self.renamed.get(key, key) for key in self.view.keys]


class Definitions(NamedTuple):
    """The definitions of one project."""

    views: Mapping[str, View]
    services: Mapping[str, Sequence[Projection]]
    version: str
    """A digest of all definitions."""
    functions: Sequence[str]
    """The views and sources that contain pickled functions or name classes that are not Feast's."""


def read_definitions(registry: Any, project: str) -> Definitions:
    """Read the definitions of a project.

    Args:
        registry: Feast's message `Registry`.
        project: The name of the project.
    """
    views: dict[str, View] = {}
    functions = []
    digests = []
    kinds = (
        registry.feature_views,
        registry.stream_feature_views,
        registry.on_demand_feature_views,
        registry.entities,
        registry.data_sources,
        registry.feature_services,
    )
    for number, kind in enumerate(kinds):
        for each in kind:
            spec = getattr(each, "spec", each)
            if spec.project != project:
                continue
            if _executes(each):
                functions.append(spec.name)
            digests.append(f"{number} {spec.name} {_digest(each)}")
            if number < 2:
                views[spec.name] = _view(each)
            elif number == 2:
                views[spec.name] = _on_demand(spec)
    services = {
        each.spec.name: [*_projections(each.spec, views)]
        for each in registry.feature_services
        if each.spec.project == project
    }
    version = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
    return Definitions(dict(sorted(views.items())), services, version, functions)


def _view(view: Any) -> View:
    spec = view.spec
    source = spec.batch_source
    ends = [each.end_time.ToDatetime(UTC) for each in view.meta.materialization_intervals]
    ttl = spec.ttl.ToTimedelta().total_seconds()
    return View(
        spec.name,
        [each.name for each in spec.entity_columns if each.name != _NO_ENTITY],
        _features(spec),
        source.file_options.uri or source.name,
        ttl or None,
        spec.online,
        max(ends, default=None),
        on_demand=False,
    )


def _on_demand(spec: Any) -> View:
    source = ", ".join(sorted(spec.sources))
    return View(spec.name, [], _features(spec), source, None, False, None, on_demand=True)


def _features(spec: Any) -> dict[str, str]:
    from feast.protos.feast.types.Value_pb2 import ValueType

    return {
        each.name: ValueType.Enum.Name(each.value_type).lower().replace("_list", "[]")
        for each in spec.features
    }


def _projections(service: Any, views: Mapping[str, View]) -> Iterator[Projection]:
    for each in service.features:
        view = views.get(each.feature_view_name)
        if view is not None:  # else it is of another kind, which Feast rejects
            name = each.feature_view_name_alias or view.name
            features = [column.name for column in each.feature_columns]
            yield Projection(view, name, features, dict(each.join_key_map))


def _messages(message: Any) -> Iterator[Any]:
    """The message, and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            values: Sequence[Any] = []
            if field.message_type is not None:  # a mapping
                values = [each for each in value.values() if hasattr(each, "ListFields")]
        else:
            values = [value] if hasattr(value, "ListFields") else value
        for each in values:
            yield from _messages(each)


def _executes(message: Any) -> bool:
    """Whether loading it would unpickle a function, or import a class that is not Feast's."""
    for each in _messages(message):
        field = _FUNCTIONS.get(each.DESCRIPTOR.name)
        if field and getattr(each, field):
            return True
        named = getattr(each, _CLASS, "")
        if named and not named.startswith(_OWN):
            return True
    return False


def _digest(message: Any) -> str:
    """A digest of what the user has defined; not of times and states that Feast adds."""
    copy = type(message)()
    copy.CopyFrom(message)
    for each in [*_messages(copy)]:
        if "meta" in each.DESCRIPTOR.fields_by_name:
            each.ClearField("meta")
        if getattr(each, _CLASS, "").startswith(_OWN):  # which Feast does not always write
            each.ClearField(_CLASS)
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).hexdigest()
