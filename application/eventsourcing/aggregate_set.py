"""The open set of aggregate types: those of Stackfold, and those of other packages."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from stackfold.application.eventsourcing.aggregate_type import AggregateReference, AggregateType
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.domain.errors import InvalidAggregate, StackfoldError
from stackfold.domain.eventsourcing.topics import aggregate_topic

if TYPE_CHECKING:
    from stackfold.domain.eventsourcing.event import DomainEvent


class PackagedAggregate(NamedTuple):
    """An aggregate that an installed package declares by an entry point."""

    topic: str
    package: str
    load: Callable[[], object]
    """Imports the declaration, and may raise anything."""
    problem: str = ""
    """Why it cannot be used; empty if it can."""


class Packages(Protocol):
    """The installed packages."""

    def aggregates(self) -> Sequence[PackagedAggregate]:
        """The aggregates that packages declare by entry points."""
        ...

    def package_of(self, module: str) -> str | None:
        """The name of the distribution that contains a module; None if there is none."""
        ...


class Aggregates:
    """An open set of aggregate types, each loaded when it is first needed.

    The types of Stackfold, whose topics have no prefix, exist in every log. Those of other packages
    are declared by the program, or found by entry points when a topic with a prefix is looked up.
    """

    def __init__(self, *references: AggregateReference, packages: Packages | None = None) -> None:
        """Create a set.

        Args:
            *references: In the order in which read models are built, so that a table comes after
                those that it looks up values in.
            packages: Finds the aggregates of installed packages; None for none.
        """
        self._references = {each.topic: each for each in references}
        self._types: dict[str, AggregateType] = {}
        self._read_models: dict[str, ReadModel] = {}
        self._event_classes: dict[str, type[DomainEvent]] = {}
        self._packages = packages
        self._found: dict[str, PackagedAggregate] | None = None
        self._problems: dict[str, str] = {}
        self._package_names: dict[str, str | None] = {}

    def with_types(self, *types: AggregateType | AggregateReference) -> Self:
        """A copy of the set with further aggregate types, which precede those of entry points.

        Args:
            types: The declarations to add.

        Raises:
            InvalidAggregate: A declaration is invalid, or two have the same topic.
        """
        from stackfold.application.eventsourcing.declaration_rules import check

        extended = type(self)(*self._references.values(), packages=self._packages)
        extended._types, extended._read_models = dict(self._types), dict(self._read_models)
        for each in types:
            check(each, extended)
            if isinstance(each, AggregateReference):
                extended._references[each.topic] = each
            else:
                extended._add(each)
        return extended

    def with_packages(self, packages: Packages) -> Self:
        """A copy of the set that also finds the aggregates of installed packages.

        Args:
            packages: Finds the aggregates of installed packages.
        """
        extended = type(self)(*self._references.values(), packages=packages)
        extended._types, extended._read_models = dict(self._types), dict(self._read_models)
        return extended

    def __contains__(self, topic: str) -> bool:
        return topic in self._references or topic in self._types

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of Stackfold's own aggregates."""
        return tuple(topic for topic in self._declared if "." not in topic)

    @property
    def prefixed_topics(self) -> tuple[str, ...]:
        """The topics of the aggregates of other packages, those that cannot be used included."""
        declared = (topic for topic in self._declared if "." in topic)
        return tuple(dict.fromkeys((*declared, *self._in_packages())))

    @property
    def loaded_prefixed_types(self) -> Sequence[AggregateType]:
        """The aggregate types of other packages that were loaded already."""
        return [each for topic, each in self._types.items() if "." in topic]

    @property
    def _declared(self) -> tuple[str, ...]:
        return (*self._references, *(each for each in self._types if each not in self._references))

    def type_of(self, topic: str) -> AggregateType | None:
        """The aggregate type of an event, or of an aggregate.

        Args:
            topic: Such as "stack.updated", or "stack".

        Returns:
            The declaration; None if there is none that can be used.
        """
        head = aggregate_topic(topic)
        for each in (topic, head):
            if each in self._types:
                return self._types[each]
            if each in self._references:
                return self._loaded(self._references[each])
        if "." in topic:
            found = self._in_packages()
            for each in (topic, head):
                if each in found:
                    return self._from_package(found[each])
        return None

    def event_class(self, topic: str) -> "type[DomainEvent] | None":
        """The class of the events of a topic; None if no aggregate type declares it.

        Args:
            topic: The topic of an event.
        """
        event_class = self._event_classes.get(topic)
        if event_class is None and (found := self.type_of(topic)):
            event_class = found.events.get(topic)
            if event_class is not None:
                self._event_classes[topic] = event_class
        return event_class

    def types(self) -> Iterator[AggregateType]:
        """All aggregate types that can be used, those of Stackfold first."""
        topics = (*self.topics, *self.prefixed_topics)
        return (found for topic in topics if (found := self.type_of(topic)))

    def read_model(self, topic: str) -> ReadModel | None:
        """The read model of the aggregates of a topic; None if they have none.

        Args:
            topic: The topic of an aggregate.
        """
        if topic not in self._read_models:
            if "." in topic:
                declared = self.type_of(topic)
                return declared.projection.read_model if declared and declared.projection else None
            reference = self._references.get(topic)
            if reference is None or reference.read_model is None:
                return None
            self._read_models[topic] = _load(reference.read_model)
        return self._read_models[topic]

    def read_models(self) -> Iterator[ReadModel]:
        """The read models of Stackfold's own aggregates."""
        return (found for topic in self.topics if (found := self.read_model(topic)))

    def package_of(self, topic: str) -> str | None:
        """The package that declares the aggregate of an event; None for those of Stackfold.

        Args:
            topic: The topic of the event.
        """
        topic = aggregate_topic(topic)
        if "." not in topic:
            return None
        if topic not in self._package_names:
            self._package_names[topic] = self._package_name(topic)
        return self._package_names[topic]

    def problem_of(self, topic: str) -> str | None:
        """Why the declaration of an aggregate cannot be used; None if there is none or it can.

        Args:
            topic: The topic of an event.
        """
        self.type_of(topic)
        return self._problems.get(topic)

    def _package_name(self, topic: str) -> str | None:
        declared = self.type_of(topic)
        if declared is None or declared.package is not None:
            return declared.package if declared else None
        found = self._in_packages().get(topic)
        if found is not None:
            return found.package
        module = declared.aggregate.__module__
        named = self._packages.package_of(module) if self._packages else None
        top = module.partition(".")[0]
        return named or (None if top == "__main__" else top)

    def _in_packages(self) -> dict[str, PackagedAggregate]:
        if self._found is None:
            found = self._packages.aggregates() if self._packages else ()
            self._found = {each.topic: each for each in found}
            self._problems |= {each.topic: each.problem for each in found if each.problem}
        return self._found

    def _from_package(self, found: PackagedAggregate) -> AggregateType | None:
        """The type that an entry point names; None, with a problem, if it cannot be loaded."""
        topic = found.topic
        if topic in self._problems:
            return None
        declared = self._attempt(topic, found.load)
        if isinstance(declared, AggregateReference) and declared.topic == topic:
            self._references[topic] = declared
            return self._loaded(declared)
        return self._accept(topic, declared)

    def _loaded(self, reference: AggregateReference) -> AggregateType | None:
        topic = reference.topic
        if "." not in topic:
            self._types[topic] = _load(reference.declaration)
            return self._types[topic]
        if topic in self._problems:
            return None
        return self._accept(topic, self._attempt(topic, lambda: _load(reference.declaration)))

    def _accept(self, topic: str, declared: object) -> AggregateType | None:
        from stackfold.application.eventsourcing.declaration_rules import check_loaded

        if declared is None:
            return None
        try:
            accepted = check_loaded(topic, declared, self)
        except InvalidAggregate as error:
            self._problems[topic] = error.problem
            return None
        self._add(accepted)
        return accepted

    def _attempt(self, topic: str, load: Callable[[], object]) -> object:
        try:
            return load()
        except (Exception, SystemExit) as error:
            # A module may raise anything on import; the user sees one line.
            line = " ".join(f"{type(error).__name__}: {error}".split())
            problem = error.args[0] if isinstance(error, StackfoldError) else line
            self._problems[topic] = f"loading its declaration failed: {problem:.300}"
            return None

    def _add(self, declared: AggregateType) -> None:
        self._types[declared.topic] = declared
        if declared.projection:
            self._read_models[declared.topic] = declared.projection.read_model


def _load(location: str) -> Any:
    module, _, name = location.partition(":")
    return getattr(import_module(module), name)
